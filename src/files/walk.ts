import { isUtf8 } from 'node:buffer';
import type { BigIntStats, Dirent } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LifeboatError } from '../errors.ts';
import { archiveName, type Entry } from './entry.ts';
import type { Notes } from './notes.ts';

/** Of a folder it is known already what it is; a file or a link is looked at when its turn has come. */
export type Found = { type: 'file' | 'link'; path: string } | { type: 'folder'; path: string; stat: BigIntStats };

/** A file tree that is to be read. */
export interface Tree {
  label: string;
  /** Its folder, absolute; a link to a folder is followed, links below it are not. */
  folder: string;
  /** Whether the path is left out, with all that is below it. */
  isExcluded(path: string): boolean;
}

/** Steps at which tests change the tree. */
export type TreeStep = 'listed' | 'opened';

interface Listing {
  path: string;
  /** The next is the last. */
  left: Pick<Found, 'type' | 'path'>[];
}

/**
 * Everything in the tree, in the order of an archive. Of one folder at a time, and those that it lies in, the names are
 * in memory. What is gone meanwhile is noted; what may not be read is an error that names it.
 */
export async function* walkTree(
  tree: Tree,
  notes: Notes,
  at: (step: TreeStep, path: string) => Promise<void> = async () => {},
): AsyncGenerator<Found> {
  const open: Listing[] = [];
  const enter = async (path: string): Promise<BigIntStats | null> => {
    const folder = join(tree.folder, path);
    const found = await (path === '' ? stat : lstat)(folder, { bigint: true });
    if (!found.isDirectory()) return null; // A link, say, has taken its place.
    const names = await readdir(folder, { withFileTypes: true, encoding: 'buffer' });
    open.push({ path, left: inOrder(tree, path, names, notes).reverse() });
    await at('listed', path);
    return found;
  };
  const root = await requireReadable(tree, '', () => enter(''));
  if (root === null) throw new LifeboatError(`paths: ${tree.label}: ${JSON.stringify(tree.folder)} is no folder.`);
  yield { type: 'folder', path: '', stat: root };
  for (let listing = open.at(-1); listing !== undefined; listing = open.at(-1)) {
    const next = listing.left.pop();
    if (next === undefined) open.pop();
    else if (next.type !== 'folder') yield { type: next.type, path: next.path };
    else {
      const found = await unlessGone(tree, next.path, () => enter(next.path));
      if (found === null) notes.add('vanished', next.path);
      else yield { type: 'folder', path: next.path, stat: found };
    }
  }
}

/** null: it is gone, or something else is there now. */
export async function unlessGone<T>(tree: Tree, path: string, read: () => Promise<T>): Promise<T | null> {
  try {
    return await requireReadable(tree, path, read);
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return null;
    throw error;
  }
}

/** A backup that lacks a file because it may not be read would lack it without a word: that is an error. */
export async function requireReadable<T>(tree: Tree, path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof LifeboatError || code === undefined) throw error;
    const what = path === '' ? `the folder ${JSON.stringify(tree.folder)}` : JSON.stringify(path);
    throw new LifeboatError(
      `paths: ${tree.label}: ${what} cannot be read (${code}). Let the user that this job runs as read it, or leave it out by paths-exclude.`,
      { cause: error },
    );
  }
}

function inOrder(tree: Tree, folder: string, names: Dirent<Buffer>[], notes: Notes): Listing['left'] {
  const found = names.flatMap((dirent) => {
    const name = dirent.name.toString();
    const path = folder === '' ? name : `${folder}/${name}`;
    if (tree.isExcluded(path)) return [];
    const type = typeOf(dirent);
    if (type === null) {
      notes.add('special', path);
      return [];
    }
    if (!isUtf8(dirent.name)) throw notText(tree, path);
    return [{ type, path, key: Buffer.from(archiveName({ type, path })) }];
  });
  return found.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ type, path }) => ({ type, path }));
}

function typeOf(dirent: Dirent<Buffer>): Entry['type'] | null {
  if (dirent.isFile()) return 'file';
  if (dirent.isDirectory()) return 'folder';
  return dirent.isSymbolicLink() ? 'link' : null;
}

/** Archives have text for names. */
export function notText(tree: Tree, path: string): LifeboatError {
  return new LifeboatError(
    `paths: ${tree.label}: ${JSON.stringify(path)} has a name, or points to one, that is not UTF-8. Rename it, or leave it out by paths-exclude (? stands for what is no character).`,
  );
}
