import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../errors.ts';
import type { Volume } from '../../formats/manifest.ts';
import { explainReadErrors } from '../../store/bytes.ts';
import { type PartStore, StoreError } from '../../store/store.ts';

/** Where a volume lies in a folder of volumes: under the name that it has in its backup. Takes its key in a store too. */
function pathOf(folder: string, key: string): string {
  return join(folder, key.slice(key.lastIndexOf('/') + 1));
}

/** Those of the volumes that the folder holds as the manifest names them: foreign bytes, looked at before they are used. */
export async function goodVolumes(folder: string, volumes: Volume[]): Promise<Volume[]> {
  const good: Volume[] = [];
  for (const volume of volumes) if (await isGood(pathOf(folder, volume.key), volume)) good.push(volume);
  return good;
}

async function isGood(path: string, { size, sha256 }: Volume): Promise<boolean> {
  try {
    // A pipe would keep its reader waiting, a link lead elsewhere.
    const found = await lstat(path);
    if (!found.isFile() || found.size !== size) return false;
    const hash = createHash('sha256');
    await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
    return hash.digest('hex') === sha256;
  } catch {
    return false;
  }
}

/** The store, with some volumes of a backup read from a folder instead; from the store after all when that fails. */
export class FolderBeforeStore implements PartStore {
  readonly url: string;
  readonly #store: PartStore;
  readonly #folder: string;
  /** By the key that they have in the store. */
  readonly #volumes: Map<string, Volume>;

  /** `prefix`: the backup's folder in the store, `set/id/`. */
  constructor(store: PartStore, prefix: string, folder: string, volumes: Volume[]) {
    this.url = store.url;
    this.#store = store;
    this.#folder = folder;
    this.#volumes = new Map(volumes.map((volume) => [prefix + volume.key, volume]));
  }

  async size(key: string): Promise<number> {
    return this.#volumes.get(key)?.size ?? (await this.#store.size(key));
  }

  async read(key: string, range: { start: number; end: number }): Promise<Readable> {
    if (!this.#volumes.has(key)) return await this.#store.read(key, range);
    const { start, end } = range;
    const bytes = createReadStream(pathOf(this.#folder, key), { start, end: end - 1, highWaterMark: 1024 * 1024 });
    return explainReadErrors(bytes, (error) => {
      this.#volumes.delete(key);
      return new StoreError('failed', `its copy in the cache cannot be read (${messageOf(error)})`, { cause: error });
    });
  }
}

/** The store; what is read of these volumes is also written into a folder, until that fails. */
export class CachingStore implements PartStore {
  readonly url: string;
  readonly #store: PartStore;
  readonly #folder: string;
  /** Their keys in the store. */
  readonly #kept: Set<string>;
  readonly #files = new Map<string, Promise<FileHandle>>();
  #failure: unknown = null;

  /** `prefix`: the backup's folder in the store, `set/id/`. */
  constructor(store: PartStore, prefix: string, folder: string, volumes: Volume[]) {
    this.url = store.url;
    this.#store = store;
    this.#folder = folder;
    this.#kept = new Set(volumes.map((volume) => prefix + volume.key));
  }

  size(key: string): Promise<number> {
    return this.#store.size(key);
  }

  async read(key: string, range: { start: number; end: number }): Promise<Readable> {
    const bytes = await this.#store.read(key, range);
    if (!this.#kept.has(key)) return bytes;
    return Readable.from(this.#keep(key, range.start, bytes), { objectMode: false });
  }

  /** Ends writing. Throws what has kept it from writing everything. */
  async finish(): Promise<void> {
    await this.#close();
    if (this.#failure !== null) throw this.#failure;
  }

  async *#keep(key: string, start: number, bytes: Readable): AsyncGenerator<Uint8Array> {
    let position = start;
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      await this.#write(key, chunk, position);
      position += chunk.length;
      yield chunk;
    }
  }

  /** A failure is remembered and no more: the reader goes on, and the room is given back at once. */
  async #write(key: string, chunk: Uint8Array, position: number): Promise<void> {
    if (this.#failure !== null) return;
    try {
      const file = await this.#file(key);
      for (let written = 0; written < chunk.length; ) {
        const { bytesWritten } = await file.write(chunk, written, chunk.length - written, position + written);
        written += bytesWritten;
      }
    } catch (error) {
      this.#failure ??= error;
      await this.#close();
      for (const name of this.#files.keys()) await rm(pathOf(this.#folder, name), { force: true });
    }
  }

  #file(key: string): Promise<FileHandle> {
    const file = this.#files.get(key) ?? open(pathOf(this.#folder, key), 'w', 0o600);
    this.#files.set(key, file);
    return file;
  }

  async #close(): Promise<void> {
    for (const file of this.#files.values()) await file.then((handle) => handle.close()).catch(() => {});
  }
}
