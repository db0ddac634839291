import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { messageOf } from '../../../errors.ts';
import { explainReadErrors } from '../../bytes.ts';
import { storeNotFound } from '../../file-like/errors.ts';
import { compareKeys, folderOf, isKey, isName, PART } from '../../file-like/keys.ts';
import { newestOf, sweepUnfinished } from '../../file-like/unfinished.ts';
import { type Store, type StoreContext, type StoredObject, StoreError, type Upload } from '../../store.ts';
import type { SshLocation } from '../location.ts';
import type { SshSettings } from '../settings.ts';
import { RsyncRemote } from './remote.ts';
import { RsyncUpload, removeObject } from './upload.ts';

/** What rsync calls a file while it writes it: `.name.XXXXXX`. */
const UNFINISHED = /^\.(.+)\.[A-Za-z0-9]{6}$/;

/** An object that was fetched, to be read by ranges. */
interface Fetched {
  key: string;
  path: Promise<string>;
}

/** A folder of a server that lets a key do rsync and nothing else, as rrsync does. */
export class RsyncStore implements Store {
  readonly url: string;
  readonly movesWhole = true;
  readonly #remote: RsyncRemote;
  /** The newest last. */
  #fetched: Fetched[] = [];
  /** As last told by the server: each question is a connection of its own. */
  readonly #sizes = new Map<string, number>();

  constructor(location: SshLocation, settings: SshSettings, context: StoreContext) {
    this.url = location.url;
    this.#remote = new RsyncRemote(location, settings, context);
  }

  async open(): Promise<void> {
    const probe = `probe-${randomBytes(8).toString('hex')}${PART}`;
    const upload = await this.create(probe);
    await upload.commit();
    await this.#remote.remove('', probe);
  }

  async openToRead(): Promise<void> {
    if ((await this.#remote.list('', false)) !== null) return;
    throw storeNotFound(this.url);
  }

  async folders(prefix: string): Promise<string[]> {
    const entries = (await this.#remote.list(prefix, false)) ?? [];
    return entries.flatMap(({ folder, path }) => (folder && isName(path) ? [path] : [])).sort(compareKeys);
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    yield* (await this.#files(prefix)).filter(({ key }) => isKey(key) && !key.endsWith(PART) && key.startsWith(prefix));
  }

  async read(key: string, range?: { start: number; end: number }): Promise<Readable> {
    if (range !== undefined && range.end <= range.start) return Readable.from([]);
    const path = await this.#fetch(key);
    const bytes = createReadStream(path, range === undefined ? {} : { start: range.start, end: range.end - 1 });
    return explainReadErrors(
      bytes,
      (error) => new StoreError('failed', `${this.url}: ${messageOf(error)}.`, { cause: error }),
    );
  }

  async create(key: string): Promise<Upload> {
    return await RsyncUpload.begin(this.#remote, key);
  }

  async size(key: string): Promise<number> {
    const size = await this.#remote.sizeOrNull(key);
    if (size !== null) {
      this.#sizes.set(key, size);
      return size;
    }
    throw new StoreError('not-found', `There is no file ${JSON.stringify(key)} in ${this.url}.`);
  }

  /** rsync does not tell. */
  async freeSpace(): Promise<null> {
    return null;
  }

  async remove(key: string): Promise<void> {
    const { signal } = this.#remote.context;
    await removeObject(this.#remote, key, signal.aborted ? this.#remote.cleanUpSignal() : signal);
  }

  async sweep(prefix: string, before: Date): Promise<string[]> {
    const remove = ({ key, name }: { key: string; name: string }) => this.#remote.remove(folderOf(key), name);
    return await sweepUnfinished(await this.#unfinished(prefix), before, remove, this.#remote.context);
  }

  async newestUpload(prefix: string): Promise<Date | null> {
    return newestOf(await this.#unfinished(prefix));
  }

  async lockOf(): Promise<null> {
    return null;
  }

  clock(): null {
    return null;
  }

  close(): void {
    this.#remote.close();
  }

  /** rsync fetches whole files: each is fetched once, and the last two are kept. */
  async #fetch(key: string): Promise<string> {
    const known = this.#fetched.find((fetched) => fetched.key === key);
    if (known) return await known.path;
    const fetched = { key, path: this.#download(key) };
    this.#fetched.push(fetched);
    fetched.path.catch(() => {
      this.#fetched = this.#fetched.filter((one) => one !== fetched);
    });
    // Whoever still reads one that goes has it open.
    for (const old of this.#fetched.splice(0, this.#fetched.length - 2)) {
      void old.path.then((path) => rm(dirname(path), { recursive: true, force: true })).catch(() => {});
    }
    return await fetched.path;
  }

  async #download(key: string): Promise<string> {
    // For the room alone: rsync does not find a file either that was deleted meanwhile.
    const size = this.#sizes.get(key) ?? (await this.size(key));
    const spool = await this.#remote.spool();
    await this.#remote.requireRoom(spool, size);
    const path = join(spool, basename(key));
    await this.#remote.run([this.#remote.path(key), path]);
    return path;
  }

  /** Files being written, or left so by a server that was switched off, by the keys that they were for. */
  async #unfinished(prefix: string): Promise<(StoredObject & { name: string })[]> {
    return (await this.#files(prefix)).flatMap((file) => {
      const name = basename(file.key);
      const [, wanted] = UNFINISHED.exec(name) ?? [];
      const key = `${folderOf(file.key)}${wanted}`;
      return wanted !== undefined && key.startsWith(prefix) ? [{ ...file, key, name }] : [];
    });
  }

  async #files(prefix: string): Promise<StoredObject[]> {
    const folder = folderOf(prefix);
    const entries = (await this.#remote.list(folder, true)) ?? [];
    return entries
      .filter((entry) => !entry.folder)
      .map(({ path, size, modified }) => ({ key: folder + path, size, modified }))
      .sort((a, b) => compareKeys(a.key, b.key));
  }
}
