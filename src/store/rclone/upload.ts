import type { Tool } from '../../process/child.ts';
import { PART } from '../file-like/keys.ts';
import { cancelledError, UploadState } from '../file-like/upload-state.ts';
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
  readonly #state: UploadState;
  #size = 0;

  constructor(remote: Remote, key: string) {
    this.#args = ['rcat', remote.path(key + PART)];
    this.#remote = remote;
    this.#key = key;
    this.#state = new UploadState({
      context: remote.context,
      object: this.#object(),
      cleanUp: (mayExist) => this.#cleanUp(mayExist),
    });
    this.#state.throwIfCancelled();
    this.#forget = remote.context.track({ kind: 'part', url: remote.url, key });
    this.#tool = remote.start(this.#args, this.#state.signal);
  }

  /** Resolves when the bytes are in the pipe to rclone: then the chunk is the caller's again. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#state.throwIfCancelled();
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
    await this.#state.commit(
      () => this.#publish(),
      (error) => this.#explain(error),
    );
    this.#forget();
    return { size: this.#size, uploaded: 'read-back' };
  }

  abort(): Promise<void> {
    return this.#state.abort();
  }

  async #cleanUp(mayExist: boolean): Promise<void> {
    const signal = this.#remote.cleanUpSignal();
    await this.#tool.finished.catch(() => {}); // It was killed.
    await this.#remote.remove(this.#key + PART, signal);
    if (mayExist) await this.#remote.remove(this.#key, signal);
    await this.#remote.removeEmptyFolders(this.#key, signal);
    this.#forget();
  }

  async #publish(): Promise<void> {
    this.#state.throwIfCancelled();
    this.#tool.stdin.end();
    await this.#tool.finished;
    await this.#requireSize(this.#key + PART);
    if ((await this.#remote.sizeOrNull(this.#key, this.#state.signal)) !== null) {
      throw new StoreError(
        'failed',
        `${this.#remote.url}: ${JSON.stringify(this.#key)} is there already, and nothing is overwritten.`,
      );
    }
    this.#state.setMayExist();
    const [from, to] = [this.#remote.path(this.#key + PART), this.#remote.path(this.#key)];
    await this.#remote.run(['moveto', from, to], this.#state.signal);
    await this.#requireSize(this.#key);
  }

  async #requireSize(key: string): Promise<void> {
    const found = await this.#remote.sizeOrNull(key, this.#state.signal);
    if (found === this.#size) return;
    throw new StoreError(
      'failed',
      `${this.#remote.url}: ${this.#size} bytes of ${JSON.stringify(key)} were sent, but ${found ?? 'nothing'} is there: ` +
        'use another store.',
    );
  }

  #object(): string {
    return `${JSON.stringify(this.#key)} in ${this.#remote.url}`;
  }

  async #explain(error: unknown): Promise<StoreError> {
    if (this.#state.signal.aborted) return cancelledError(this.#object());
    if (error instanceof StoreError) return error;
    const ending = await this.#tool.finished.then(
      () => error,
      (failure: unknown) => failure,
    );
    return this.#remote.error(this.#args, ending);
  }
}
