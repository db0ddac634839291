import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { Tool } from '../../process/child.ts';
import { explainReadErrors } from '../bytes.ts';
import { compareKeys, folderOf, isKey, isName, PART } from '../file-like/keys.ts';
import { newestOf, sweepUnfinished } from '../file-like/unfinished.ts';
import { type Store, type StoreContext, type StoredObject, StoreError, type Upload } from '../store.ts';
import type { RcloneLocation } from './location.ts';
import { Remote } from './remote.ts';
import { RcloneUpload } from './upload.ts';

/** What `rclone lsjson` tells of an object or a folder. */
interface Entry {
  /** Below what was listed. */
  Path: string;
  Name: string;
  Size: number;
  ModTime: string;
}

/** A folder of a remote of rclone: keys are paths below it. Names that begin with a dot or end in `.part` are not objects. */
export class RcloneStore implements Store {
  readonly url: string;
  readonly #remote: Remote;

  constructor(location: RcloneLocation, context: StoreContext) {
    this.url = location.url;
    this.#remote = new Remote(location, context);
  }

  async open(): Promise<void> {
    const root = this.#remote.folder('');
    // Not always: the keys of a bucket may well be allowed to write into it, and not to make it.
    if (!(await this.#exists())) await this.#remote.run(['mkdir', root]);
    const probe = this.#remote.path(`probe-${randomBytes(8).toString('hex')}${PART}`);
    await this.#remote.run(['rcat', probe]);
    await this.#remote.run(['deletefile', probe]);
  }

  async openToRead(): Promise<void> {
    if (await this.#exists()) return;
    throw new StoreError('not-found', `${this.url} does not exist. Correct the path in "store".`);
  }

  async folders(prefix: string): Promise<string[]> {
    const names: string[] = [];
    for await (const { Name } of this.#entries(prefix, ['--dirs-only'])) if (isName(Name)) names.push(Name);
    return names.sort(compareKeys);
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    yield* (await this.#files(prefix)).filter(({ key }) => !key.endsWith(PART));
  }

  async read(key: string, range?: { start: number; end: number }): Promise<Readable> {
    const path = this.#remote.path(key);
    if (range !== undefined && range.end <= range.start) return Readable.from([]);
    const part = range === undefined ? [] : [`--offset=${range.start}`, `--count=${range.end - range.start}`];
    const args = ['cat', path, ...part];
    const tool = this.#remote.start(args);
    tool.stdin.end();
    try {
      // A missing object is reported here, and not to the reader of the stream.
      await Promise.race([once(tool.stdout, 'readable'), tool.finished]);
    } catch (error) {
      throw this.#remote.error(args, error);
    }
    return explainReadErrors(Readable.from(outputOf(tool), { objectMode: false }), (error) =>
      this.#remote.error(args, error),
    );
  }

  async create(key: string): Promise<Upload> {
    return new RcloneUpload(this.#remote, key);
  }

  async size(key: string): Promise<number> {
    const size = await this.#remote.sizeOrNull(key);
    if (size !== null) return size;
    throw new StoreError('not-found', `${this.url}: there is no object ${JSON.stringify(key)}.`);
  }

  async freeSpace(): Promise<number | null> {
    try {
      const { free } = JSON.parse(await this.#remote.run(['about', '--json', this.#remote.folder('')]));
      return typeof free === 'number' ? free : null;
    } catch (error) {
      if (error instanceof StoreError && /doesn't support|not supported/i.test(error.message)) return null;
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    const { context } = this.#remote;
    const signal = context.signal.aborted ? this.#remote.cleanUpSignal() : context.signal;
    await this.#remote.remove(key, signal);
    await this.#remote.removeEmptyFolders(key, signal);
  }

  async sweep(prefix: string, before: Date): Promise<string[]> {
    const remove = async ({ key }: StoredObject) => {
      await this.#remote.remove(key + PART);
      await this.#remote.removeEmptyFolders(key);
    };
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

  close(): void {}

  async #exists(): Promise<boolean> {
    try {
      await this.#remote.run(['lsjson', '--dirs-only', '--no-modtime', this.#remote.folder('')]);
      return true;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'not-found') return false;
      throw error;
    }
  }

  /** Objects being written, or left so by killed runs, by the keys that they were for. */
  async #unfinished(prefix: string): Promise<StoredObject[]> {
    return (await this.#files(prefix)).flatMap((file) => {
      const key = file.key.slice(0, -PART.length);
      return file.key.endsWith(PART) && key.startsWith(prefix) ? [{ ...file, key }] : [];
    });
  }

  async #files(prefix: string): Promise<StoredObject[]> {
    const folder = folderOf(prefix);
    const files: StoredObject[] = [];
    for await (const { Path, Size, ModTime } of this.#entries(folder, ['--recursive', '--files-only'])) {
      const key = folder + Path;
      if (isKey(key) && key.startsWith(prefix)) files.push({ key, size: Size, modified: new Date(ModTime) });
    }
    return files.sort((a, b) => compareKeys(a.key, b.key));
  }

  /** What a folder holds; nothing when there is none. rclone prints one entry a line. */
  async *#entries(folder: string, flags: string[]): AsyncIterable<Entry> {
    const args = ['lsjson', '--no-mimetype', ...flags, this.#remote.folder(folder)];
    const tool = this.#remote.start(args);
    tool.stdin.end();
    try {
      let rest = '';
      for await (const chunk of tool.stdout.setEncoding('utf8')) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line.startsWith('{')) yield JSON.parse(line.replace(/,$/, ''));
      }
      await tool.finished;
    } catch (error) {
      const failure = this.#remote.error(args, error);
      if (failure.code !== 'not-found') throw failure;
    } finally {
      tool.kill();
    }
  }
}

/** The bytes count only when rclone has ended well. */
async function* outputOf(tool: Tool): AsyncGenerator<Uint8Array> {
  try {
    yield* tool.stdout;
    await tool.finished;
  } finally {
    tool.kill();
  }
}
