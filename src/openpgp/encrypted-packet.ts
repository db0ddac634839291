import { createCipheriv, createHash, randomBytes } from 'node:crypto';

/** Packet types of RFC 9580, section 5, with the two high bits of the current packet format (section 4.2). */
const LITERAL_DATA = 0xc0 | 11;
const ENCRYPTED_DATA = 0xc0 | 18;
const MODIFICATION_DETECTION_CODE = 0xc0 | 19;
const SHA1_SIZE = 20;
const AES_BLOCK = 16;

/** A stream's length is not known beforehand: it goes out in blocks, each a power of two bytes (section 4.2.1.4). */
const BLOCK_POWER = 19;
const BLOCK_SIZE = 1 << BLOCK_POWER;
const PARTIAL_LENGTH = 224 + BLOCK_POWER;

/**
 * A Symmetrically Encrypted and Integrity Protected Data packet, version 1 (RFC 9580, section 5.13.1), with one Literal
 * Data packet of binary data inside. The session key is 32 bytes, for AES-256, and must be used for one message only.
 * openpgp.js can make it too, but at the price of several copies of every byte: a backup then takes a tenth longer.
 * What is yielded is to be used before the next is asked for.
 */
export function encryptedPacket(sessionKey: Uint8Array, source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return packetOf(ENCRYPTED_DATA, encryptPackets(sessionKey, packetOf(LITERAL_DATA, literalData(source))));
}

/** Format `b`, no file name, no date (section 5.9). */
async function* literalData(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield Buffer.of('b'.charCodeAt(0), 0, 0, 0, 0, 0);
  yield* source;
}

/** The packet's version, and the ciphertext of: a random block, its last two bytes again, the packets, their SHA-1. */
async function* encryptPackets(sessionKey: Uint8Array, packets: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const cipher = createCipheriv('aes-256-cfb', sessionKey, Buffer.alloc(AES_BLOCK));
  const hash = createHash('sha1');
  const encrypt = (plain: Uint8Array): Uint8Array => {
    hash.update(plain);
    return cipher.update(plain);
  };
  const random = randomBytes(AES_BLOCK);
  yield Buffer.of(1);
  yield encrypt(Buffer.concat([random, random.subarray(-2)]));
  for await (const chunk of packets) yield encrypt(chunk);
  yield encrypt(Buffer.of(MODIFICATION_DETECTION_CODE, SHA1_SIZE));
  yield Buffer.concat([cipher.update(hash.digest()), cipher.final()]);
}

/**
 * A packet of unknown length: as many blocks of a fixed size as there are, then the rest, which may be nothing.
 * The block's memory is used again for the next.
 */
async function* packetOf(tag: number, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield Buffer.of(tag);
  const block = Buffer.allocUnsafeSlow(1 + BLOCK_SIZE);
  block[0] = PARTIAL_LENGTH;
  let filled = 1;
  for await (const chunk of body) {
    for (let offset = 0; offset < chunk.length; ) {
      const piece = chunk.subarray(offset, offset + block.length - filled);
      block.set(piece, filled);
      offset += piece.length;
      filled += piece.length;
      if (filled < block.length) continue;
      yield block;
      filled = 1;
    }
  }
  const length = Buffer.alloc(5, 255); // A length of five bytes begins with 255 (section 4.2.1.3).
  length.writeUInt32BE(filled - 1, 1);
  yield length;
  yield block.subarray(1, filled);
}
