import { everyCommand } from '../../inputs/every-command.ts';
import { monitoringInputs } from '../../inputs/notifiers/monitoring.ts';
import { type Environment, type GetInput, type InputLog, optional, readInputs, schemaOf } from '../../inputs/schema.ts';
import { storeInputs, storeSettings } from '../../inputs/stores/store-inputs.ts';
import { parseReportPath } from '../../inputs/values/report-path.ts';
import { parseSetName } from '../../inputs/values/set-name.ts';
import { oneOf } from '../../inputs/values/words.ts';
import type { StoreSettings } from '../../store/open.ts';

/** Everything that a `list` needs to know, checked. */
export interface ListSettings extends StoreSettings {
  command: 'list';
  /** null: every set. */
  name: string | null;
  /** Where a page for people is written; null: nowhere. */
  reportHtml: string | null;
}

/** Every input of `list`. */
export const listInputs = schemaOf({
  command: oneOf('list'),
  name: optional(parseSetName),
  ...storeInputs,
  ...monitoringInputs,
  'report-html': optional(parseReportPath),
});

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
