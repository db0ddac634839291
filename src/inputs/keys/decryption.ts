import type { DecryptionSettings } from '../../openpgp/settings.ts';
import { type Environment, type InputContext, optional, type Parsers, type ValuesOf } from '../schema.ts';
import { parsePrivateKeys } from './keys.ts';
import { parseKeyPassphrase, parsePassphrase, parsePreviousPassphrases, withoutLineBreak } from './passphrase.ts';

/** The inputs that decrypt backups. */
export const decryptionInputs = {
  passphrase: (text, { log }) => parsePassphrase(text, log),
  'previous-passphrases': parsePreviousPassphrases,
  'private-key': optional(parsePrivate),
  'private-key-passphrase': (text, { log }) => parseKeyPassphrase(text, 'private-key-passphrase', log),
} satisfies Parsers;

function parsePrivate(text: string, context: InputContext): ReturnType<typeof parsePrivateKeys> {
  return parsePrivateKeys(text, withoutLineBreak(context.text('private-key-passphrase')) || null);
}

/** Exactly one way to open backups must be given. */
export function wayToDecrypt(
  passphrase: boolean,
  privateKey: boolean,
  env: Environment,
): { input: 'passphrase'; problem: string } | null {
  if (passphrase && privateKey) {
    const problem = 'private-key is given as well. Remove the one that the backups are not made with.';
    return { input: 'passphrase', problem };
  }
  if (passphrase || privateKey) return null;
  const fork = (env.GITHUB_EVENT_NAME ?? '').startsWith('pull_request')
    ? ' Secrets are empty for pull requests from forks and from Dependabot.'
    : '';
  return {
    input: 'passphrase',
    problem: `neither passphrase nor private-key is given, and every backup is encrypted. Give the one that opens it.${fork}`,
  };
}

function previousOfNone({ given }: { given(name: 'previous-passphrases' | 'passphrase'): boolean }): {
  input: 'previous-passphrases';
  problem: string;
} | null {
  if (!given('previous-passphrases') || given('passphrase')) return null;
  return { input: 'previous-passphrases', problem: 'there is no passphrase. Give the present one there.' };
}

function passphraseOfNoKey({ given }: { given(name: 'private-key-passphrase' | 'private-key'): boolean }): {
  input: 'private-key-passphrase';
  problem: string;
} | null {
  if (!given('private-key-passphrase') || given('private-key')) return null;
  return { input: 'private-key-passphrase', problem: 'there is no private-key. Give one, or remove the passphrase.' };
}

/** Of every command that has these inputs. */
export const decryptionRules = [previousOfNone, passphraseOfNoKey];

/** For a command that requires it by {@link wayToDecrypt}. */
export function decryptionOf(
  inputs: Pick<ValuesOf<typeof decryptionInputs>, 'passphrase' | 'previousPassphrases' | 'privateKey'>,
): DecryptionSettings {
  const { passphrase, previousPassphrases, privateKey: keys } = inputs;
  if (passphrase !== null) return { kind: 'passphrase', passphrases: [passphrase, ...previousPassphrases] };
  if (keys !== null) return { kind: 'private-key', keys };
  throw new Error('The rules let nothing pass without a way to decrypt.');
}
