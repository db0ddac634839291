import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../../errors.ts';
import { type Committed, StoreError, type Upload } from '../../store.ts';
import type { RsyncRemote } from './remote.ts';

/** Room is looked for again after so many bytes. */
const LOOK_EVERY = 64 * 1024 * 1024;
/** A cancelled job is killed after 10 s. Milliseconds. */
const CLEAN_UP_WITHIN = 4_000;

/** One file being written: into a spool of this machine, encrypted as it is, for rsync skips a pipe and exits with 0. */
export class RsyncUpload implements Upload {
  readonly #remote: RsyncRemote;
  readonly #key: string;
  readonly #spool: string;
  readonly #file: FileHandle;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #size = 0;
  #roomChecked = 0;
  /** `unknown`: rsync was not seen to end. */
  #state: 'writing' | 'unknown' | 'committed' | 'aborted' = 'writing';

  private constructor(remote: RsyncRemote, key: string, spool: string, file: FileHandle) {
    this.#remote = remote;
    this.#key = key;
    this.#spool = spool;
    this.#file = file;
    this.#signal = AbortSignal.any([remote.context.signal, this.#stop.signal]);
  }

  static async begin(remote: RsyncRemote, key: string): Promise<RsyncUpload> {
    remote.path(key);
    if (remote.context.signal.aborted) throw cancelledError(key);
    const spool = await remote.spool();
    await remote.requireRoom(spool, LOOK_EVERY);
    const path = join(spool, key);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return new RsyncUpload(remote, key, spool, await open(path, 'wx', 0o600));
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#check();
    if (this.#size - this.#roomChecked >= LOOK_EVERY) {
      await this.#remote.requireRoom(this.#spool, LOOK_EVERY);
      this.#roomChecked = this.#size;
    }
    await this.#file.writeFile(chunk);
    this.#size += chunk.length;
  }

  async commit(): Promise<Committed> {
    try {
      this.#check();
      await this.#publish();
      this.#check();
    } catch (error) {
      const failure =
        error instanceof StoreError ? error : new StoreError('failed', `${messageOf(error)}.`, { cause: error });
      await this.abort();
      throw failure;
    }
    this.#state = 'committed';
    await this.#removeSpool();
    return { size: this.#size, uploaded: 'read-back' };
  }

  async abort(): Promise<void> {
    if (this.#state === 'committed' || this.#state === 'aborted') return;
    const mayBeThere = this.#state === 'unknown';
    this.#state = 'aborted';
    this.#stop.abort();
    try {
      await this.#removeSpool();
      if (mayBeThere) await removeObject(this.#remote, this.#key, AbortSignal.timeout(CLEAN_UP_WITHIN));
    } catch (error) {
      this.#remote.context.info(`A file of the failed upload is left behind: ${messageOf(error)}`);
    }
  }

  /** rsync writes under a name of its own, `.name.XXXXXX`, and renames; then a second one compares what is there. */
  async #publish(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    const [local, remote] = [join(this.#spool, '.', '/'), this.#remote.folder('')];
    if ((await this.#remote.sizeOrNull(this.#key, this.#signal)) !== null) {
      throw new StoreError('failed', `${this.#remote.path(this.#key)} is there already, and nothing is overwritten.`);
    }
    this.#state = 'unknown';
    const modes = ['--chmod=D700,F600', '--perms'];
    await this.#remote.run(['--relative', ...modes, `${local}./${this.#key}`, remote], this.#signal);
    const compare = ['--relative', '--dry-run', '--checksum', '--itemize-changes', `${local}./${this.#key}`, remote];
    const changes = (await this.#remote.run(compare, this.#signal)).split('\n').filter((line) => /^[<>]f/.test(line));
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

  #check(): void {
    if (this.#signal.aborted) throw cancelledError(this.#key);
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

function cancelledError(key: string): StoreError {
  return new StoreError('failed', `Writing ${JSON.stringify(key)} was cancelled.`);
}
