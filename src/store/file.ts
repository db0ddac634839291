import type { Dirent, Stats } from 'node:fs';
import { open, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { Readable } from 'node:stream';
import { messageOf } from '../errors.ts';
import { explainedBytes } from './bytes.ts';
import { codeOf, explained, fileError } from './file/errors.ts';
import { makeFolder, removeEmptyFolders } from './file/folders.ts';
import { FileUpload, nameOfTemporary, temporaryPath } from './file/upload.ts';
import { type Store, type StoreContext, type StoredObject, StoreError, type Upload } from './store.ts';

/** Makes the store for a folder; nothing is touched before `open()`. */
export function openFileStore(location: { path: string; url: string }, context: StoreContext): Store {
  return new FileStore(location, context);
}

/**
 * A folder as a store: keys are paths below it. Names that begin with a dot are not objects: they are files being
 * written, or a file system's own (`.snapshot`). Symbolic links below the folder are not followed.
 */
class FileStore implements Store {
  readonly url: string;
  readonly #root: string;
  readonly #context: StoreContext;

  constructor({ path, url }: { path: string; url: string }, context: StoreContext) {
    this.url = url;
    this.#root = path;
    this.#context = context;
  }

  async open(): Promise<void> {
    if (!isAbsolute(this.#root)) {
      throw new StoreError('failed', `The store ${JSON.stringify(this.#root)} must be an absolute path.`);
    }
    await explained(this.#root, async () => {
      if (!(await this.#isThere())) await makeFolder(this.#root);
      await tryToWrite(this.#root);
    });
  }

  async openToRead(): Promise<void> {
    if (await explained(this.#root, () => this.#isThere())) return;
    throw new StoreError(
      'not-found',
      `The store ${JSON.stringify(this.#root)} is not there: mend its path in store, or mount its disk.`,
    );
  }

  async #isThere(): Promise<boolean> {
    const found = await statOrNull(this.#root);
    if (found !== null && !found.isDirectory()) {
      throw new StoreError(
        'failed',
        `The store ${JSON.stringify(this.#root)} is a file: name a folder, which is made when it is not there.`,
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
        const found = await explained(this.#path(key), () => statOrNull(this.#path(key)));
        if (found !== null) yield { key, size: found.size, modified: found.mtime };
      }
    }
  }

  async read(key: string, range?: { start: number; end: number }): Promise<Readable> {
    if (range !== undefined && range.end <= range.start) return Readable.from([]);
    const path = this.#path(key);
    const file = await explained(path, () => open(path, 'r'));
    const bytes = file.createReadStream({
      highWaterMark: 1024 * 1024,
      signal: this.#context.signal,
      ...(range === undefined ? {} : { start: range.start, end: range.end - 1 }),
    });
    return explainedBytes(bytes, (error) => fileError(error, path));
  }

  async create(key: string): Promise<Upload> {
    const path = this.#path(key);
    return await explained(path, () => FileUpload.begin(path, this.#root, this.#context));
  }

  async size(key: string): Promise<number> {
    const path = this.#path(key);
    const found = await explained(path, () => stat(path));
    if (!found.isFile()) throw new StoreError('not-found', `${JSON.stringify(path)} is not a file.`);
    return found.size;
  }

  /** What the user of this run may use: of some file systems a part is root's. */
  async freeSpace(): Promise<number> {
    const { bavail, bsize } = await explained(this.#root, () => statfs(this.#root));
    return bavail * bsize;
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key);
    await explained(path, async () => {
      await rm(path, { force: true });
      await removeEmptyFolders(dirname(path), this.#root);
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
      const found = await explained(path, () => statOrNull(path));
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

  close(): void {}

  /** What lies directly in a folder, in the order of the keys that it leads to; nothing when there is no such folder. */
  async #entries(folder: string): Promise<Dirent[]> {
    const path = folder === '' ? this.#root : this.#path(folder.slice(0, -1));
    const entries = await explained(path, () => readdir(path, { withFileTypes: true }).catch(emptyIfMissing));
    const place = (entry: Dirent) => Buffer.from(entry.isDirectory() ? `${entry.name}/` : entry.name);
    return entries.sort((a, b) => Buffer.compare(place(a), place(b)));
  }

  /** Files being written, or left so by killed runs: where they lie, and the keys that they were for. */
  async *#unfinished(prefix: string): AsyncIterable<{ key: string; path: string }> {
    const folder = folderOf(prefix);
    for (const entry of await this.#entries(folder)) {
      const key = folder + (nameOfTemporary(entry.name) ?? entry.name);
      if (isVisibleFolder(entry)) {
        if (`${key}/`.startsWith(prefix)) yield* this.#unfinished(`${key}/`);
      } else if (entry.isFile() && nameOfTemporary(entry.name) !== null && key.startsWith(prefix)) {
        yield { key, path: join(this.#root, folder, entry.name) };
      }
    }
  }

  async #removeIfOlder(path: string, before: Date): Promise<boolean> {
    try {
      const found = await statOrNull(path);
      if (found === null || found.mtime >= before) return false;
      await rm(path, { force: true });
      await removeEmptyFolders(dirname(path), this.#root);
      return true;
    } catch (error) {
      this.#context.info(`An unfinished file of an earlier run was not removed: ${messageOf(error)}`);
      return false;
    }
  }

  /** Keys come from listings too: none may lead out of the root, or to what is no object. */
  #path(key: string): string {
    if (key.split('/').some((segment) => segment === '' || segment.startsWith('.') || segment.includes('\0'))) {
      throw new StoreError('failed', `${JSON.stringify(key)} cannot be a key in a file store.`);
    }
    return join(this.#root, key);
  }
}

/** The folder in which everything lies whose key begins with `prefix`: empty, or ending in a slash. */
function folderOf(prefix: string): string {
  return prefix.slice(0, prefix.lastIndexOf('/') + 1);
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
