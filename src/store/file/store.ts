import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { Readable } from 'node:stream';
import { messageOf } from '../../errors.ts';
import { explainReadErrors } from '../bytes.ts';
import { storeNotFound } from '../file-like/errors.ts';
import { compareKeys, folderOf } from '../file-like/keys.ts';
import { type Store, type StoreContext, type StoredObject, StoreError, type Upload } from '../store.ts';
import { codeOf, fileError, withFileErrors } from './errors.ts';
import { makeFolder, removeEmptyFolders } from './folders.ts';
import { openRegular, requireRegular } from './read.ts';
import { lstatOrNull, Root } from './root.ts';
import { FileUpload, nameOfTemporary, temporaryPath } from './upload.ts';

/** Makes the store for a folder; nothing is touched before `open()`. */
export function openFileStore(location: { path: string; url: string }, context: StoreContext): Store {
  return new FileStore(location, context);
}

/**
 * A folder as a store: keys are paths below it, objects are regular files. Names that begin with a dot are not objects:
 * they are files being written, or a file system's own (`.snapshot`). Symbolic links below the folder are not followed.
 */
class FileStore implements Store {
  readonly url: string;
  readonly #root: Root;
  readonly #context: StoreContext;

  constructor({ path, url }: { path: string; url: string }, context: StoreContext) {
    this.url = url;
    this.#root = new Root(path);
    this.#context = context;
  }

  async open(): Promise<void> {
    const { path } = this.#root;
    if (!isAbsolute(path)) {
      throw new StoreError('failed', `The store ${JSON.stringify(path)} must be an absolute path.`);
    }
    await withFileErrors(path, async () => {
      if (!(await this.#exists())) await makeFolder(path);
      await this.#root.pin();
      await tryToWrite(path);
    });
  }

  async openToRead(): Promise<void> {
    const { path } = this.#root;
    if (await withFileErrors(path, () => this.#exists())) return;
    throw storeNotFound(`The store ${JSON.stringify(path)}`);
  }

  async #exists(): Promise<boolean> {
    const { path } = this.#root;
    const found = await statOrNull(path);
    if (found !== null && !found.isDirectory()) {
      throw new StoreError(
        'failed',
        `The store ${JSON.stringify(path)} is a file. Name a folder: it is created when it does not exist.`,
      );
    }
    return found !== null;
  }

  async folders(prefix: string): Promise<string[]> {
    const entries = await this.#entries(prefix);
    return entries.filter(isVisibleFolder).map((entry) => entry.name);
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const folder = folderOf(prefix);
    for (const entry of await this.#entries(folder)) {
      const key = `${folder}${entry.name}`;
      if (isVisibleFolder(entry)) {
        if (`${key}/`.startsWith(prefix)) yield* this.list(`${key}/`);
      } else if (isVisibleFile(entry) && key.startsWith(prefix)) {
        const path = this.#root.pathOf(key);
        const found = await withFileErrors(path, () => lstatOrNull(path));
        if (found?.isFile()) yield { key, size: found.size, modified: found.mtime };
      }
    }
  }

  async read(key: string, range?: { start: number; end: number }): Promise<Readable> {
    if (range !== undefined && range.end <= range.start) return Readable.from([]);
    const path = this.#root.pathOf(key);
    const file = await withFileErrors(path, async () => {
      await this.#root.check(key);
      return await openRegular(path);
    });
    const bytes = file.createReadStream({
      highWaterMark: 1024 * 1024,
      signal: this.#context.signal,
      ...(range === undefined ? {} : { start: range.start, end: range.end - 1 }),
    });
    return explainReadErrors(bytes, (error) => fileError(error, path));
  }

  async create(key: string): Promise<Upload> {
    const path = this.#root.pathOf(key);
    return await withFileErrors(path, () => FileUpload.begin(key, this.#root, this.#context));
  }

  async size(key: string): Promise<number> {
    const path = this.#root.pathOf(key);
    return await withFileErrors(path, async () => {
      await this.#root.check(key);
      const found = await lstat(path);
      requireRegular(found, path);
      return found.size;
    });
  }

  /** What the user of this run may use: of some file systems a part is root's. */
  async freeSpace(): Promise<number> {
    const { path } = this.#root;
    const { bavail, bsize } = await withFileErrors(path, () => statfs(path));
    return bavail * bsize;
  }

  async remove(key: string): Promise<void> {
    const path = this.#root.pathOf(key);
    await withFileErrors(path, async () => {
      await this.#root.check(key);
      await rm(path, { force: true });
      await removeEmptyFolders(dirname(path), this.#root.path);
    });
  }

  async sweep(prefix: string, before: Date): Promise<string[]> {
    const swept: string[] = [];
    for await (const { key, path } of this.#unfinished(prefix)) {
      if (await this.#removeIfOlder(path, before)) swept.push(key);
    }
    return swept;
  }

  async newestUpload(prefix: string): Promise<Date | null> {
    let newest: Date | null = null;
    for await (const { path } of this.#unfinished(prefix)) {
      const found = await withFileErrors(path, () => lstatOrNull(path));
      if (found !== null && (newest === null || found.mtime > newest)) newest = found.mtime;
    }
    return newest;
  }

  async lockOf(): Promise<null> {
    return null;
  }

  clock(): null {
    return null;
  }

  close(): void {
    this.#root.unpin();
  }

  /** What lies directly in a folder, in the order of the keys that it leads to; nothing when there is no such folder. */
  async #entries(folder: string): Promise<Dirent[]> {
    const path = folder === '' ? this.#root.path : this.#root.pathOf(folder.slice(0, -1));
    const entries = await withFileErrors(path, async () => {
      await this.#root.check(folder);
      return await readdir(path, { withFileTypes: true }).catch(emptyIfMissing);
    });
    const place = (entry: Dirent) => (entry.isDirectory() ? `${entry.name}/` : entry.name);
    return entries.sort((a, b) => compareKeys(place(a), place(b)));
  }

  /** Files being written, or left so by killed runs: where they lie, and the keys that they were for. */
  async *#unfinished(prefix: string): AsyncIterable<{ key: string; path: string }> {
    const folder = folderOf(prefix);
    for (const entry of await this.#entries(folder)) {
      const key = folder + (nameOfTemporary(entry.name) ?? entry.name);
      if (isVisibleFolder(entry)) {
        if (`${key}/`.startsWith(prefix)) yield* this.#unfinished(`${key}/`);
      } else if (entry.isFile() && nameOfTemporary(entry.name) !== null && key.startsWith(prefix)) {
        yield { key, path: join(this.#root.path, folder, entry.name) };
      }
    }
  }

  async #removeIfOlder(path: string, before: Date): Promise<boolean> {
    try {
      const found = await lstatOrNull(path);
      if (found === null || found.mtime >= before) return false;
      await rm(path, { force: true });
      await removeEmptyFolders(dirname(path), this.#root.path);
      return true;
    } catch (error) {
      this.#context.info(`An unfinished file of an earlier run was not removed: ${messageOf(error)}`);
      return false;
    }
  }
}

function isVisibleFolder(entry: Dirent): boolean {
  return entry.isDirectory() && !entry.name.startsWith('.');
}

function isVisibleFile(entry: Dirent): boolean {
  return entry.isFile() && !entry.name.startsWith('.');
}

/** Rights are not enough to know: a file system may be read-only, or full of inodes. */
async function tryToWrite(root: string): Promise<void> {
  const probe = temporaryPath(join(root, 'probe'));
  await writeFile(probe, '', { mode: 0o600, flag: 'wx' });
  await rm(probe);
}

async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function emptyIfMissing(error: unknown): Dirent[] {
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
  throw error;
}
