import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../../errors.ts';
import { cancelledError, UploadState } from '../../file-like/upload-state.ts';
import { type Committed, StoreError, type Upload } from '../../store.ts';
import type { RsyncRemote } from './remote.ts';

/** Room is looked for again after so many bytes. */
const LOOK_EVERY = 64 * 1024 * 1024;

/** One file being written: into a spool of this machine, encrypted as it is, for rsync skips a pipe and exits with 0. */
export class RsyncUpload implements Upload {
  readonly #remote: RsyncRemote;
  readonly #key: string;
  readonly #spool: string;
  readonly #file: FileHandle;
  readonly #state: UploadState;
  #size = 0;
  #roomChecked = 0;

  private constructor(remote: RsyncRemote, key: string, spool: string, file: FileHandle) {
    this.#remote = remote;
    this.#key = key;
    this.#spool = spool;
    this.#file = file;
    this.#state = new UploadState({
      context: remote.context,
      object: JSON.stringify(key),
      cleanUp: (mayExist) => this.#cleanUp(mayExist),
    });
  }

  static async begin(remote: RsyncRemote, key: string): Promise<RsyncUpload> {
    remote.path(key);
    if (remote.context.signal.aborted) throw cancelledError(JSON.stringify(key));
    const spool = await remote.spool();
    await remote.requireRoom(spool, LOOK_EVERY);
    const path = join(spool, key);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return new RsyncUpload(remote, key, spool, await open(path, 'wx', 0o600));
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#state.throwIfCancelled();
    if (this.#size - this.#roomChecked >= LOOK_EVERY) {
      await this.#remote.requireRoom(this.#spool, LOOK_EVERY);
      this.#roomChecked = this.#size;
    }
    await this.#file.writeFile(chunk);
    this.#size += chunk.length;
  }

  async commit(): Promise<Committed> {
    await this.#state.commit(
      async () => {
        this.#state.throwIfCancelled();
        await this.#publish();
      },
      (error) =>
        error instanceof StoreError ? error : new StoreError('failed', `${messageOf(error)}.`, { cause: error }),
    );
    await this.#removeSpool();
    return { size: this.#size, uploaded: 'read-back' };
  }

  abort(): Promise<void> {
    return this.#state.abort();
  }

  async #cleanUp(mayExist: boolean): Promise<void> {
    await this.#removeSpool();
    if (mayExist) await removeObject(this.#remote, this.#key, this.#remote.cleanUpSignal());
  }

  /** rsync writes under a name of its own, `.name.XXXXXX`, and renames; then a second one compares what is there. */
  async #publish(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    const [local, remote] = [join(this.#spool, '.', '/'), this.#remote.folder('')];
    if ((await this.#remote.sizeOrNull(this.#key, this.#state.signal)) !== null) {
      throw new StoreError('failed', `${this.#remote.path(this.#key)} is there already, and nothing is overwritten.`);
    }
    this.#state.setMayExist();
    const modes = ['--chmod=D700,F600', '--perms'];
    await this.#remote.run(['--relative', ...modes, `${local}./${this.#key}`, remote], this.#state.signal);
    const compare = ['--relative', '--dry-run', '--checksum', '--itemize-changes', `${local}./${this.#key}`, remote];
    const changes = (await this.#remote.run(compare, this.#state.signal))
      .split('\n')
      .filter((line) => /^[<>]f/.test(line));
    if (changes.length === 0) return;
    throw new StoreError(
      'failed',
      `${this.#size} bytes of ${JSON.stringify(this.#key)} were sent, and ${this.#remote.place} has not the same: its disk may be full, or it cannot be trusted.`,
    );
  }

  async #removeSpool(): Promise<void> {
    await this.#file.close().catch(() => {}); // It is closed, once it was sent.
    await rm(this.#spool, { recursive: true, force: true });
  }
}

/** Removes an object, and the folders above it that are empty then. */
export async function removeObject(remote: RsyncRemote, key: string, signal: AbortSignal): Promise<void> {
  remote.path(key);
  const names = key.split('/');
  for (let depth = names.length; depth > 0; depth--) {
    const folder = names.slice(0, depth - 1).join('/');
    await remote.remove(folder === '' ? '' : `${folder}/`, names[depth - 1] ?? '', signal);
    if (depth > 1 && ((await remote.list(`${folder}/`, false, signal)) ?? []).length > 1) return;
  }
}
