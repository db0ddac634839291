import { createZstdDecompress, type ZstdDecompress, zstdDecompressSync } from 'node:zlib';
import { LifeboatError } from '../errors.ts';

const CHUNK_SIZE = 1024 * 1024;
/** No empty frame is longer (RFC 8878, section 3.1.1): header, one block of no bytes, checksum. */
const EMPTY_FRAME = 4 + 14 + 3 + 4;

/** The bytes are no whole zstd stream, or not as many as were compressed. */
export class DamagedFrame extends LifeboatError {
  override readonly name = 'DamagedFrame';
}

/**
 * The plain bytes of a zstd stream, of which there must be exactly `length`: some Node 24 releases that runners ship end
 * a truncated or empty stream without an error (nodejs/node#64592).
 */
export async function* decompress(source: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  const zstd = createZstdDecompress({ chunkSize: CHUNK_SIZE });
  const feed = new Feed(zstd);
  const fed = feed.take(source);
  let bytes = 0;
  try {
    for await (const chunk of zstd as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > length) break;
      yield chunk;
    }
  } catch (error) {
    if (feed.error !== null) throw feed.error;
    throw new DamagedFrame(`It is no whole zstd stream (${(error as Error).message}).`, { cause: error });
  }
  await fed;
  if (feed.error !== null) throw feed.error;
  if (bytes > length) throw new DamagedFrame(`It holds more than the ${length} bytes that the manifest says.`);
  if (!isNothing(feed.rest())) throw new DamagedFrame('Other bytes follow its zstd stream.');
  if (bytes < length) throw new DamagedFrame(`It holds ${bytes} bytes, the manifest says ${length}.`);
}

/** Gives a stream to zstd: one chunk is decompressed while the next is fetched. */
class Feed {
  readonly #zstd: ZstdDecompress;
  #passed = 0;
  #tail: Buffer = Buffer.of();
  /** How the source failed. */
  error: unknown = null;

  constructor(zstd: ZstdDecompress) {
    this.#zstd = zstd;
    zstd.on('error', () => {}); // Its reader is told, and when there is none any more, nobody needs to know.
  }

  /** Ends when the source ends, or when nobody wants more of it; never rejects. */
  async take(source: AsyncIterable<Uint8Array>): Promise<void> {
    let taken = Promise.resolve();
    try {
      for await (const chunk of source) {
        this.#passed += chunk.length;
        this.#tail = Buffer.concat([this.#tail, chunk.subarray(-EMPTY_FRAME)]).subarray(-EMPTY_FRAME);
        await taken;
        if (this.#zstd.destroyed) break;
        taken = this.#write(chunk);
      }
      await taken;
      this.#zstd.end();
    } catch (error) {
      this.error = error;
      this.#zstd.destroy();
    }
  }

  /** What zstd did not want, for its frame had ended; null when that is much. */
  rest(): Buffer | null {
    const left = this.#passed - this.#zstd.bytesWritten;
    if (left > EMPTY_FRAME) return null;
    return this.#tail.subarray(this.#tail.length - left);
  }

  /** Resolves too when zstd has ended before: how is told to its reader. */
  #write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#zstd.off('close', done);
        resolve();
      };
      this.#zstd.once('close', done); // Of a write that fails the stream says nothing else.
      this.#zstd.write(chunk, done);
    });
  }
}

/** No bytes, or a frame of none: Node may write one at the end. */
function isNothing(rest: Buffer | null): boolean {
  if (rest === null) return false;
  try {
    return rest.length === 0 || zstdDecompressSync(rest).length === 0;
  } catch {
    return false;
  }
}
