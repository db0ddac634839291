import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Compressor } from '../compression/compress.ts';
import { keyOf, type PartName, sumsFile, volumeFile } from '../formats/names.ts';
import type { Encryption } from '../openpgp/encrypt.ts';
import { type FanOut, PartWriter, type StoredVolume } from '../store/fan-out/fan-out.ts';

export interface WrittenPart {
  name: PartName;
  /** Bytes before compression. */
  plain: number;
  volumes: StoredVolume[];
  /** Of all volumes together, hex. */
  sha256: string;
}

export interface PartSettings {
  set: string;
  id: string;
  encryption: Encryption;
  compressionLevel: number;
  volumeSize: number;
  signal: AbortSignal;
}

type Stage = (source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** Streams parts into the stores: count, compress, encrypt, digest, write, all at the pace of the slowest. */
export class PartStreamer {
  readonly #fanOut: FanOut;
  readonly #settings: PartSettings;
  #compressor: Compressor | null = null;
  #writer: PartWriter | null = null;
  /** Bytes of the parts that are finished. */
  #plainBefore = 0;
  #storedBefore = 0;

  constructor(fanOut: FanOut, settings: PartSettings) {
    this.#fanOut = fanOut;
    this.#settings = settings;
  }

  get plain(): number {
    return this.#plainBefore + (this.#compressor?.taken ?? 0);
  }

  get stored(): number {
    return this.#storedBefore + (this.#writer?.stored ?? 0);
  }

  /** Writes a part that is in memory. */
  writeWhole(name: PartName, content: string | Buffer): Promise<WrittenPart> {
    return this.write(name, Readable.from([Buffer.from(content)], { objectMode: false }), Promise.resolve());
  }

  /**
   * Writes one part. `whole` must resolve only when whatever makes the stream has said that it is complete: a stream
   * that ended says nothing of the program behind it. Only then does the last volume appear under its name.
   */
  async write(name: PartName, source: Readable, whole: Promise<unknown>, stages: Stage[] = []): Promise<WrittenPart> {
    const { set, id, encryption, volumeSize, compressionLevel, signal } = this.#settings;
    const writer = new PartWriter(this.#fanOut, volumeSize, (index) => {
      const file = volumeFile(name, index);
      // The inventory is read whole before it is used: it needs no ranges.
      const sumsKey = name === 'inventory' ? null : keyOf(set, id, sumsFile(name, index));
      return { key: keyOf(set, id, file), file, sumsKey };
    });
    this.#writer = writer;
    const compressor = new Compressor(compressionLevel);
    this.#compressor = compressor;
    try {
      await Promise.all([
        pipeline([source, ...stages, compressor.fill] as unknown as [Readable, Readable], { signal }),
        pipeline(encryption.encrypt(compressor.output), writer.drain, { signal }),
        whole,
      ]);
      const written = await writer.commit();
      return { name, plain: compressor.taken, ...written };
    } catch (error) {
      // Stores that fail tear the stream before them, and what the stream says of that comes first.
      const cause = this.#fanOut.failure ?? error;
      source.destroy();
      compressor.destroy();
      await writer.abort();
      throw cause;
    } finally {
      this.#plainBefore += compressor.taken;
      this.#storedBefore += writer.stored;
      this.#compressor = null;
      this.#writer = null;
    }
  }
}
