import { createHash, type Hash } from 'node:crypto';
import { messageOf } from '../../errors.ts';
import { RANGE_SIZE } from '../../formats/sums.ts';
import { type Store, StoreError, type Upload } from '../store.ts';
import { lookUp } from './look-up.ts';
import { RangeDigests } from './range-digests.ts';

/** One store of a run, and what became of it. */
export interface Target {
  store: Store;
  /** Why the run gave this store up; the others go on. */
  failure: Error | null;
  /** Keys that this run has begun, in their order, to be removed should the backup fail. */
  keys: string[];
  /** The objects that the store has taken, and their sizes. */
  stored: Map<string, number>;
  /** `acknowledged` as soon as one object could not be read back. */
  uploaded: 'read-back' | 'acknowledged';
  lockedUntil: Date | null;
}

export interface FanOutOptions {
  /** An object that cannot be read back fails the store. */
  readBackRequired: boolean;
  onFailure(target: Target, error: Error): void;
}

export interface StoredVolume {
  /** The file's name in the backup's folder. */
  key: string;
  size: number;
  sha256: string;
  /** sha256 of the side object, hex; null: it has none. */
  sums: string | null;
}

export function newTarget(store: Store): Target {
  return { store, failure: null, keys: [], stored: new Map(), uploaded: 'read-back', lockedUntil: null };
}

/**
 * Writes to every store at once, as fast as the slowest of them takes it. A store that fails is given up alone; the
 * last one that fails, fails the call.
 */
export class FanOut<T extends Target = Target> {
  readonly #targets: T[];
  readonly #options: FanOutOptions;
  /** Why no store is left; null while there is one. */
  failure: Error | null = null;

  constructor(targets: T[], options: FanOutOptions) {
    this.#targets = targets;
    this.#options = options;
  }

  alive(): T[] {
    return this.#targets.filter(({ failure }) => failure === null);
  }

  /** A small object, made for each store. */
  async putObject(key: string, bytesFor: (target: T) => Uint8Array): Promise<void> {
    const object = await this.create(key);
    await object.each((upload, target) => upload.write(bytesFor(target)));
    await object.commit();
  }

  /** Looks up again what each store has taken: one that has lost a part of it gets no manifest that names it. */
  async lookUp(): Promise<void> {
    await this.#each((target) => lookUp(target));
  }

  /** Begins an object in every living store. */
  async create(key: string): Promise<FannedUpload<T>> {
    const uploads = new Map<T, Upload>();
    await this.#each(async (target) => {
      target.keys.push(key);
      uploads.set(target, await target.store.create(key));
    });
    return {
      each: (act) => this.#each((target) => act(uploads.get(target) as Upload, target), uploads),
      commit: () => this.#each((target) => this.#commit(target, key, uploads.get(target) as Upload), uploads),
      abort: async () => {
        await Promise.all([...uploads.values()].map((upload) => upload.abort()));
      },
    };
  }

  async #commit(target: T, key: string, upload: Upload): Promise<void> {
    const committed = await upload.commit();
    target.stored.set(key, committed.size);
    if (committed.lockedUntil) target.lockedUntil = committed.lockedUntil;
    if (committed.uploaded === 'read-back') return;
    target.uploaded = 'acknowledged';
    if (this.#options.readBackRequired) {
      throw new StoreError(
        'denied',
        `${target.store.url}: ${key} was written, but these credentials may not read it back, and read-back is required. Grant s3:GetObject on the prefix, or set read-back: auto.`,
      );
    }
  }

  async #each(act: (target: T) => Promise<void>, uploads?: Map<T, Upload>): Promise<void> {
    const targets = this.alive();
    await Promise.all(
      targets.map(async (target) => {
        try {
          await act(target);
        } catch (error) {
          const failure = error instanceof Error ? error : new StoreError('failed', messageOf(error));
          target.failure = failure;
          await uploads?.get(target)?.abort();
          this.#options.onFailure(target, failure);
        }
      }),
    );
    const [first] = targets;
    if (this.alive().length > 0) return;
    this.failure ??= first?.failure ?? new StoreError('failed', 'No store is left.');
    throw this.failure;
  }
}

export interface FannedUpload<T extends Target = Target> {
  each(act: (upload: Upload, target: T) => Promise<void>): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/**
 * Where the volume with this index, counted from 0, lies: its key in the store, its file in the backup's folder, and the
 * key of its side object; null: it gets none.
 */
type VolumeName = (index: number) => { key: string; file: string; sumsKey: string | null };

/** One part, stored as volumes of a fixed size whose names `fileName` gives. */
export class PartWriter {
  readonly #fanOut: FanOut;
  readonly #volumeSize: number;
  readonly #nameOf: VolumeName;
  readonly #volumes: StoredVolume[] = [];
  #upload: FannedUpload | null = null;
  #hash: Hash = createHash('sha256');
  #ranges = new RangeDigests();
  #size = 0;
  /** Of all volumes together; null during the first, for its own digest is that so far. */
  #whole: Hash | null = null;
  stored = 0;

  constructor(fanOut: FanOut, volumeSize: number, nameOf: VolumeName) {
    this.#fanOut = fanOut;
    this.#volumeSize = volumeSize;
    this.#nameOf = nameOf;
  }

  /** Takes the whole stream. The last volume does not exist before {@link commit}. */
  readonly drain = async (source: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of source) {
      let rest = chunk;
      while (rest.length > 0) {
        if (this.#size === this.#volumeSize) await this.#commitVolume();
        const piece = rest.subarray(0, this.#volumeSize - this.#size);
        await this.#write(piece);
        rest = rest.subarray(piece.length);
      }
    }
  };

  async #write(piece: Uint8Array): Promise<void> {
    this.#upload ??= await this.#fanOut.create(this.#nameOf(this.#volumes.length).key);
    // The stores write while this thread digests: neither changes the bytes.
    const written = this.#upload.each((upload) => upload.write(piece));
    this.#hash.update(piece);
    this.#ranges.update(piece);
    this.#whole?.update(piece);
    this.#size += piece.length;
    this.stored += piece.length;
    await written;
  }

  async #commitVolume({ isLast = false } = {}): Promise<void> {
    if (!this.#upload) return;
    await this.#upload.commit();
    this.#upload = null;
    this.#whole ??= this.#hash.copy();
    const { file, sumsKey } = this.#nameOf(this.#volumes.length);
    // Of a part that is one range the side object would say what its sha256 says.
    const isOneRange = isLast && this.#volumes.length === 0 && this.#size <= RANGE_SIZE;
    const sums = sumsKey === null || isOneRange ? null : await this.#putSums(sumsKey, this.#ranges.finish());
    this.#volumes.push({ key: file, size: this.#size, sha256: this.#hash.digest('hex'), sums });
    this.#hash = createHash('sha256');
    this.#ranges = new RangeDigests();
    this.#size = 0;
  }

  async #putSums(key: string, bytes: Buffer): Promise<string> {
    await this.#fanOut.putObject(key, () => bytes);
    return createHash('sha256').update(bytes).digest('hex');
  }

  /** To be called only when whatever made the stream has said that it is whole. */
  async commit(): Promise<{ volumes: StoredVolume[]; sha256: string }> {
    await this.#commitVolume({ isLast: true });
    return { volumes: this.#volumes, sha256: (this.#whole ?? this.#hash).digest('hex') };
  }

  async abort(): Promise<void> {
    await this.#upload?.abort();
  }
}

/**
 * Removes what this run has put into stores that do not get a whole backup. Newest first, and no further after the first
 * that cannot be removed: a manifest whose fate is unknown must not stay behind without its parts.
 */
export async function discardObjects(targets: Target[]): Promise<void> {
  await Promise.all(
    targets.map(async ({ store, keys }) => {
      try {
        for (const key of keys.splice(0).reverse()) await store.remove(key);
      } catch {
        // Without a manifest the rest is no backup; a later prune sweeps it.
      }
    }),
  );
}
