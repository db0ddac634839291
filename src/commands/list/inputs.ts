import { everyCommand } from '../../inputs/every-command.ts';
import { monitoringInputs } from '../../inputs/notifiers/monitoring.ts';
import {
  type Environment,
  type GetInput,
  type InputLog,
  optional,
  pick,
  readInputs,
  schemaOf,
  type ValuesOf,
} from '../../inputs/schema.ts';
import { storeInputs, storeSettings } from '../../inputs/stores/store-inputs.ts';
import { parseReportPath } from '../../inputs/values/report-path.ts';
import { parseSetName } from '../../inputs/values/set-name.ts';
import { oneOf } from '../../inputs/values/words.ts';
import type { StoreSettings } from '../../store/open.ts';

/** Every input of `list`. */
export const listInputs = schemaOf({
  command: oneOf('list'),
  name: optional(parseSetName),
  ...storeInputs,
  ...monitoringInputs,
  'report-html': optional(parseReportPath),
});

/** Settings that are the values of the inputs of these names, as parsed. */
const PLAIN = ['command', 'name', 'reportHtml'] as const satisfies (keyof ValuesOf<typeof listInputs>)[];

/** Everything that a `list` needs to know, checked; null: the input was not given. */
export interface ListSettings extends StoreSettings, Pick<ValuesOf<typeof listInputs>, (typeof PLAIN)[number]> {}

/** Reads and checks every input of `list`, like readBackupSettings. */
export async function readListSettings(get: GetInput, env: Environment, log: InputLog): Promise<ListSettings> {
  const inputs = await readInputs(listInputs, everyCommand, get, { env, log, now: new Date() });
  return { ...pick(inputs, PLAIN), ...storeSettings(inputs) };
}
