import { randomBytes } from 'node:crypto';
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cancelledError, UploadState } from '../file-like/upload-state.ts';
import { type Committed, type StoreContext, StoreError, type Upload } from '../store.ts';
import { codeOf, withFileErrors } from './errors.ts';
import { makeFolder, removeEmptyFolders, syncFolder } from './folders.ts';
import { requireRegular } from './read.ts';
import type { Root } from './root.ts';

/** The name, in the same folder, under which a file is written before it is whole. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.part-${randomBytes(8).toString('hex')}`);
}

/** The name that the file was to get; null when `name` is not that of a file being written. */
export function nameOfTemporary(name: string): string | null {
  return /^\.(.+)\.part-[0-9a-f]{16}$/.exec(name)?.[1] ?? null;
}

/**
 * One file being written: under a temporary name, then made durable, then renamed. A file that is created anew is never
 * what a link of that name leads to (open(2), O_EXCL), and a rename replaces a link itself (rename(2)).
 */
export class FileUpload implements Upload {
  readonly #key: string;
  readonly #path: string;
  readonly #root: Root;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #forget: () => void;
  readonly #state: UploadState;
  #size = 0;

  private constructor(file: TemporaryFile, key: string, root: Root, context: StoreContext) {
    this.#key = key;
    this.#path = root.pathOf(key);
    this.#root = root;
    this.#temporary = file.path;
    this.#handle = file.handle;
    this.#forget = file.forget;
    this.#state = new UploadState({
      context,
      object: JSON.stringify(this.#path),
      cleanUp: (mayExist) => this.#cleanUp(mayExist),
    });
  }

  /** Begins the file of an object; folders that are missing below and up to the root are made. */
  static async begin(key: string, root: Root, context: StoreContext): Promise<FileUpload> {
    if (context.signal.aborted) throw cancelledError(JSON.stringify(root.pathOf(key)));
    await root.check(key); // Before a folder is made behind a link.
    return new FileUpload(await createTemporary(root.pathOf(key), root.path, context), key, root, context);
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.length; ) {
      this.#state.throwIfCancelled();
      const left = chunk.length - written;
      const write = () => this.#handle.write(chunk, written, left);
      written += (await withFileErrors(this.#path, write, left)).bytesWritten;
    }
    this.#size += chunk.length;
  }

  async commit(): Promise<Committed> {
    await this.#state.commit(
      () => withFileErrors(this.#path, () => this.#publish()),
      (error) => error,
    );
    this.#forget();
    return { size: this.#size, uploaded: 'read-back' };
  }

  abort(): Promise<void> {
    return this.#state.abort();
  }

  async #cleanUp(mayExist: boolean): Promise<void> {
    await this.#handle.close().catch(() => {}); // Its bytes are not needed, so a failure does not matter.
    await rm(mayExist ? this.#path : this.#temporary, { force: true });
    await removeEmptyFolders(dirname(this.#path), this.#root.path);
    this.#forget();
  }

  async #publish(): Promise<void> {
    this.#state.throwIfCancelled();
    await this.#handle.sync();
    await this.#handle.close(); // NFS tells of a full disk only here.
    this.#state.throwIfCancelled();
    await this.#root.check(this.#key); // It may have been unmounted or replaced since the upload began.
    await rename(this.#temporary, this.#path);
    this.#state.setMayExist();
    await syncFolder(dirname(this.#path));
    const found = await lstat(this.#path);
    requireRegular(found, this.#path);
    if (found.size === this.#size) return;
    throw new StoreError(
      'failed',
      `${this.#size} bytes of ${JSON.stringify(this.#path)} were written, but the file system reports ${found.size}: ` +
        'it cannot be trusted, use another store.',
    );
  }
}

interface TemporaryFile {
  path: string;
  handle: FileHandle;
  forget(): void;
}

/** Another upload that ends may remove the folder as empty when we have just made it: then it is made again. */
async function createTemporary(path: string, root: string, context: StoreContext): Promise<TemporaryFile> {
  const temporary = temporaryPath(path);
  const forget = context.track({ kind: 'file', path: temporary });
  for (let attempt = 1; ; attempt++) {
    try {
      await makeFolder(dirname(path));
      return { path: temporary, handle: await open(temporary, 'wx', 0o600), forget };
    } catch (error) {
      if (codeOf(error) === 'ENOENT' && attempt < 5) continue;
      await removeEmptyFolders(dirname(path), root);
      forget();
      throw error;
    }
  }
}
