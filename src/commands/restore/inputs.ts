import type { Wanted } from '../../formats/inventory/selection.ts';
import { commandEnvironment } from '../../inputs/command-environment.ts';
import { resolveConnection } from '../../inputs/connection/pg-environment.ts';
import {
  imageNeedsHost,
  needsLocalFiles,
  parseRestoreJobs,
  parseToolset,
  toolsetFor,
} from '../../inputs/connection/toolset.ts';
import { parseAssertions } from '../../inputs/database/assertions.ts';
import { everyCommand } from '../../inputs/every-command.ts';
import { decryptionInputs, decryptionOf, decryptionRules, wayToDecrypt } from '../../inputs/keys/decryption.ts';
import { parseVerificationKeys } from '../../inputs/keys/keys.ts';
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
import { parseCommandLines } from '../../inputs/values/command-lines.ts';
import { parseDuration, parseTimeout } from '../../inputs/values/duration.ts';
import { parseFilesTo } from '../../inputs/values/files-to.ts';
import { parseMissingRows } from '../../inputs/values/missing-rows.ts';
import { parseSchemaNames, parseTableNames } from '../../inputs/values/relation-names.ts';
import { parseSetName } from '../../inputs/values/set-name.ts';
import { oneOf, parseBoolean } from '../../inputs/values/words.ts';
import type { DecryptionSettings } from '../../openpgp/settings.ts';
import type { ToolsetChoice } from '../../postgres/toolset/toolset.ts';
import type { StoreSettings } from '../../store/open.ts';
import { quote } from '../../text.ts';
import type { SwapCommands } from './swap-commands.ts';

/** Every input of `restore`. */
export const restoreInputs = schemaOf({
  command: oneOf('restore'),
  'database-url': (text, { env, log }) => resolveConnection(text, env, log),
  name: optional(parseSetName),
  ...storeInputs,
  toolset: parseToolset,
  backup: parseBackup,
  ...decryptionInputs,
  'verification-key': optional(parseVerificationKeys),
  confirm: (text) => text,
  replace: parseBoolean,
  tables: parseTableNames,
  schemas: parseSchemaNames,
  'files-to': optional(parseFilesTo),
  'create-roles': parseBoolean,
  'accept-unverified': parseBoolean,
  'restore-timeout': optional(parseTimeout),
  'max-age': optional(parseDuration),
  'swap-timeout': parseTimeout,
  before: parseCommandLines,
  after: parseCommandLines,
  jobs: parseRestoreJobs,
  'accept-missing-rows': parseMissingRows,
  assertions: (text) => (text === '' ? Promise.resolve([]) : parseAssertions(text)),
  'dry-run': parseBoolean,
  ...monitoringInputs,
});

type RestoreValues = ValuesOf<typeof restoreInputs>;

/** Settings that are the values of the inputs of these names, as parsed. */
const PLAIN = [
  ...['command', 'name', 'backup', 'replace', 'filesTo', 'createRoles', 'acceptUnverified', 'restoreTimeout'],
  ...['maxAge', 'swapTimeout', 'jobs', 'assertions', 'acceptMissingRows', 'dryRun'],
] as const satisfies (keyof RestoreValues)[];

/** Everything that a `restore` needs to know, checked. Durations are milliseconds; null: the input was not given. */
export interface RestoreSettings extends StoreSettings, Pick<RestoreValues, (typeof PLAIN)[number]> {
  /** PGDATABASE is the database to restore; it need not exist. */
  connection: Record<string, string>;
  toolset: ToolsetChoice;
  decryption: DecryptionSettings;
  /** Armored certificates; null: signatures are not checked. */
  verificationKeys: string | null;
  /** The part of the backup to restore; null: all of it. */
  wanted: Wanted | null;
  commands: SwapCommands;
}

const rules: Rule<typeof restoreInputs>[] = [
  ...everyCommand,
  ({ given, env }) => wayToDecrypt(given('passphrase'), given('private-key'), env),
  ...decryptionRules,
  ({ values }) => imageNeedsHost(values.toolset, 'database-url', values.databaseUrl),
  ({ given, values }) =>
    needsLocalFiles(values.toolset, [
      { name: 'tables', used: given('tables') },
      { name: 'schemas', used: given('schemas') },
      { name: 'jobs', used: (values.jobs ?? 1) > 1 },
    ]),
  /** The name of the database, typed once more: the user confirms which one is meant. */
  function confirmed({ values }) {
    const database = values.databaseUrl?.PGDATABASE;
    if (database === undefined || values.dryRun === true || values.confirm === database) return null;
    return {
      input: 'confirm',
      problem: `${quote(values.confirm ?? '')} is not the database that database-url names (${quote(database)}). Write its name to confirm what will be restored, or set dry-run: true to see the plan.`,
    };
  },
  /** The old database would be gone, and most of what was in it. */
  function partInPlaceOfTheWhole({ given, values }) {
    if (values.replace !== true || !(given('tables') || given('schemas'))) return null;
    return {
      input: 'replace',
      problem: `${given('tables') ? 'tables' : 'schemas'} restores a part of the backup, which must not take the place of the whole database. Set replace: false, and copy what you need out of the restored database.`,
    };
  },
];

/** Reads and checks every input of `restore`, like readBackupSettings. */
export async function readRestoreSettings(get: GetInput, env: Environment, log: InputLog): Promise<RestoreSettings> {
  const inputs = await readInputs(restoreInputs, rules, get, { env, log, now: new Date() });
  const wanted = wantedOf(inputs);
  return {
    ...pick(inputs, PLAIN),
    ...storeSettings(inputs),
    connection: inputs.databaseUrl,
    toolset: toolsetFor(wanted !== null || inputs.jobs > 1, inputs.toolset),
    decryption: decryptionOf(inputs),
    verificationKeys: inputs.verificationKey,
    wanted,
    commands: { before: inputs.before, after: inputs.after, env: commandEnvironment(get, env) },
  };
}

function wantedOf({ tables, schemas }: Pick<RestoreValues, 'tables' | 'schemas'>): Wanted | null {
  return tables.length + schemas.length === 0 ? null : { tables, schemas };
}
