import type { KeepRules } from '../../formats/retention/rules.ts';
import { everyCommand } from '../../inputs/every-command.ts';
import { parseVerificationKeys } from '../../inputs/keys/keys.ts';
import { passphraseOfNoSigningKey, signingInputs } from '../../inputs/keys/signing.ts';
import { monitoringInputs } from '../../inputs/notifiers/monitoring.ts';
import {
  type Environment,
  type GetInput,
  type InputLog,
  optional,
  type Rule,
  readInputs,
  schemaOf,
} from '../../inputs/schema.ts';
import { storeInputs, storeSettings } from '../../inputs/stores/store-inputs.ts';
import { keepInputs, keepRulesOf } from '../../inputs/values/keep.ts';
import { parseSetName } from '../../inputs/values/set-name.ts';
import { oneOf, parseBoolean } from '../../inputs/values/words.ts';
import type { SigningSettings } from '../../openpgp/settings.ts';
import type { StoreSettings } from '../../store/open.ts';

/** Every input of `prune`. */
export const pruneInputs = schemaOf({
  command: oneOf('prune'),
  name: optional(parseSetName),
  ...storeInputs,
  ...keepInputs,
  'verification-key': optional(parseVerificationKeys),
  ...signingInputs,
  force: parseBoolean,
  'dry-run': parseBoolean,
  ...monitoringInputs,
});

/** Everything that a `prune` needs to know, checked. */
export interface PruneSettings extends StoreSettings {
  command: 'prune';
  /** null: the only set of the store. */
  name: string | null;
  retention: RetentionSettings;
}

/** Which backups of a set stay, and how the others go. */
export interface RetentionSettings {
  rules: KeepRules;
  /** Armored certificates; null: signatures are not looked at. */
  verificationKeys: string | null;
  /** For the record. */
  signing: SigningSettings | null;
  /** A plan that a guard refuses is applied. */
  force: boolean;
  dryRun: boolean;
}

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

/** Reads and checks every input of `prune`, like readBackupSettings. */
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
      verificationKeys: inputs.verificationKey,
      signing: inputs.signingKey,
      force: inputs.force,
      dryRun: inputs.dryRun,
    },
  };
}
