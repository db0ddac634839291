import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from './entry.ts';
import { Notes } from './notes.ts';
import { END_OF_ARCHIVE, headerOf, paddingOf } from './tar.ts';
import { TreeDigest } from './tree-digest.ts';
import { notText, requireReadable, type Tree, type TreeStep, unlessGone, walkTree } from './walk.ts';

/** Bytes read at once. */
const CHUNK = 1024 * 1024;
/** Never through a link, and never waiting for the other end of a pipe that has taken the file's place. */
const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Reads a file tree and makes an archive of it, one entry at a time. */
export class TreePacker {
  readonly digest = new TreeDigest();
  readonly notes = new Notes();
  readonly #tree: Tree;
  readonly #at: (step: TreeStep, path: string) => Promise<void>;

  /** `at`: only tests do anything there. */
  constructor(tree: Tree, at: (step: TreeStep, path: string) => Promise<void> = async () => {}) {
    this.#tree = tree;
    this.#at = at;
  }

  /** The archive. Digest and notes are of the whole tree when it has come to its end. */
  async *archive(): AsyncGenerator<Uint8Array> {
    for await (const found of walkTree(this.#tree, this.notes, this.#at)) {
      if (found.type === 'folder') yield this.#entry({ ...factsOf(found.stat), type: 'folder', path: found.path });
      else if (found.type === 'link') yield* this.#link(found.path);
      else yield* this.#file(found.path);
    }
    yield END_OF_ARCHIVE;
  }

  #entry(entry: Omit<Entry, 'size' | 'target'>, target = ''): Buffer {
    const whole = { ...entry, size: 0, target };
    this.digest.add(whole, '');
    return headerOf(whole);
  }

  async *#link(path: string): AsyncGenerator<Uint8Array> {
    const full = join(this.#tree.folder, path);
    const link = await unlessGone(this.#tree, path, async () => {
      const stat = await lstat(full, { bigint: true });
      return stat.isSymbolicLink() ? { stat, target: await readlink(full, { encoding: 'buffer' }) } : null;
    });
    if (link === null) return this.notes.add('vanished', path);
    if (!isUtf8(link.target)) throw notText(this.#tree, path);
    yield this.#entry({ ...factsOf(link.stat), type: 'link', path }, link.target.toString());
  }

  async *#file(path: string): AsyncGenerator<Uint8Array> {
    const file = await unlessGone(this.#tree, path, () => open(join(this.#tree.folder, path), OPEN_FILE));
    if (file === null) return this.notes.add('vanished', path);
    try {
      const before = await file.stat({ bigint: true });
      if (!before.isFile()) return this.notes.add('vanished', path);
      await this.#at('opened', path);
      const entry: Entry = { ...factsOf(before), type: 'file', path, size: Number(before.size), target: '' };
      const hash = createHash('sha256');
      yield headerOf(entry);
      for await (const bytes of this.#content(file, entry)) {
        hash.update(bytes);
        yield bytes;
      }
      const padding = paddingOf(entry.size);
      if (padding.length > 0) yield padding;
      const after = await file.stat({ bigint: true });
      if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) this.notes.add('changed', path);
      this.digest.add(entry, hash.digest('hex'));
    } finally {
      await file.close();
    }
  }

  /** As many bytes as the header says: of a file that grows no more are read, one that has become shorter ends in zeros. */
  async *#content(file: FileHandle, { path, size }: Entry): AsyncGenerator<Uint8Array> {
    for (let position = 0; position < size; ) {
      const bytes = Buffer.allocUnsafe(Math.min(CHUNK, size - position));
      const { bytesRead } = await requireReadable(this.#tree, path, () => file.read(bytes, 0, bytes.length, position));
      const taken = bytesRead === 0 ? bytes.fill(0) : bytes.subarray(0, bytesRead);
      position += taken.length;
      yield taken;
    }
  }
}

function factsOf(stat: BigIntStats): Pick<Entry, 'mode' | 'uid' | 'gid' | 'mtime'> {
  return { mode: Number(stat.mode) & 0o7777, uid: Number(stat.uid), gid: Number(stat.gid), mtime: stat.mtimeNs };
}
