import { LifeboatError } from '../../errors.ts';
import { hasControlCharacter } from '../../text.ts';
import type { InputLog } from '../schema.ts';

/**
 * Whoever has a copy of a backup can guess offline for as long as they like. The S2K hashes 65 MB a guess, which leaves about ten
 * thousand guesses a second to one graphics card: no defence for a few characters that people choose, enough for 20.
 */
const LEAST = 8;
const ADVISED = 20;
/** The prompt that asks for it when a person decrypts by hand takes no more (GnuPG, agent/agent.h, MAX_PASSPHRASE_LEN). */
const MOST_BYTES = 255;

/** The passphrase that encrypts a backup; null when none is given. */
export function parsePassphrase(text: string, log: InputLog): string | null {
  if (text === '') return null;
  const passphrase = checkPassphrase(text, 'passphrase', log);
  if (passphrase.trim() === '') {
    throw new LifeboatError('it holds nothing but blanks. Write a passphrase of 20 characters or more.');
  }
  const length = [...passphrase].length;
  if (length < LEAST) {
    throw new LifeboatError(`it has fewer than ${LEAST} characters, which is soon guessed. Write ${ADVISED} or more.`);
  }
  if (length < ADVISED) {
    log.warning(
      `passphrase: it has fewer than ${ADVISED} characters. Whoever copies a backup can guess for as long as they like.`,
    );
  }
  if (passphrase !== passphrase.trim()) {
    log.warning('passphrase: it begins or ends with a blank, which counts. Remember that when you decrypt by hand.');
  }
  return passphrase;
}

/** Passphrases of older backups, one a line. */
export function parsePreviousPassphrases(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== '');
}

/** The passphrase of a key; null when none is given. */
export function parseKeyPassphrase(text: string, input: string, log: InputLog): string | null {
  return text === '' ? null : checkPassphrase(text, input, log);
}

/** What a file or a pipe leaves at the end of a secret. gpg reads the first line of a passphrase file, and so do we. */
export function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function checkPassphrase(text: string, name: string, log: InputLog): string {
  const passphrase = withoutLineBreak(text);
  if (passphrase !== text)
    log.notice(`${name}: the line break at its end was left out; it is not part of the passphrase.`);
  if (hasControlCharacter(passphrase)) {
    throw new LifeboatError(
      'it holds a line break or another control character. gpg reads only the first line of a passphrase, so write it on one line.',
    );
  }
  if (Buffer.byteLength(passphrase) > MOST_BYTES) {
    throw new LifeboatError(`it has more than ${MOST_BYTES} bytes, more than gpg's prompt takes. Write a shorter one.`);
  }
  return passphrase;
}
