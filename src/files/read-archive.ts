import type { Extract, Header } from 'tar-stream';
import { LifeboatError, messageOf } from '../errors.ts';
import { waitForDrain } from '../process/wait-for-drain.ts';
import { archiveName, type Entry } from './entry.ts';
import { parseDecimal } from './tar.ts';

/** It is no archive of a file tree, or not one that a backup makes. */
export class DamagedArchive extends LifeboatError {
  override readonly name = 'DamagedArchive';
}

/** An entry, and the content of a file, which is to be read before the next entry is asked for. */
export interface StoredEntry {
  entry: Entry;
  content: AsyncIterable<Uint8Array>;
}

/**
 * The entries of an archive. They may come from whoever could encrypt for us, so an entry is given out only when it lies
 * in the tree: its folder stands open before it, as an entry of its own, and its name comes after all those before it.
 * So no name leads out of the tree or through a link, and none comes twice. Throws {@link DamagedArchive}, or what the
 * source throws.
 */
export async function* readArchive(source: AsyncIterable<Uint8Array>): AsyncGenerator<StoredEntry> {
  const { extract } = await import('tar-stream');
  const archive = extract();
  archive.on('error', () => {}); // Told by the iterator.
  const feed = new Feed();
  const fed = feed.take(source, archive);
  const place = new Place();
  try {
    for await (const stored of feed.meaning(archive)) {
      const entry = entryOf(stored.header);
      place.requireMember(entry);
      yield { entry, content: feed.meaning(stored as AsyncIterable<Uint8Array>) };
      stored.resume(); // Nobody wants more of it.
    }
  } finally {
    archive.destroy(null);
    await fed;
  }
}

/** Writes the archive into its reader. */
class Feed {
  /** How the source failed. */
  #error: unknown = null;

  /** What the reader gives out; when it fails because the source did, that is the error. */
  async *meaning<T>(read: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* read;
    } catch (error) {
      throw this.#error ?? new DamagedArchive(`It is no whole tar archive: ${messageOf(error)}.`);
    }
    if (this.#error !== null) throw this.#error;
  }

  /** Ends when the source ends, or when nobody wants more of it; never rejects. */
  async take(source: AsyncIterable<Uint8Array>, archive: Extract): Promise<void> {
    try {
      for await (const chunk of source) {
        if (archive.destroyed) return;
        if (!archive.write(chunk)) await waitForDrain(archive);
      }
      archive.end(null);
    } catch (error) {
      this.#error = error;
      archive.destroy(null);
    }
  }
}

const TYPES = { file: 'file', directory: 'folder', symlink: 'link' } as const;

function entryOf(header: Header): Entry {
  const { name, mode, uid, gid, size, mtime, linkname, type: kind, pax } = header;
  const refuse = (why: string) => new DamagedArchive(`Its entry ${JSON.stringify(name)} ${why}.`);
  if (kind !== 'file' && kind !== 'directory' && kind !== 'symlink') throw refuse('is no file, folder or link');
  const type = TYPES[kind];
  const path = name.replace(/^\.\//, '').replace(type === 'folder' ? /\/$/ : /$^/, '');
  const steps = path === '' && type === 'folder' ? [] : path.split('/');
  if (archiveName({ type, path }) !== name || steps.some((step) => ['', '.', '..'].includes(step))) {
    throw refuse('does not lie in the tree');
  }
  if (type !== 'file' && size !== 0) throw refuse('has content');
  const target = type === 'link' ? (linkname ?? '') : '';
  if (type === 'link' && target === '') throw refuse('is a link to nothing');
  if (`${name}${target}`.includes('\0')) throw refuse('has a name with a NUL');
  const extended = (pax ?? {}) as Record<string, string | undefined>;
  const owner = { uid: numberOf(extended.uid) ?? uid, gid: numberOf(extended.gid) ?? gid };
  const time = parseDecimal(extended.mtime ?? '') ?? nanosecondsOf(mtime);
  if (!isId(owner.uid) || !isId(owner.gid) || !Number.isSafeInteger(size) || size < 0 || !isTime(time)) {
    throw refuse('has an owner, size or time that no file has');
  }
  return { type, path, mode: mode & 0o7777, ...owner, size, mtime: time, target };
}

/** The header's field can hold digits that make no date. */
function nanosecondsOf(mtime: Date): bigint | null {
  const milliseconds = mtime.getTime();
  return Number.isSafeInteger(milliseconds) ? BigInt(milliseconds) * 1_000_000n : null;
}

/** uid_t and gid_t have 32 bits. */
function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < 2 ** 32;
}

/** A time_t has 64 bits, of seconds. */
function isTime(mtime: bigint | null): mtime is bigint {
  return mtime !== null && BigInt.asIntN(64, mtime / 1_000_000_000n) === mtime / 1_000_000_000n;
}

function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : null;
}

/** Where in the tree an archive has come to. */
class Place {
  #last: Buffer = Buffer.of();
  /** The folders that the last entry lies in, by their names in the archive. */
  readonly #open: string[] = [];

  requireMember(entry: Entry): void {
    const name = archiveName(entry);
    const bytes = Buffer.from(name);
    if (Buffer.compare(this.#last, bytes) >= 0)
      throw new DamagedArchive(`Its entry ${JSON.stringify(name)} is not in order.`);
    this.#last = bytes;
    const folder = name.slice(0, name.lastIndexOf('/', name.length - 2) + 1);
    while (!name.startsWith(this.#open.at(-1) ?? '')) this.#open.pop();
    if ((this.#open.at(-1) ?? '') !== folder) {
      throw new DamagedArchive(`Its entry ${JSON.stringify(name)} lies in no folder of the tree.`);
    }
    if (entry.type === 'folder') this.#open.push(name);
  }
}
