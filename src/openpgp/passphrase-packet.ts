import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** Numbers of RFC 9580: sections 9.3 (ciphers), 9.5 (hashes), 3.7 (string to key), 5.3.1 (the packet). */
const AES256 = 9;
const SHA256 = 8;
const ITERATED_AND_SALTED = 3;
const VERSION = 4;
/** The tag of a Symmetric-Key Encrypted Session Key packet, with the two high bits of the current packet format. */
const TAG = 0xc0 | 3;
const ENCRYPTED_DATA = 0xc0 | 18;
/** Four bytes of kinds, the salt, the count, and the session key with its algorithm. */
const PACKET_LENGTH = 4 + 8 + 1 + 1 + 32;
/** Bytes of the whole packet. */
export const PASSPHRASE_PACKET_SIZE = 2 + PACKET_LENGTH;
const AES_BLOCK = 16;
/** The most that the format holds, 65,011,712 bytes hashed for a guess: what GnuPG itself takes. */
const CODED_COUNT = 255;
const COUNT = (16 + (CODED_COUNT & 15)) << ((CODED_COUNT >> 4) + 6);

/**
 * The packet from which a passphrase gives the session key (32 bytes, AES-256); a message begins with it. openpgp.js
 * can make it too, but takes 130 MB for each: it lays out everything that is to be hashed.
 */
export function passphrasePacket(passphrase: string, sessionKey: Uint8Array): Uint8Array {
  const salt = randomBytes(8);
  const cipher = createCipheriv('aes-256-cfb', deriveKey(passphrase, salt), Buffer.alloc(16));
  const wrapped = Buffer.concat([cipher.update(Buffer.of(AES256)), cipher.update(sessionKey), cipher.final()]);
  const body = Buffer.concat([
    Buffer.of(VERSION, AES256, ITERATED_AND_SALTED, SHA256),
    salt,
    Buffer.of(CODED_COUNT),
    wrapped,
  ]);
  return Buffer.concat([Buffer.of(TAG, body.length), body]);
}

/** A message that begins with a passphrase packet, taken apart. */
export interface PassphraseMessage {
  salt: Uint8Array;
  wrapped: Uint8Array;
  /** The ciphertext's first bytes, as many as tell whether a session key is right. */
  beginning: Uint8Array;
}

/**
 * Takes apart the head of a message as {@link passphrasePacket} and {@link encryptedPacket} begin it; null when it is
 * none. At least {@link HEAD_SIZE} bytes of it are needed.
 */
export function parsePassphraseMessage(head: Uint8Array): PassphraseMessage | null {
  const [tag, length = 0, ...kind] = head.subarray(0, 6);
  const known = [VERSION, AES256, ITERATED_AND_SALTED, SHA256];
  const end = 2 + length;
  if (tag !== TAG || length !== PACKET_LENGTH || known.some((byte, index) => byte !== kind[index])) return null;
  if (head[14] !== CODED_COUNT || head[end] !== ENCRYPTED_DATA) return null;
  // The next packet's length takes one byte when it is partial or short, two or five else (RFC 9580, section 4.2.1).
  const first = head[end + 1] ?? 0;
  const lengthSize = first === 255 ? 5 : first >= 192 && first < 224 ? 2 : 1;
  const ciphertext = end + 1 + lengthSize + 1;
  return {
    salt: head.subarray(6, 14),
    wrapped: head.subarray(15, end),
    beginning: head.subarray(ciphertext, ciphertext + AES_BLOCK + 2),
  };
}

export const HEAD_SIZE = 128;

/** The session key that this passphrase gives; null when it is not the message's. */
export function openPassphraseMessage(message: PassphraseMessage, passphrase: string): Uint8Array | null {
  const cipher = createDecipheriv('aes-256-cfb', deriveKey(passphrase, message.salt), Buffer.alloc(AES_BLOCK));
  const [algorithm, ...sessionKey] = cipher.update(message.wrapped);
  if (algorithm !== AES256) return null;
  const key = Uint8Array.from(sessionKey);
  // The last two bytes of the random block stand twice (RFC 9580, section 5.13.1).
  const beginning = createDecipheriv('aes-256-cfb', key, Buffer.alloc(AES_BLOCK)).update(message.beginning);
  return beginning.subarray(AES_BLOCK - 2, AES_BLOCK).equals(beginning.subarray(AES_BLOCK)) ? key : null;
}

/** SHA-256 over salt and passphrase, again and again, cut after COUNT bytes (RFC 9580, section 3.7.1.3). */
function deriveKey(passphrase: string, salt: Uint8Array): Buffer {
  const once = Buffer.concat([salt, Buffer.from(passphrase, 'utf8')]);
  const repeated = Buffer.concat(Array(Math.ceil(65_536 / once.length)).fill(once));
  const hash = createHash('sha256');
  let left = Math.max(COUNT, once.length);
  for (; left > repeated.length; left -= repeated.length) hash.update(repeated);
  return hash.update(repeated.subarray(0, left)).digest();
}
