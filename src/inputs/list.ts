import { everyCommand } from './every-command.ts';
import { monitoringInputs } from './monitoring.ts';
import {
  type Environment,
  type GetInput,
  type InputLog,
  input,
  optional,
  readInputs,
  type Schema,
} from './read-inputs.ts';
import { parseReportPath } from './report-path.ts';
import { parseSetName } from './set-name.ts';
import type { ListSettings } from './settings.ts';
import { storeInputs, storeSettings } from './store-inputs.ts';
import { oneOf } from './words.ts';

/** Every input of `list`, as in action.yml. */
export const listInputs = {
  command: input('backup', oneOf('list')),
  name: optional(parseSetName),
  ...storeInputs,
  ...monitoringInputs,
  'report-html': optional(parseReportPath),
} satisfies Schema;

/** Reads and checks everything that `list` is told, like readBackupSettings. */
export async function readListSettings(get: GetInput, env: Environment, log: InputLog): Promise<ListSettings> {
  const inputs = await readInputs(listInputs, everyCommand, get, { env, log, now: new Date() });
  return {
    command: inputs.command,
    name: inputs.name,
    ...storeSettings(inputs),
    reportHtml: inputs['report-html'],
  };
}
