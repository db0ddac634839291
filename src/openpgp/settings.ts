import type { PrivateKey } from 'openpgp';

/** What encrypts backups. */
export type EncryptionSettings =
  | { kind: 'passphrase'; passphrase: string }
  /** Armored certificates, one or several in one text. */
  | { kind: 'public-key'; armored: string };

/** What opens backups: passphrases, the present one first, or private keys, unlocked. */
export type DecryptionSettings =
  | { kind: 'passphrase'; passphrases: string[] }
  | { kind: 'private-key'; keys: PrivateKey[] };

/** What signs manifests and records: an armored private key, still locked when it has a passphrase. */
export interface SigningSettings {
  key: string;
  passphrase: string | null;
}
