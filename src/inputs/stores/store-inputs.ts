import { parseStores } from '../../store/location.ts';
import type { StoreSettings } from '../../store/open.ts';
import { parseKnownHosts } from '../../store/ssh/known-hosts.ts';
import {
  type Environment,
  type GetInput,
  type InputLog,
  optional,
  type Parsers,
  readInputs,
  schemaOf,
  type ValuesOf,
} from '../schema.ts';
import { parseTimeout } from '../values/duration.ts';
import { parseEndpoint, s3ForReading } from './s3.ts';
import { parseSshKey, sshSettings } from './ssh.ts';

/** The inputs about stores, which every command has. */
export const storeInputs = {
  store: parseStores,
  's3-endpoint': optional(parseEndpoint),
  'ssh-key': optional(parseSshKey),
  'ssh-known-hosts': optional(parseKnownHosts),
  'store-timeout': parseTimeout,
} satisfies Parsers;

/** What a command needs that writes no backups. */
export function storeSettings(inputs: ValuesOf<typeof storeInputs>): StoreSettings {
  return {
    stores: inputs.store,
    storeTimeout: inputs.storeTimeout,
    s3: s3ForReading(inputs.s3Endpoint),
    ssh: sshSettings(inputs),
  };
}

/** The stores of a run that has ended, for what it left there. */
export async function readStores(get: GetInput, env: Environment, log: InputLog): Promise<StoreSettings> {
  return storeSettings(await readInputs(schemaOf(storeInputs), [], get, { env, log, now: new Date() }));
}
