import { createDecipheriv, createHash, timingSafeEqual } from 'node:crypto';
import { ByteReader } from './byte-reader.ts';
import { endsTooEarly, PacketError } from './packet.ts';

/** What decrypts the bulk of a message; `algorithm` as openpgp.js calls it. */
export interface SessionKey {
  data: Uint8Array;
  algorithm: string | null;
}

const CIPHERS: Record<string, string> = { aes128: 'aes-128-cfb', aes192: 'aes-192-cfb', aes256: 'aes-256-cfb' };
const AES_BLOCK = 16;
/** The random block and its last two bytes again. */
const PREFIX_SIZE = AES_BLOCK + 2;
/** The head of the packet that holds the SHA-1, and the SHA-1 (RFC 9580, section 5.13.1). */
const CODE_HEAD = Buffer.of(0xc0 | 19, 20);
const CODE_SIZE = CODE_HEAD.length + 20;

/**
 * The packets inside of a Symmetrically Encrypted and Integrity Protected Data packet, version 1 (RFC 9580, section
 * 5.13.1), of which `body` is the body. Only when the stream has ended well they are what was encrypted: the
 * modification detection code stands last. openpgp.js can do it too, but at the price of several copies of every byte.
 * Throws a {@link PacketError}.
 */
export async function* decryptedPackets(
  { data, algorithm }: SessionKey,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const cipher = CIPHERS[algorithm ?? ''];
  if (cipher === undefined) throw new PacketError(`it is encrypted by ${algorithm}, not by AES`);
  const decipher = createDecipheriv(cipher, data, Buffer.alloc(AES_BLOCK));
  const hash = createHash('sha1');
  const reader = new ByteReader(body);
  const [version] = await reader.take(1);
  if (version === undefined) throw endsTooEarly();
  if (version !== 1) throw new PacketError(`its encrypted data has version ${version}, not 1`);

  const prefix = decipher.update(await reader.take(PREFIX_SIZE));
  if (prefix.length < PREFIX_SIZE) throw endsTooEarly();
  if (!prefix.subarray(-2).equals(prefix.subarray(-4, -2))) throw new PacketError('its beginning is not as it was');
  hash.update(prefix);

  let held: Buffer = Buffer.of();
  for await (const chunk of reader.rest()) {
    const pieces = splitOffCode(held, decipher.update(chunk));
    held = pieces.held;
    for (const bytes of pieces.free) {
      hash.update(bytes);
      yield bytes;
    }
  }
  if (held.length < CODE_SIZE) throw endsTooEarly();
  const code = hash.update(CODE_HEAD).digest();
  if (!timingSafeEqual(held, Buffer.concat([CODE_HEAD, code]))) throw new PacketError('modification detected');
}

/** What may be the code is held back until more has come. Only small pieces are copied. */
function splitOffCode(before: Buffer, plain: Buffer): { free: Buffer[]; held: Buffer } {
  const [first, last] = plain.length < CODE_SIZE ? [Buffer.of(), Buffer.concat([before, plain])] : [before, plain];
  const end = Math.max(0, last.length - CODE_SIZE);
  return { free: [first, last.subarray(0, end)].filter(({ length }) => length > 0), held: last.subarray(end) };
}
