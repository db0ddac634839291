import { close, constants, open as openFile, type Stats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StoreError } from '../store.ts';
import { codeOf } from './errors.ts';

/**
 * The folder that a store is, and the paths of its objects. It may itself be a link; nothing below it may: a link
 * would lead reads, writes and deletions to files that are not of this store.
 */
export class Root {
  readonly path: string;
  /** As it was when the run began to write; null: any folder will do. */
  #pinned: Pick<Stats, 'dev' | 'ino'> | null = null;
  /** Open until the end, so that the system gives its inode number to no other folder. */
  #handle: number | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** Remembers which folder it is: from now on no other one in its place is used. */
  async pin(): Promise<void> {
    this.unpin();
    // One that may be written and not read cannot be opened.
    this.#handle = await promisify(openFile)(this.path, constants.O_RDONLY | constants.O_DIRECTORY).catch(() => null);
    const { dev, ino } = await stat(this.path);
    this.#pinned = { dev, ino };
  }

  unpin(): void {
    if (this.#handle !== null) close(this.#handle, () => {});
    this.#handle = null;
  }

  /** Where an object lies. Keys come from listings too: none may lead out of the root, or to what is no object. */
  pathOf(key: string): string {
    if (key.split('/').some((segment) => segment === '' || segment.startsWith('.') || segment.includes('\0'))) {
      throw new StoreError('failed', `${JSON.stringify(key)} cannot be a key in a file store.`);
    }
    return join(this.path, key);
  }

  /** Requires that an object is looked for where it was stored: in the same root, and behind no link. */
  async check(key: string): Promise<void> {
    await this.#checkRoot();
    let folder = this.path;
    for (const segment of key.split('/').slice(0, -1)) {
      folder = join(folder, segment);
      const found = await lstatOrNull(folder);
      if (found === null) return;
      if (found.isSymbolicLink()) throw isLink(folder);
    }
  }

  async #checkRoot(): Promise<void> {
    if (this.#pinned === null) return;
    const found = await stat(this.path).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    });
    const { dev, ino } = this.#pinned;
    if (found?.dev === dev && found.ino === ino) return;
    throw new StoreError(
      'failed',
      `The store ${JSON.stringify(this.path)} is not the folder that it was when this run began: its disk was unmounted, ` +
        'something was mounted over it, or it was moved or replaced. What this run wrote before is in the other folder. ' +
        'Mount the right disk, and run again.',
    );
  }
}

export async function lstatOrNull(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
    throw error;
  }
}

function isLink(folder: string): StoreError {
  return new StoreError(
    'failed',
    `${JSON.stringify(folder)} is a symbolic link, and links in a store are not followed. Replace it by a real folder ` +
      'or a bind mount, or name the folder that it leads to in store.',
  );
}
