import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { decompress } from '../../../src/compression/decompress.ts';

/**
 * Decompresses streams that are whole and streams that are not, and prints what became of each as JSON. A program, for
 * what a truncated stream does depends on the Node that runs it.
 */
const SIZE = 3 * 1024 * 1024 + 17;
const plain = Buffer.concat([Buffer.alloc(SIZE - 1_000_000, 'lifeboat'), randomBytes(1_000_000)]);
const params = { [constants.ZSTD_c_checksumFlag]: 1 };
const frame = zstdCompressSync(plain, { params });
const emptyFrame = zstdCompressSync(Buffer.of(), { params });
/** A skippable frame (RFC 8878, section 3.1.2). */
const skippable = Buffer.concat([Buffer.of(0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0), Buffer.from('note')]);

const cases: Record<string, { bytes: Buffer; length?: number; last?: number }> = {
  whole: { bytes: frame },
  'whole, with an empty frame behind it': { bytes: Buffer.concat([frame, emptyFrame]) },
  'whole, with half an empty frame in a chunk of its own': { bytes: Buffer.concat([frame, emptyFrame]), last: 7 },
  'in two frames': { bytes: Buffer.concat([100_000, SIZE].map(frameUntil)) },
  'an empty frame': { bytes: emptyFrame, length: 0 },
  'no bytes': { bytes: Buffer.of() },
  'no bytes, none expected': { bytes: Buffer.of(), length: 0 },
  'a byte': { bytes: frame.subarray(0, 1) },
  'its magic number': { bytes: frame.subarray(0, 4) },
  'its half': { bytes: frame.subarray(0, frame.length >> 1) },
  'without its checksum': { bytes: frame.subarray(0, -4) },
  'without its last byte': { bytes: frame.subarray(0, -1) },
  'an empty frame cut, none expected': { bytes: emptyFrame.subarray(0, -1), length: 0 },
  'a flipped bit': { bytes: flipped(frame, frame.length - 500_000) },
  'a flipped bit of the checksum': { bytes: flipped(frame, frame.length - 1) },
  'text behind it': { bytes: Buffer.concat([frame, Buffer.from('more')]) },
  'much behind it': { bytes: Buffer.concat([frame, randomBytes(500_000)]) },
  'half a frame behind it': { bytes: Buffer.concat([frame, frame.subarray(0, 1000)]) },
  'a note behind it': { bytes: Buffer.concat([frame, skippable]) },
  'something else': { bytes: randomBytes(100_000) },
  'a byte more than expected': { bytes: frame, length: SIZE - 1 },
  'a byte less than expected': { bytes: frame, length: SIZE + 1 },
  'far more than expected': { bytes: frame, length: 0 },
};

function frameUntil(end: number, index: number): Buffer {
  return zstdCompressSync(plain.subarray(index === 0 ? 0 : 100_000, end), { params });
}

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
}

/** The last chunk has `last` bytes. */
async function* inChunks(bytes: Buffer, last: number): AsyncGenerator<Buffer> {
  const end = bytes.length - last;
  for (let at = 0; at < end; at += 65_521) yield bytes.subarray(at, Math.min(at + 65_521, end));
  yield bytes.subarray(end);
}

async function outcomeOf({ bytes, length = SIZE, last = 0 }: (typeof cases)[string]): Promise<string> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of decompress(inChunks(bytes, last), length)) chunks.push(chunk);
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  const came = Buffer.concat(chunks);
  return came.equals(plain.subarray(0, length)) ? 'as it was' : `${came.length} bytes, which are others`;
}

const outcomes: Record<string, string> = {};
for (const [name, what] of Object.entries(cases)) outcomes[name] = await outcomeOf(what);
console.log(JSON.stringify(outcomes));
