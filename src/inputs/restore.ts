import type { Wanted } from '../catalog/selection.ts';
import { parseAssertions } from './assertions.ts';
import { commandEnvironment } from './command-environment.ts';
import { parseCommandLines } from './command-lines.ts';
import { decryptionInputs, decryptionOf, decryptionRules, wayToDecrypt } from './decryption.ts';
import { parseDuration, parseTimeout } from './duration.ts';
import { everyCommand } from './every-command.ts';
import { parseFilesTo } from './files-to.ts';
import { parseVerificationKeys } from './keys.ts';
import { monitoringInputs } from './monitoring.ts';
import { resolveConnection } from './pg-environment.ts';
import {
  type Environment,
  type GetInput,
  type InputLog,
  input,
  optional,
  type Rule,
  readInputs,
  type Schema,
  type ValuesOf,
} from './read-inputs.ts';
import { parseSchemaNames, parseTableNames } from './relation-names.ts';
import { parseBackup } from './restore-test.ts';
import { parseSetName } from './set-name.ts';
import type { RestoreSettings } from './settings.ts';
import { storeInputs, storeSettings } from './store-inputs.ts';
import { quote } from './text.ts';
import { imageNeedsHost, needsLocalFiles, parseRestoreJobs, parseToolset, toolsetFor } from './toolset.ts';
import { oneOf, parseBoolean } from './words.ts';

/** Every input of `restore`, as in action.yml. */
export const restoreInputs = {
  command: input('backup', oneOf('restore')),
  'database-url': input('', (text, { env, log }) => resolveConnection(text, env, log)),
  name: optional(parseSetName),
  ...storeInputs,
  toolset: input('auto', parseToolset),
  backup: input('latest', parseBackup),
  ...decryptionInputs,
  'verification-key': optional(parseVerificationKeys),
  confirm: input('', (text) => text),
  replace: input('false', parseBoolean),
  tables: input('', parseTableNames),
  schemas: input('', parseSchemaNames),
  'files-to': optional(parseFilesTo),
  'create-roles': input('false', parseBoolean),
  'accept-unverified': input('false', parseBoolean),
  'restore-timeout': optional(parseTimeout),
  'max-age': optional(parseDuration),
  'swap-timeout': input('1m', parseTimeout),
  before: input('', parseCommandLines),
  after: input('', parseCommandLines),
  jobs: input('1', parseRestoreJobs),
  assertions: { default: '', parse: (text) => (text === '' ? Promise.resolve([]) : parseAssertions(text)) },
  'dry-run': input('false', parseBoolean),
  ...monitoringInputs,
} satisfies Schema;

const rules: Rule<typeof restoreInputs>[] = [
  ...everyCommand,
  ({ given, env }) => wayToDecrypt(given('passphrase'), given('private-key'), env),
  ...decryptionRules,
  ({ values }) => imageNeedsHost(values.toolset, 'database-url', values['database-url']),
  ({ given, values }) =>
    needsLocalFiles(values.toolset, [
      { name: 'tables', used: given('tables') },
      { name: 'schemas', used: given('schemas') },
      { name: 'jobs', used: (values.jobs ?? 1) > 1 },
    ]),
  /** The name of the database, typed once more: whoever restores says what is meant. */
  function confirmed({ values }) {
    const database = values['database-url']?.PGDATABASE;
    if (database === undefined || values['dry-run'] === true || values.confirm === database) return null;
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

/** Reads and checks everything that `restore` is told, like readBackupSettings. */
export async function readRestoreSettings(get: GetInput, env: Environment, log: InputLog): Promise<RestoreSettings> {
  const inputs = await readInputs(restoreInputs, rules, get, { env, log, now: new Date() });
  const wanted = wantedOf(inputs);
  return {
    command: inputs.command,
    connection: inputs['database-url'],
    toolset: toolsetFor(wanted !== null || inputs.jobs > 1, inputs.toolset),
    name: inputs.name,
    ...storeSettings(inputs),
    backup: inputs.backup,
    decryption: decryptionOf(inputs),
    verificationKeys: inputs['verification-key'],
    replace: inputs.replace,
    wanted,
    createRoles: inputs['create-roles'],
    acceptUnverified: inputs['accept-unverified'],
    restoreTimeout: inputs['restore-timeout'],
    maxAge: inputs['max-age'],
    swapTimeout: inputs['swap-timeout'],
    commands: { before: inputs.before, after: inputs.after, env: commandEnvironment(get, env) },
    jobs: inputs.jobs,
    filesTo: inputs['files-to'],
    assertions: inputs.assertions,
    dryRun: inputs['dry-run'],
  };
}

function wantedOf({ tables, schemas }: Pick<ValuesOf<typeof restoreInputs>, 'tables' | 'schemas'>): Wanted | null {
  return tables.length + schemas.length === 0 ? null : { tables, schemas };
}
