import type { Requirements, SigningKeyFacts } from '../../formats/health/rule.ts';
import { everyCommand } from '../../inputs/every-command.ts';
import { decryptionInputs, decryptionOf, decryptionRules, wayToDecrypt } from '../../inputs/keys/decryption.ts';
import { describeRecipients, describeSigners, parseVerificationKeys } from '../../inputs/keys/keys.ts';
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
import { parseDuration } from '../../inputs/values/duration.ts';
import { parseReportPath } from '../../inputs/values/report-path.ts';
import { parseSetName } from '../../inputs/values/set-name.ts';
import { parsePercent, parseSize } from '../../inputs/values/size.ts';
import { oneOf } from '../../inputs/values/words.ts';
import type { DecryptionSettings } from '../../openpgp/settings.ts';
import type { StoreSettings } from '../../store/open.ts';

/** Every input of `check`. */
export const checkInputs = schemaOf({
  command: oneOf('check'),
  name: optional(parseSetName),
  ...storeInputs,
  ...decryptionInputs,
  'public-key': optional((text, { now }) => describeRecipients(text, now)),
  'verification-key': optional(parseVerification),
  'max-age': optional(parseDuration),
  'max-restore-test-age': optional(parseDuration),
  'max-shrink': optional(parsePercent),
  'min-free-space': optional(parseSize),
  ...monitoringInputs,
  'report-html': optional(parseReportPath),
});

/** Settings that are the values of the inputs of these names, as parsed. */
const PLAIN = ['command', 'name', 'reportHtml'] as const satisfies (keyof ValuesOf<typeof checkInputs>)[];

/** Everything that a `check` needs to know, checked; null: the input was not given. */
export interface CheckSettings extends StoreSettings, Pick<ValuesOf<typeof checkInputs>, (typeof PLAIN)[number]> {
  /** null: inventories are not opened. */
  decryption: DecryptionSettings | null;
  /** Armored certificates; null: signatures are not looked at. */
  verificationKeys: string | null;
  demands: Requirements;
}

async function parseVerification(text: string): Promise<{ armored: string; signers: SigningKeyFacts[] }> {
  return { armored: await parseVerificationKeys(text), signers: await describeSigners(text) };
}

const rules: Rule<typeof checkInputs>[] = [
  ...everyCommand,
  /** Neither is needed: then inventories are not opened. */
  ({ given, env }) => (given('passphrase') && given('private-key') ? wayToDecrypt(true, true, env) : null),
  ...decryptionRules,
  function spaceOfNoDisk({ given, values }) {
    if (!given('min-free-space') || !values.store || values.store.some(({ kind }) => kind === 'file')) return null;
    return {
      input: 'min-free-space',
      problem: 'no store is a folder (file:), and only its disk has an end. Remove it.',
    };
  },
];

/** Reads and checks every input of `check`, like readBackupSettings. */
export async function readCheckSettings(get: GetInput, env: Environment, log: InputLog): Promise<CheckSettings> {
  const inputs = await readInputs(checkInputs, rules, get, { env, log, now: new Date() });
  const verification = inputs.verificationKey;
  return {
    ...pick(inputs, PLAIN),
    ...storeSettings(inputs),
    decryption: inputs.passphrase === null && inputs.privateKey === null ? null : decryptionOf(inputs),
    verificationKeys: verification?.armored ?? null,
    demands: {
      ...pick(inputs, ['maxAge', 'maxRestoreTestAge', 'maxShrink', 'minFreeSpace']),
      signed: verification !== null,
      recipients: inputs.publicKey,
      signers: verification?.signers ?? null,
    },
  };
}
