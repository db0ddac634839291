import { everyCommand } from './every-command.ts';
import { keepInputs, keepRulesOf } from './keep.ts';
import { parseVerificationKeys } from './keys.ts';
import { monitoringInputs } from './monitoring.ts';
import {
  type Environment,
  type GetInput,
  type InputLog,
  input,
  optional,
  type Rule,
  readInputs,
  type Schema,
} from './read-inputs.ts';
import { parseSetName } from './set-name.ts';
import type { PruneSettings } from './settings.ts';
import { passphraseOfNoSigningKey, signingInputs } from './signing.ts';
import { storeInputs, storeSettings } from './store-inputs.ts';
import { oneOf, parseBoolean } from './words.ts';

/** Every input of `prune`, as in action.yml. */
export const pruneInputs = {
  command: input('backup', oneOf('prune')),
  name: optional(parseSetName),
  ...storeInputs,
  ...keepInputs,
  'verification-key': optional(parseVerificationKeys),
  ...signingInputs,
  force: input('false', parseBoolean),
  'dry-run': input('false', parseBoolean),
  ...monitoringInputs,
} satisfies Schema;

const keepNames = Object.keys(keepInputs) as (keyof typeof keepInputs)[];

const rules: Rule<typeof pruneInputs>[] = [
  ...everyCommand,
  function somethingToKeep({ given }) {
    if (keepNames.some(given)) return null;
    const problem = `no rule says what is kept, so nothing would be deleted. Give one or more of ${keepNames.join(', ')}.`;
    return { input: 'keep-last', problem };
  },
  ({ given }) => passphraseOfNoSigningKey(given('signing-key-passphrase'), given('signing-key')),
];

/** Reads and checks everything that `prune` is told, like readBackupSettings. */
export async function readPruneSettings(get: GetInput, env: Environment, log: InputLog): Promise<PruneSettings> {
  const inputs = await readInputs(pruneInputs, rules, get, { env, log, now: new Date() });
  const keep = keepRulesOf(inputs);
  if (keep === null) throw new Error('The rules let no prune pass without a rule of what to keep.');
  return {
    command: inputs.command,
    name: inputs.name,
    ...storeSettings(inputs),
    retention: {
      rules: keep,
      verificationKeys: inputs['verification-key'],
      signing: inputs['signing-key'],
      force: inputs.force,
      dryRun: inputs['dry-run'],
    },
  };
}
