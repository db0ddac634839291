import { LifeboatError } from '../../errors.ts';

export interface ArmoredBlock {
  /** `PUBLIC KEY BLOCK`, `PRIVATE KEY BLOCK`, `MESSAGE`, ... */
  label: string;
  /** The block as OpenPGP wants it: line feeds, no indentation. */
  text: string;
}

const BLOCK = /-----BEGIN PGP ([A-Z ,/0-9]+)-----\n.*?-----END PGP \1-----/gs;

/**
 * The armored OpenPGP blocks of a pasted text. Undone is what pasting does to keys: literal `\n`, CRLF, YAML's indentation,
 * quotes around the whole.
 */
export function armoredBlocks(text: string): ArmoredBlock[] {
  return [...tidyKeyText(text).matchAll(BLOCK)].map(([block, label = '']) => ({ label, text: `${block}\n` }));
}

/** The lines of a key, as they could turn up in a log. */
export function tidyKeyText(text: string): string {
  return text
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .replaceAll('\\r', '')
    .replaceAll('\\n', '\n')
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .join('\n')
    .trim();
}

/** What a text is that holds no armored OpenPGP key, and what to write. The text itself may be secret: it is not shown. */
export function notAKey(text: string, fix: string): LifeboatError {
  return new LifeboatError(`${whatItIs(tidyKeyText(text))}. ${fix}`);
}

function whatItIs(text: string): string {
  const label = armoredBlocks(text)[0]?.label;
  if (label !== undefined) return `it is an OpenPGP ${label.toLowerCase()}, not a key`;
  if (/-----BEGIN PGP/.test(text)) {
    return 'its armor is broken: it does not run from BEGIN to END, or its line breaks were lost (in YAML, | keeps them and > does not)';
  }
  if (/^(ssh-(rsa|ed25519|dss)|ecdsa-sha2-|sk-ssh-)|-----BEGIN OPENSSH/.test(text))
    return 'it is an SSH key, not an OpenPGP key';
  if (/^age1[a-z0-9]+|^AGE-SECRET-KEY-/m.test(text)) return 'it is an age key, not an OpenPGP key';
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(text)) return 'it is a PEM key or certificate (TLS, X.509), not an OpenPGP key';
  if (/^(0x)?[0-9A-Fa-f]{8,40}$/.test(text.replaceAll(' ', '')))
    return 'it is a fingerprint or key id, not the key itself';
  if (/^\S+@\S+$/.test(text)) return 'it is an address, not the key itself';
  if (/^(\/|\.{1,2}\/|~\/)\S*$|^\S+\.(asc|gpg|pgp|key|pub|txt)$/.test(text)) {
    return 'it looks like a path; the text of the key itself is wanted';
  }
  if (/^LS0tLS1CRUdJTiBQR1A/.test(text)) return 'it is an armored key in base64 once more; decode it first (base64 -d)';
  if (/^[A-Za-z0-9+/\n]+={0,2}$/.test(text)) return 'it looks like base64 without an armor around it';
  return 'it cannot be read as an OpenPGP key';
}
