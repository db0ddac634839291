import type { Readable } from 'node:stream';
import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';

/**
 * Bytes. A pipe gives 64 KiB at a time, and every chunk costs zstd a thread's wake-up, and the cipher, the digest and
 * the store a turn of the event loop each.
 */
const CHUNK_SIZE = 2 * 1024 * 1024;

/**
 * Level 1 has a hash table of 2^14 entries. With 2^15 dumps come out 1.5 % smaller for 5 % more time, and smaller than
 * gzip's.
 */
const LEVEL_1_HASH_LOG = 15;

/**
 * zstd in process, one frame with its content checksum.
 * Never with worker threads: node:zlib then loses data (nodejs/node#59899).
 */
export class Compressor {
  readonly #zstd: ZstdCompress;
  /** Bytes that {@link fill} has read. */
  taken = 0;

  constructor(level: number) {
    this.#zstd = createZstdCompress({
      chunkSize: CHUNK_SIZE / 4,
      params: {
        [constants.ZSTD_c_compressionLevel]: level,
        [constants.ZSTD_c_checksumFlag]: 1,
        ...(level === 1 ? { [constants.ZSTD_c_hashLog]: LEVEL_1_HASH_LOG } : {}),
      },
    });
  }

  get output(): Readable {
    return this.#zstd;
  }

  /**
   * Takes the whole stream. One of two buffers is filled while the other is compressed; they are used again and again,
   * for what the garbage collector does about fresh ones costs as much as the cipher.
   */
  readonly fill = async (source: AsyncIterable<Uint8Array>): Promise<void> => {
    let filling = Buffer.allocUnsafeSlow(CHUNK_SIZE);
    let other = Buffer.allocUnsafeSlow(CHUNK_SIZE);
    let filled = 0;
    let compressed = Promise.resolve();
    for await (const chunk of source) {
      this.taken += chunk.length;
      for (let offset = 0; offset < chunk.length; ) {
        const piece = chunk.subarray(offset, offset + CHUNK_SIZE - filled);
        filling.set(piece, filled);
        offset += piece.length;
        filled += piece.length;
        if (filled < CHUNK_SIZE) continue;
        await compressed;
        compressed = this.#compress(filling);
        compressed.catch(() => {}); // Told when it is waited for; the source may fail before that.
        [filling, other] = [other, filling];
        filled = 0;
      }
    }
    await compressed;
    if (filled > 0) await this.#compress(filling.subarray(0, filled));
    this.#zstd.end();
  };

  destroy(): void {
    this.#zstd.destroy();
  }

  /** Resolves when zstd is done with the bytes. */
  #compress(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#zstd.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }
}
