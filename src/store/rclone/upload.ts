import { messageOf } from '../../errors.ts';
import type { Tool } from '../../process/child.ts';
import { PART } from '../keys.ts';
import { type Committed, StoreError, type Upload } from '../store.ts';
import type { Remote } from './remote.ts';

/**
 * One object being written, by `rclone rcat` as `<key>.part`, for rclone takes the end of its input for the end of the
 * object, however that came. Moved once it is there with the right size.
 */
export class RcloneUpload implements Upload {
  readonly #remote: Remote;
  readonly #key: string;
  readonly #args: string[];
  readonly #tool: Tool;
  readonly #forget: () => void;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #size = 0;
  /** `unknown`: it is being moved. */
  #state: 'writing' | 'unknown' | 'committed' | 'aborted' = 'writing';

  constructor(remote: Remote, key: string) {
    this.#args = ['rcat', remote.path(key + PART)];
    this.#remote = remote;
    this.#key = key;
    this.#signal = AbortSignal.any([remote.context.signal, this.#stop.signal]);
    this.#check();
    this.#forget = remote.context.track({ kind: 'part', url: remote.url, key });
    this.#tool = remote.start(this.#args, this.#signal);
  }

  /** Resolves when the bytes are in the pipe to rclone: then the chunk is the caller's again. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#check();
    const written = new Promise<void>((resolve, reject) => {
      this.#tool.stdin.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
    try {
      // A dead rclone closes its pipe: how it ended says more than that.
      await Promise.race([written, this.#tool.finished.then(() => written)]);
    } catch (error) {
      written.catch(() => {});
      throw await this.#explain(error);
    }
    this.#size += chunk.length;
  }

  async commit(): Promise<Committed> {
    try {
      await this.#publish();
      this.#check();
    } catch (error) {
      const failure = await this.#explain(error);
      await this.abort();
      throw failure;
    }
    this.#state = 'committed';
    this.#forget();
    return { size: this.#size, uploaded: 'read-back' };
  }

  async abort(): Promise<void> {
    if (this.#state === 'committed' || this.#state === 'aborted') return;
    const mayBeThere = this.#state === 'unknown';
    this.#state = 'aborted';
    this.#stop.abort();
    const signal = this.#remote.cleanUpSignal();
    try {
      await this.#tool.finished.catch(() => {}); // It was killed.
      await this.#remote.remove(this.#key + PART, signal);
      if (mayBeThere) await this.#remote.remove(this.#key, signal);
      await this.#remote.removeEmptyFolders(this.#key, signal);
      this.#forget();
    } catch (error) {
      this.#remote.context.info(`An object of the failed upload is left behind: ${messageOf(error)}`);
    }
  }

  async #publish(): Promise<void> {
    this.#check();
    this.#tool.stdin.end();
    await this.#tool.finished;
    await this.#requireSize(this.#key + PART);
    if ((await this.#remote.sizeOrNull(this.#key, this.#signal)) !== null) {
      throw new StoreError(
        'failed',
        `${this.#remote.url}: ${JSON.stringify(this.#key)} is there already, and nothing is overwritten.`,
      );
    }
    this.#state = 'unknown';
    const [from, to] = [this.#remote.path(this.#key + PART), this.#remote.path(this.#key)];
    await this.#remote.run(['moveto', from, to], this.#signal);
    await this.#requireSize(this.#key);
  }

  async #requireSize(key: string): Promise<void> {
    const found = await this.#remote.sizeOrNull(key, this.#signal);
    if (found === this.#size) return;
    throw new StoreError(
      'failed',
      `${this.#remote.url}: ${this.#size} bytes of ${JSON.stringify(key)} were sent, but ${found ?? 'nothing'} is there: ` +
        'use another store.',
    );
  }

  #check(): void {
    if (this.#signal.aborted) throw this.#cancelled();
  }

  #cancelled(): StoreError {
    return new StoreError('failed', `${this.#remote.url}: writing ${JSON.stringify(this.#key)} was cancelled.`);
  }

  async #explain(error: unknown): Promise<StoreError> {
    if (this.#signal.aborted) return this.#cancelled();
    if (error instanceof StoreError) return error;
    const ending = await this.#tool.finished.then(
      () => error,
      (failure: unknown) => failure,
    );
    return this.#remote.error(this.#args, ending);
  }
}
