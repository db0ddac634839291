import type { Readable } from 'node:stream';
import { LifeboatError } from '../errors.ts';
import type { Track } from '../leftovers.ts';

/**
 * A place where backups are kept. It knows bytes and names, nothing of PostgreSQL.
 * Keys are relative to the root that the store's URL names, and use `/`: `shop/20261121T020000Z-7f3a91c2/manifest.json`.
 * Every method throws a {@link StoreError}.
 */
export interface Store {
  /** The URL that the user gave, for messages. It holds no secret. */
  readonly url: string;

  /** Makes sure that the place is there and can be used; called before anything is dumped. */
  open(): Promise<void>;

  /** Makes sure that the place is there, and changes nothing: else one that is not mounted would look empty. */
  openToRead(): Promise<void>;

  /** The names of the folders directly under `prefix` (which ends in `/` or is empty), without the slash, sorted. */
  folders(prefix: string): Promise<string[]>;

  /** All objects whose key begins with `prefix`, in the order of their keys. */
  list(prefix: string): AsyncIterable<StoredObject>;

  /**
   * Objects travel as a whole, one at a time: a read brings its first byte when all of the object has come, whatever the
   * range, and a write goes out with `commit()`.
   */
  readonly movesWhole?: boolean;

  /** The object's bytes, or those of a range; `end` is exclusive. */
  read(key: string, range?: { start: number; end: number }): Promise<Readable>;

  /** Begins an object. It does not exist under its key until `commit()` has resolved. */
  create(key: string): Promise<Upload>;

  /** The object's size in bytes as the store reports it. */
  size(key: string): Promise<number>;

  /** Bytes that can still be stored; null where there is no end, as in S3. */
  freeSpace(): Promise<number | null>;

  /** Deletes one object. A missing one is not an error. Works after cancellation too: then it takes a few seconds at most. */
  remove(key: string): Promise<void>;

  /**
   * Ends what killed runs left unfinished under `prefix`: open multipart uploads, temporary files.
   * Touches only what was begun before `before`. Returns the keys, for the log.
   */
  sweep(prefix: string, before: Date): Promise<string[]>;

  /**
   * When the newest upload that is unfinished under `prefix` was begun; null when there is none. Throws when that cannot
   * be seen: there may be one.
   */
  newestUpload(prefix: string): Promise<Date | null>;

  /** What keeps the object from being deleted; null when nothing does, as far as these credentials may see. */
  lockOf(key: string): Promise<Lock | null>;

  /** The store's own clock, from its last answer; null when it has none but this machine's. */
  clock(): Date | null;

  /** Ends connections, so that the process can end. */
  close(): void;
}

/** What reading a backup's parts needs of a store. */
export interface PartStore {
  readonly url: string;
  size(key: string): Promise<number>;
  read(key: string, range: { start: number; end: number }): Promise<Readable>;
}

export interface StoredObject {
  key: string;
  /** Bytes. */
  size: number;
  /** The store's own clock. */
  modified: Date;
  /** S3's name for it; left out where there are none. */
  storageClass?: string;
}

/** Object lock. `legal-hold` has no end. */
export type Lock = { until: Date } | 'legal-hold';

/** One object being written. Used by one caller at a time: await each call before the next. */
export interface Upload {
  /**
   * Takes the chunk, and resolves when the next may come (backpressure). The chunk's memory belongs to the caller
   * again once the promise has resolved: an upload that keeps bytes copies them.
   */
  write(chunk: Uint8Array): Promise<void>;

  /** Resolves when the object is whole and durable under its key. On failure it has already aborted. */
  commit(): Promise<Committed>;

  /** Gives up and leaves nothing behind. May be called at any time, more than once; never throws. */
  abort(): Promise<void>;
}

export interface Committed {
  /** Bytes that were written. */
  size: number;
  /** `read-back`: the store was asked afterwards and reports this size. `acknowledged`: it may be written, not read. */
  uploaded: 'read-back' | 'acknowledged';
  /** The end of the object lock that the store reports for the object, when one was asked for. */
  lockedUntil?: Date;
}

/** What a store is given by the one who makes it. */
export interface StoreContext {
  /** Aborted on cancellation: requests under way end, nothing new begins. */
  signal: AbortSignal;
  /** Remembers what must not outlive this process, so that `post:` can end it; returns the call that forgets it. */
  track: Track;
  /** A line for the log: a retry, a sweep. */
  info(line: string): void;
}

/**
 * `not-found`: no such object. `denied`: these credentials may not. `full`: no space. `unusable`: something has this key,
 * and it is not an object of ours: too large for its kind, or not a regular file. `late`: the store did not answer in
 * time, and is not asked again. `failed`: anything else.
 */
export type StoreErrorCode = 'not-found' | 'denied' | 'full' | 'unusable' | 'late' | 'failed';

export class StoreError extends LifeboatError {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
