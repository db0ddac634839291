import { Readable } from 'node:stream';
import type { Lock, Store, StoreContext, StoredObject, Upload } from '../store.ts';
import { Deadline } from './deadline.ts';

/**
 * Makes a store that is never waited for without an end: each answer, each read and each write is bounded by `timeout`
 * (the input store-timeout). A store that is late once is not asked again, but for what takes its objects back.
 */
export async function openTimed(
  timeout: number,
  context: StoreContext,
  open: (context: StoreContext) => Promise<Store>,
): Promise<Store> {
  const late = new AbortController();
  const store = await open({
    signal: AbortSignal.any([context.signal, late.signal]),
    track: (leftover) => context.track(leftover),
    info: (line) => context.info(line),
  });
  return new TimedStore(store, new Deadline(store.url, timeout, late));
}

class TimedStore implements Store {
  readonly url: string;
  readonly #store: Store;
  readonly #deadline: Deadline;
  /** Of objects that are read as a whole, as last told: their ranges are read one by one. */
  readonly #sizes = new Map<string, number>();
  /** Bytes of whole objects that are under way: other questions wait until these have come through. */
  #moving = 0;

  constructor(store: Store, deadline: Deadline) {
    this.url = store.url;
    this.#store = store;
    this.#deadline = deadline;
  }

  get movesWhole(): boolean {
    return this.#store.movesWhole ?? false;
  }

  open(): Promise<void> {
    return this.#answer('open', () => this.#store.open());
  }

  openToRead(): Promise<void> {
    return this.#answer('open', () => this.#store.openToRead());
  }

  folders(prefix: string): Promise<string[]> {
    return this.#deadline.walk(`list ${prefix}`, () => this.#store.folders(prefix));
  }

  list(prefix: string): AsyncIterable<StoredObject> {
    return this.#deadline.entries(`list ${prefix}`, this.#store.list(prefix));
  }

  async read(key: string, range?: { start: number; end: number }): Promise<Readable> {
    const what = `read ${key}`;
    const size = await this.#wholeSize(key);
    const bytes = await this.#move(size, () => this.#answer(what, () => this.#store.read(key, range)));
    bytes.on('error', () => {}); // It may fail before anyone reads; the reader then learns of it.
    const stream = Readable.from(this.#deadline.bytes(what, bytes), { objectMode: false });
    stream.once('close', () => bytes.destroy());
    return stream;
  }

  async create(key: string): Promise<Upload> {
    const upload = await this.#answer('open', () => this.#store.create(key));
    let written = 0;
    return {
      write: async (chunk) => {
        await this.#answer('write', () => upload.write(chunk));
        written += chunk.length;
      },
      commit: () => this.#move(this.movesWhole ? written : 0, () => this.#answer('commit', () => upload.commit())),
      abort: () => upload.abort(),
    };
  }

  async size(key: string): Promise<number> {
    const size = await this.#answer(`size of ${key}`, () => this.#store.size(key));
    if (this.movesWhole) this.#sizes.set(key, size);
    return size;
  }

  freeSpace(): Promise<number | null> {
    return this.#answer('free space', () => this.#store.freeSpace());
  }

  /** Also of a late store: after that, what removes has a few seconds of its own. */
  remove(key: string): Promise<void> {
    return this.#store.remove(key);
  }

  sweep(prefix: string, before: Date): Promise<string[]> {
    return this.#deadline.walk(`sweep ${prefix}`, () => this.#store.sweep(prefix, before));
  }

  newestUpload(prefix: string): Promise<Date | null> {
    return this.#deadline.walk(`list uploads of ${prefix}`, () => this.#store.newestUpload(prefix));
  }

  lockOf(key: string): Promise<Lock | null> {
    return this.#answer(`lock of ${key}`, () => this.#store.lockOf(key));
  }

  clock(): Date | null {
    return this.#store.clock();
  }

  close(): void {
    this.#store.close();
  }

  #answer<T>(what: string, request: () => Promise<T>): Promise<T> {
    return this.#deadline.answer(what, request, this.#moving);
  }

  async #move<T>(bytes: number, act: () => Promise<T>): Promise<T> {
    this.#moving += bytes;
    try {
      return await act();
    } finally {
      this.#moving -= bytes;
    }
  }

  /** What must come before the first byte can: 0 where a read brings bytes at once. */
  async #wholeSize(key: string): Promise<number> {
    if (!this.movesWhole) return 0;
    return this.#sizes.get(key) ?? (await this.size(key));
  }
}
