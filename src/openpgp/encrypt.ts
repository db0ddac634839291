import { randomBytes } from 'node:crypto';
import type { PublicKey } from 'openpgp';
import type { Manifest } from '../formats/manifest.ts';
import { encryptedPacket } from './encrypted-packet.ts';
import { passphrasePacket } from './passphrase-packet.ts';
import type { EncryptionSettings } from './settings.ts';

/** Who can read what is encrypted. */
export interface Encryption {
  /** What the manifest says: full fingerprints of the subkeys that can decrypt, upper case. */
  describe: Manifest['encryption'];
  /** An OpenPGP message, binary, as a stream whose chunks are to be used before the next is asked for. */
  encrypt(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** Makes the packets with which a message begins, for its readers to find out the session key (32 bytes). */
type WrapKey = (sessionKey: Uint8Array) => Promise<Uint8Array>;

/**
 * Prepares encryption into OpenPGP that GnuPG 2.2 reads: a SEIPDv1 packet (with MDC), AES-256, no OpenPGP compression.
 * Each message has a session key of its own, chosen here: a certificate's preferences could otherwise ask for a shorter
 * cipher (RFC 9580, section 5.2.3.14).
 */
export async function prepareEncryption(settings: EncryptionSettings): Promise<Encryption> {
  if (settings.kind === 'passphrase') {
    const { passphrase } = settings;
    return { describe: { kind: 'passphrase' }, encrypt: encryptWith(async (key) => passphrasePacket(passphrase, key)) };
  }
  const openpgp = await import('openpgp');
  const encryptionKeys: PublicKey[] = await openpgp.readKeys({ armoredKeys: settings.armored });
  return {
    describe: { kind: 'public-key', recipients: await fingerprintsOf(encryptionKeys) },
    encrypt: encryptWith((data) =>
      openpgp.encryptSessionKey({ data, algorithm: 'aes256', encryptionKeys, format: 'binary' }),
    ),
  };
}

function encryptWith(wrap: WrapKey): Encryption['encrypt'] {
  return async function* (source) {
    const sessionKey = new Uint8Array(randomBytes(32));
    yield await wrap(sessionKey);
    yield* encryptedPacket(sessionKey, source);
  };
}

async function fingerprintsOf(keys: PublicKey[]): Promise<string[]> {
  const found: string[] = [];
  for (const key of keys) found.push((await key.getEncryptionKey()).getFingerprint().toUpperCase());
  return found;
}
