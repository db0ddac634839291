import type { Readable } from 'node:stream';
import type { Lock, Store, StoreContext, StoredObject, Upload } from '../store.ts';
import { NoSftp } from './connect.ts';

/** A server by SFTP, or by rsync when it lets this key in and does not offer SFTP: that shows with the first request. */
export class SftpOrRsync implements Store {
  readonly url: string;
  readonly #rsync: () => Store;
  readonly #context: StoreContext;
  readonly #sftp: Store;
  #store: Store;

  constructor(sftp: Store, rsync: () => Store, context: StoreContext) {
    this.url = sftp.url;
    this.#sftp = sftp;
    this.#store = sftp;
    this.#rsync = rsync;
    this.#context = context;
  }

  get movesWhole(): boolean {
    return this.#store.movesWhole ?? false;
  }

  open(): Promise<void> {
    return this.#request((store) => store.open());
  }

  openToRead(): Promise<void> {
    return this.#request((store) => store.openToRead());
  }

  folders(prefix: string): Promise<string[]> {
    return this.#request((store) => store.folders(prefix));
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    try {
      yield* this.#store.list(prefix);
    } catch (error) {
      // It comes before the first object.
      if (!(error instanceof NoSftp)) throw error;
      this.#switchToRsync();
      yield* this.#store.list(prefix);
    }
  }

  read(key: string, range?: { start: number; end: number }): Promise<Readable> {
    return this.#request((store) => store.read(key, range));
  }

  create(key: string): Promise<Upload> {
    return this.#request((store) => store.create(key));
  }

  size(key: string): Promise<number> {
    return this.#request((store) => store.size(key));
  }

  freeSpace(): Promise<number | null> {
    return this.#request((store) => store.freeSpace());
  }

  remove(key: string): Promise<void> {
    return this.#request((store) => store.remove(key));
  }

  sweep(prefix: string, before: Date): Promise<string[]> {
    return this.#request((store) => store.sweep(prefix, before));
  }

  newestUpload(prefix: string): Promise<Date | null> {
    return this.#request((store) => store.newestUpload(prefix));
  }

  lockOf(key: string): Promise<Lock | null> {
    return this.#store.lockOf(key);
  }

  clock(): Date | null {
    return this.#store.clock();
  }

  close(): void {
    this.#store.close();
  }

  async #request<T>(request: (store: Store) => Promise<T>): Promise<T> {
    try {
      return await request(this.#store);
    } catch (error) {
      if (!(error instanceof NoSftp)) throw error;
      this.#switchToRsync();
      return await request(this.#store);
    }
  }

  /** Several requests may find out at the same time. */
  #switchToRsync(): void {
    if (this.#store !== this.#sftp) return;
    this.#context.info(`${this.url} offers no SFTP to this key: it is spoken to by rsync.`);
    this.#sftp.close();
    this.#store = this.#rsync();
  }
}
