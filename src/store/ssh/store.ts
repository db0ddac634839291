import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import type { FileEntryWithStats } from 'ssh2';
import { explainReadErrors } from '../bytes.ts';
import { storeNotFound } from '../file-like/errors.ts';
import { compareKeys, folderOf, isName, PART } from '../file-like/keys.ts';
import { newestOf, sweepUnfinished } from '../file-like/unfinished.ts';
import { type Store, type StoreContext, type StoredObject, StoreError, type Upload } from '../store.ts';
import { isFile, isNotFound, sftpError } from './errors.ts';
import type { SshLocation } from './location.ts';
import { DEFAULT_OPTIONS, type SshOptions } from './options.ts';
import { Remote } from './remote.ts';
import type { SshSettings } from './settings.ts';
import { readFile } from './transfer/read-file.ts';
import { SftpUpload } from './transfer/upload.ts';

/** Makes the store; nothing is sent. */
export function createSftpStore(
  location: SshLocation,
  settings: SshSettings,
  context: StoreContext,
  options: Partial<SshOptions>,
): Store {
  return new SftpStore(new Remote(location, settings, context, { ...DEFAULT_OPTIONS, ...options }));
}

/**
 * A folder on a server, by SFTP: keys are paths below it. Names that begin with a dot or end in `.part` are not objects.
 * Symbolic links below the folder are not followed.
 */
class SftpStore implements Store {
  readonly url: string;
  readonly #remote: Remote;
  /** The server's clock less ours, in milliseconds; null before it was seen. */
  #clockAhead: number | null = null;

  constructor(remote: Remote) {
    this.url = remote.url;
    this.#remote = remote;
  }

  async open(): Promise<void> {
    const { root } = this.#remote;
    await this.#remote.makeFolder(root);
    await this.#tryToWrite(posix.join(root, `.probe-${randomBytes(8).toString('hex')}${PART}`));
  }

  async openToRead(): Promise<void> {
    const { root, place } = this.#remote;
    const found = await this.#remote.statOrNull(root);
    if (found?.isDirectory()) return;
    if (found !== null) throw isFile(root, place);
    throw storeNotFound(`The folder ${JSON.stringify(root)} on ${place}`);
  }

  async folders(prefix: string): Promise<string[]> {
    const entries = await this.#entries(prefix);
    return entries.filter(({ attrs }) => attrs.isDirectory()).map(({ filename }) => filename);
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    for await (const { key, size, modified } of this.#files(prefix)) {
      if (!key.endsWith(PART)) yield { key, size, modified };
    }
  }

  async read(key: string, range?: { start: number; end: number }): Promise<Readable> {
    if (range !== undefined && range.end <= range.start) return Readable.from([]);
    const path = this.#remote.path(key);
    const bytes = await this.#remote.at(path, (session) =>
      readFile(session, path, range ?? null, this.#remote.context.signal),
    );
    return explainReadErrors(bytes, (error) => sftpError(error, this.#remote.place, path));
  }

  async create(key: string): Promise<Upload> {
    return await SftpUpload.begin(this.#remote, key);
  }

  async size(key: string): Promise<number> {
    const path = this.#remote.path(key);
    const found = await this.#remote.statOrNull(path);
    if (found?.isFile()) return found.size;
    throw new StoreError('not-found', `There is no file ${JSON.stringify(path)} on ${this.#remote.place}.`);
  }

  async freeSpace(): Promise<number | null> {
    return await this.#remote.freeSpace();
  }

  async remove(key: string): Promise<void> {
    const path = this.#remote.path(key);
    const { context } = this.#remote;
    const signal = context.signal.aborted ? this.#remote.cleanUpSignal() : context.signal;
    await this.#remote.removeFile(path, signal);
    await this.#remote.removeEmptyFolders(posix.dirname(path), signal);
  }

  async sweep(prefix: string, before: Date): Promise<string[]> {
    const { signal } = this.#remote.context;
    const remove = async ({ key }: StoredObject) => {
      const path = this.#remote.path(key + PART);
      await this.#remote.removeFile(path, signal);
      await this.#remote.removeEmptyFolders(posix.dirname(path), signal);
    };
    return await sweepUnfinished(await this.#unfinished(prefix), before, remove, this.#remote.context);
  }

  async newestUpload(prefix: string): Promise<Date | null> {
    return newestOf(await this.#unfinished(prefix));
  }

  async lockOf(): Promise<null> {
    return null;
  }

  clock(): Date | null {
    return this.#clockAhead === null ? null : new Date(Date.now() + this.#clockAhead);
  }

  close(): void {
    this.#remote.close();
  }

  /** Rights are not enough to know: a disk may be read-only, or full. The file's time tells the server's clock. */
  async #tryToWrite(probe: string): Promise<void> {
    const { signal } = this.#remote.context;
    const { mtime } = await this.#remote.at(probe, async (session) => {
      await session.closeFile(await session.open(probe, 'w', signal), signal);
      return await session.stat(probe, signal);
    });
    this.#clockAhead = mtime * 1000 - Date.now();
    await this.#remote.removeFile(probe, signal);
  }

  /** Files being written, or left so by killed runs, by the keys that they were for. */
  async #unfinished(prefix: string): Promise<StoredObject[]> {
    const unfinished: StoredObject[] = [];
    for await (const file of this.#files(prefix)) {
      const key = file.key.slice(0, -PART.length);
      if (file.key.endsWith(PART) && key.startsWith(prefix)) unfinished.push({ ...file, key });
    }
    return unfinished;
  }

  async *#files(prefix: string): AsyncIterable<StoredObject> {
    const folder = folderOf(prefix);
    for (const { filename, attrs } of await this.#entries(folder)) {
      const key = `${folder}${filename}`;
      if (attrs.isDirectory()) {
        if (`${key}/`.startsWith(prefix)) yield* this.#files(`${key}/`);
      } else if (attrs.isFile() && key.startsWith(prefix)) {
        yield { key, size: attrs.size, modified: new Date(attrs.mtime * 1000) };
      }
    }
  }

  /** What lies directly in a folder, in the order of the keys that it leads to; nothing when there is no such folder. */
  async #entries(prefix: string): Promise<FileEntryWithStats[]> {
    const path = this.#remote.folder(prefix);
    const entries: FileEntryWithStats[] = [];
    await this.#remote.at(path, async (session) => {
      try {
        for await (const entry of session.entries(path, this.#remote.context.signal)) {
          if (isName(entry.filename)) entries.push(entry);
        }
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    });
    const place = ({ filename, attrs }: FileEntryWithStats) => (attrs.isDirectory() ? `${filename}/` : filename);
    return entries.sort((a, b) => compareKeys(place(a), place(b)));
  }
}
