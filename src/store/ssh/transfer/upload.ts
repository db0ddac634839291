import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { PART } from '../../file-like/keys.ts';
import { UploadState } from '../../file-like/upload-state.ts';
import { type Committed, StoreError, type Upload } from '../../store.ts';
import { isNotFound, isPlainFailure, sftpError, statusOf } from '../errors.ts';
import { AT_ONCE, BLOCK } from '../options.ts';
import type { Remote } from '../remote.ts';
import type { Session } from '../session.ts';
import { verifyDigest } from './digest.ts';

/** One file being written: as `<key>.part`, then made durable and compared, then renamed. */
export class SftpUpload implements Upload {
  readonly #remote: Remote;
  readonly #path: string;
  readonly #session: Session;
  readonly #handle: Buffer;
  readonly #forget: () => void;
  readonly #state: UploadState;
  readonly #hash = createHash('sha256');
  /** Writes under way, the oldest first. */
  readonly #underWay: Promise<void>[] = [];
  #failure: unknown = null;
  #size = 0;

  private constructor(remote: Remote, path: string, { session, handle }: OpenFile, forget: () => void) {
    this.#remote = remote;
    this.#path = path;
    this.#session = session;
    this.#handle = handle;
    this.#forget = forget;
    this.#state = new UploadState({
      context: remote.context,
      object: JSON.stringify(path),
      cleanUp: (mayExist) => this.#cleanUp(mayExist),
    });
  }

  /** Begins the file for `key`; folders that are missing are made. */
  static async begin(remote: Remote, key: string): Promise<SftpUpload> {
    const path = remote.path(key);
    const forget = remote.context.track({ kind: 'part', url: remote.url, key });
    try {
      return new SftpUpload(remote, path, await createFile(remote, path + PART), forget);
    } catch (error) {
      forget();
      throw error;
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let start = 0; start < chunk.length; start += BLOCK) {
      if (this.#underWay.length >= AT_ONCE) await this.#underWay.shift();
      if (this.#failure !== null) throw await this.#explain(this.#failure);
      this.#check();
      this.#send(chunk.subarray(start, start + BLOCK));
    }
    this.#hash.update(chunk);
  }

  async commit(): Promise<Committed> {
    await this.#state.commit(
      async () => {
        await this.#publish();
        this.#check();
      },
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
    await this.#session.closeFile(this.#handle, signal).catch(() => {}); // It goes with the connection.
    await this.#remote.removeFile(this.#path + PART, signal);
    if (mayExist) await this.#remote.removeFile(this.#path, signal);
    await this.#remote.removeEmptyFolders(posix.dirname(this.#path), signal);
    this.#forget();
  }

  #send(block: Uint8Array): void {
    const sent = this.#session.write(this.#handle, block, this.#size, this.#state.signal).catch((error: unknown) => {
      this.#failure ??= error;
    });
    this.#size += block.length;
    this.#underWay.push(sent);
  }

  async #publish(): Promise<void> {
    const part = this.#path + PART;
    await Promise.all(this.#underWay);
    this.#check();
    await this.#session.sync(this.#handle, this.#state.signal);
    await this.#session.closeFile(this.#handle, this.#state.signal);
    const { size } = await this.#session.stat(part, this.#state.signal);
    if (size !== this.#size) {
      throw new StoreError(
        'failed',
        `${this.#size} bytes of ${JSON.stringify(this.#path)} were sent, but ${this.#remote.place} reports ${size}: ` +
          'its disk may be full, or it cannot be trusted.',
      );
    }
    const sent = { path: part, sha256: this.#hash.digest('hex') };
    await verifyDigest(this.#remote, this.#session, sent, this.#state.signal);
    this.#state.setMayExist(); // Also when the rename is not answered.
    try {
      await this.#session.rename(part, this.#path, this.#state.signal);
    } catch (error) {
      // An answer says that nothing was renamed: what exists under the name is another's.
      if (statusOf(error) !== null) this.#state.setMayExist(false);
      throw error;
    }
  }

  #check(): void {
    this.#state.throwIfCancelled();
    if (this.#failure !== null) throw this.#failure;
  }

  /** SFTP has no word for a full disk, nor for a name that is taken. */
  async #explain(error: unknown): Promise<StoreError> {
    const failure = sftpError(error, this.#remote.place, this.#path);
    if (!isPlainFailure(error)) return failure;
    const free = await this.#remote.freeSpace().catch(() => null);
    if (free !== null && free < AT_ONCE * BLOCK) {
      return new StoreError(
        'full',
        `${failure.message} ${free} bytes are free there: free space, or use another store.`,
      );
    }
    const taken = await this.#remote.statOrNull(this.#path).catch(() => null);
    if (taken === null) return failure;
    return new StoreError('failed', `${failure.message} It is there already, and nothing is overwritten.`);
  }
}

interface OpenFile {
  session: Session;
  handle: Buffer;
}

/** Another upload that ends may remove the folder as empty when we have just made it: then it is made again. */
async function createFile(remote: Remote, path: string): Promise<OpenFile> {
  const { signal } = remote.context;
  return await remote.at(path, async (session) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return { session, handle: await session.open(path, 'w', signal) };
      } catch (error) {
        if (!isNotFound(error) || attempt === 5) throw error;
        await remote.makeFolder(posix.dirname(path));
      }
    }
  });
}
