import { ByteReader } from './byte-reader.ts';

/** The bytes are no OpenPGP packets, or end in the middle of one. The message says how, as a part of a sentence. */
export class PacketError extends Error {
  override readonly name = 'PacketError';
}

/** A packet's tag and what is in it, which must be read to its end before the next packet is. */
export interface Packet {
  tag: number;
  body: AsyncGenerator<Uint8Array>;
}

/** The tag of the packet that comes next (RFC 9580, section 4.2); null at the end. */
export async function peekTag(reader: ByteReader): Promise<number | null> {
  const [first] = await reader.peek(1);
  if (first === undefined) return null;
  if ((first & 0x80) === 0) throw new PacketError('no packet begins where one should');
  return isLegacy(first) ? (first >> 2) & 0x0f : first & 0x3f;
}

/** Begins the next packet, in either of the two formats. */
export async function readPacket(reader: ByteReader): Promise<Packet> {
  const tag = await peekTag(reader);
  if (tag === null) throw endsTooEarly();
  const [first = 0] = await reader.take(1);
  return { tag, body: isLegacy(first) ? legacyBody(reader, first & 3) : readBody(reader) };
}

export function endsTooEarly(): PacketError {
  return new PacketError('it ends too early');
}

/** The Legacy packet format, which GnuPG still writes, has bit 6 clear. */
function isLegacy(first: number): boolean {
  return (first & 0x40) === 0;
}

/** A length, or several partial ones (section 4.2.1). */
async function* readBody(reader: ByteReader): AsyncGenerator<Uint8Array> {
  for (;;) {
    const first = await readNumber(reader, 1);
    if (first >= 224 && first < 255) {
      yield* readExactly(reader, 2 ** (first & 0x1f));
      continue;
    }
    if (first < 192) yield* readExactly(reader, first);
    else if (first < 224) yield* readExactly(reader, ((first - 192) << 8) + (await readNumber(reader, 1)) + 192);
    else yield* readExactly(reader, await readNumber(reader, 4));
    return;
  }
}

/** A length of 1, 2 or 4 bytes, or none: then it reaches to the end (section 4.2.2). */
async function* legacyBody(reader: ByteReader, lengthType: number): AsyncGenerator<Uint8Array> {
  if (lengthType === 3) yield* reader.rest();
  else yield* readExactly(reader, await readNumber(reader, 2 ** lengthType));
}

/** A number of so many bytes, the highest first. */
async function readNumber(reader: ByteReader, size: number): Promise<number> {
  const bytes = await reader.take(size);
  if (bytes.length < size) throw endsTooEarly();
  return Buffer.from(bytes).readUIntBE(0, size);
}

async function* readExactly(reader: ByteReader, size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0; ) {
    const bytes = await reader.readUpTo(left);
    if (bytes === null) throw endsTooEarly();
    left -= bytes.length;
    yield bytes;
  }
}

/** The bytes in a Literal Data packet (section 5.9), without their format, file name and date. */
export async function* literalData(packetBody: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(packetBody);
  const [format, nameLength] = await reader.take(2);
  if (format === undefined || nameLength === undefined) throw endsTooEarly();
  const rest = nameLength + 4;
  if ((await reader.take(rest)).length < rest) throw endsTooEarly();
  yield* reader.rest();
}
