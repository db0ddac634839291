import { existsSync } from 'node:fs';
import { LifeboatError } from '../../errors.ts';
import { resolveConnection } from '../../inputs/connection/pg-environment.ts';
import {
  imageNeedsHost,
  needsLocalFiles,
  parseImage,
  parseRestoreJobs,
  parseToolset,
  toolsetFor,
} from '../../inputs/connection/toolset.ts';
import { parseAssertions } from '../../inputs/database/assertions.ts';
import { parseFileReferences } from '../../inputs/database/file-references.ts';
import { everyCommand } from '../../inputs/every-command.ts';
import { decryptionInputs, decryptionOf, decryptionRules, wayToDecrypt } from '../../inputs/keys/decryption.ts';
import { parseVerificationKeys } from '../../inputs/keys/keys.ts';
import { passphraseOfNoSigningKey, signingInputs } from '../../inputs/keys/signing.ts';
import { monitoringInputs } from '../../inputs/notifiers/monitoring.ts';
import {
  type Environment,
  type GetInput,
  type InputLog,
  optional,
  pick,
  type Rule,
  readInputs,
  schemaOf,
  type ValuesOf,
} from '../../inputs/schema.ts';
import { storeInputs, storeSettings } from '../../inputs/stores/store-inputs.ts';
import { parseBackup } from '../../inputs/values/backup.ts';
import { parseDuration, parseTimeout } from '../../inputs/values/duration.ts';
import { parseMissingRows } from '../../inputs/values/missing-rows.ts';
import { parseSetName } from '../../inputs/values/set-name.ts';
import { oneOf, parseBoolean } from '../../inputs/values/words.ts';
import type { DecryptionSettings, SigningSettings } from '../../openpgp/settings.ts';
import type { ToolsetChoice } from '../../postgres/toolset/toolset.ts';
import type { StoreSettings } from '../../store/open.ts';
import { quote } from '../../text.ts';

/** Every input of `restore-test`. */
export const restoreTestInputs = schemaOf({
  command: oneOf('restore-test'),
  name: optional(parseSetName),
  ...storeInputs,
  toolset: parseToolset,
  backup: parseBackup,
  ...decryptionInputs,
  'verification-key': optional(parseVerificationKeys),
  ...signingInputs,
  'scratch-url': optional((text, { log }) => resolveConnection(text, {}, log)),
  'scratch-image': optional(parseImage),
  'scratch-dir': optional(parseScratchDir),
  'keep-database': parseBoolean,
  'after-restore': optional(parseFile),
  cache: parseBoolean,
  'accept-missing-rows': parseMissingRows,
  assertions: (text) => (text === '' ? Promise.resolve([]) : parseAssertions(text)),
  'file-references': (text) => (text === '' ? Promise.resolve([]) : parseFileReferences(text)),
  jobs: parseRestoreJobs,
  'restore-timeout': optional(parseTimeout),
  'max-restore-time': optional(parseDuration),
  'max-age': optional(parseDuration),
  'on-could-not-verify': oneOf('fail', 'warn'),
  ...monitoringInputs,
});

type RestoreTestValues = ValuesOf<typeof restoreTestInputs>;

/** Settings that are the values of the inputs of these names, as parsed. */
const PLAIN = [
  ...['command', 'name', 'backup', 'scratchImage', 'scratchDir', 'keepDatabase', 'afterRestore', 'cache', 'assertions'],
  'acceptMissingRows',
  ...['fileReferences', 'jobs', 'restoreTimeout', 'maxRestoreTime', 'maxAge', 'onCouldNotVerify'],
] as const satisfies (keyof RestoreTestValues)[];

/** Everything that a `restore-test` needs to know, checked. Durations are milliseconds; null: the input was not given. */
export interface RestoreTestSettings extends StoreSettings, Pick<RestoreTestValues, (typeof PLAIN)[number]> {
  decryption: DecryptionSettings;
  /** Armored certificates; null: signatures are not checked. */
  verificationKeys: string | null;
  /** Signs the record. */
  signing: SigningSettings | null;
  toolset: ToolsetChoice;
  /** The connection parameters of an existing server; null: a private cluster. */
  scratchConnection: Record<string, string> | null;
}

const rules: Rule<typeof restoreTestInputs>[] = [
  ...everyCommand,
  ({ given, env }) => wayToDecrypt(given('passphrase'), given('private-key'), env),
  ...decryptionRules,
  ({ given }) => passphraseOfNoSigningKey(given('signing-key-passphrase'), given('signing-key')),
  function twoScratchServers({ given }) {
    if (!given('scratch-url') || !given('scratch-dir')) return null;
    return {
      input: 'scratch-dir',
      problem: 'scratch-url names a server that is there already, so no cluster is made. Remove one of the two.',
    };
  },
  function imageAndServer({ given }) {
    if (!given('scratch-image') || !given('scratch-url')) return null;
    return {
      input: 'scratch-image',
      problem: 'scratch-url names an existing server, so no container is started. Remove one of the two.',
    };
  },
  function imageAndFolder({ given }) {
    if (!given('scratch-image') || !given('scratch-dir')) return null;
    return {
      input: 'scratch-dir',
      problem: 'the data of scratch-image is in the storage of docker or podman. Remove one of the two.',
    };
  },
  function imageAndToolset({ given, values }) {
    const { toolset } = values;
    if (!given('scratch-image') || (toolset?.kind !== 'container' && toolset?.kind !== 'image')) return null;
    return {
      input: 'toolset',
      problem: 'scratch-image brings its own programs. Remove toolset, or write auto or local.',
    };
  },
  function privateClusterInContainer({ given, values }) {
    const { toolset } = values;
    if (given('scratch-image')) return null;
    if (given('scratch-url') || (toolset?.kind !== 'container' && toolset?.kind !== 'image')) return null;
    return {
      input: 'toolset',
      problem:
        'a private cluster is made of this machine’s own PostgreSQL. Give scratch-url, a server as it is seen from the container, or write toolset: local and install PostgreSQL on the runner.',
    };
  },
  ({ values }) => imageNeedsHost(values.toolset, 'scratch-url', values.scratchUrl),
  ({ given, values }) =>
    needsLocalFiles(values.toolset, [
      { name: 'after-restore', used: given('after-restore') },
      { name: 'jobs', used: (values.jobs ?? 1) > 1 },
    ]),
  function keptWhere({ given, values }) {
    if (values.keepDatabase !== true || given('scratch-url')) return null;
    return {
      input: 'keep-database',
      problem: 'a private cluster is gone when the step ends. Give a service container in scratch-url.',
    };
  },
  function maskedForWhom({ given, values }) {
    if (!given('after-restore') || values.keepDatabase === true) return null;
    return { input: 'after-restore', problem: 'nothing is handed out. Set keep-database: true, or remove it.' };
  },
];

function parseFile(text: string): string {
  if (existsSync(text)) return text;
  throw new LifeboatError(
    `the file ${quote(text)} is not there. Paths start in the workspace; run actions/checkout first.`,
  );
}

function parseScratchDir(text: string): string {
  if (text.startsWith('/')) return text;
  throw new LifeboatError(`${quote(text)} is not an absolute path. Write one, such as /mnt/scratch.`);
}

/** Reads and checks every input of `restore-test`, like readBackupSettings. */
export async function readRestoreTestSettings(
  get: GetInput,
  env: Environment,
  log: InputLog,
): Promise<RestoreTestSettings> {
  const inputs = await readInputs(restoreTestInputs, rules, get, { env, log, now: new Date() });
  return {
    ...pick(inputs, PLAIN),
    ...storeSettings(inputs),
    decryption: decryptionOf(inputs),
    verificationKeys: inputs.verificationKey,
    signing: inputs.signingKey,
    toolset: toolsetFor(inputs.afterRestore !== null || inputs.jobs > 1, inputs.toolset),
    scratchConnection: inputs.scratchUrl,
  };
}
