import type { SigningSettings } from '../../openpgp/settings.ts';
import { type InputContext, optional, type Parsers } from '../schema.ts';
import { parseSigningKey } from './keys.ts';
import { parseKeyPassphrase, withoutLineBreak } from './passphrase.ts';

/** The inputs that sign. */
export const signingInputs = {
  'signing-key': optional(parseSigning),
  'signing-key-passphrase': (text, { log }) => parseKeyPassphrase(text, 'signing-key-passphrase', log),
} satisfies Parsers;

/** A rule of every command that signs. */
export function passphraseOfNoSigningKey(
  passphrase: boolean,
  key: boolean,
): { input: 'signing-key-passphrase'; problem: string } | null {
  if (!passphrase || key) return null;
  return { input: 'signing-key-passphrase', problem: 'there is no signing-key. Give one, or remove the passphrase.' };
}

/** `signing-key`, tried out with its passphrase. */
async function parseSigning(text: string, context: InputContext): Promise<SigningSettings> {
  const passphrase = withoutLineBreak(context.text('signing-key-passphrase')) || null;
  return { key: await parseSigningKey(text, passphrase, context.now, context.log), passphrase };
}
