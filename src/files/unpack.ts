import { chmod, lchown, lutimes, mkdir, open, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from './entry.ts';

/** Without root nobody may give files away: then they belong to who unpacks them, and run with no other's rights. */
const OTHER_RIGHTS = 0o777;

/**
 * Writes the entries of an archive, in their order, into a new folder. Each is made new: what is there already is an
 * error, and nothing is written through a link, for readArchive gives out nothing that lies in one.
 */
export class TreeWriter {
  readonly #folder: string;
  readonly #isRoot = process.getuid?.() === 0;
  /** They get their modes and times when all that is in them has been made. */
  readonly #open: Entry[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  async write(entry: Entry, content: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#leave((folder) => !entry.path.startsWith(folder.path === '' ? '' : `${folder.path}/`));
    const path = this.#pathOf(entry);
    if (entry.type === 'folder') {
      await mkdir(path, { mode: 0o700 });
      this.#open.push(entry);
    } else if (entry.type === 'link') {
      await symlink(entry.target, path);
      if (this.#isRoot) await lchown(path, entry.uid, entry.gid);
      await lutimes(path, secondsOf(entry), secondsOf(entry));
    } else {
      await this.#writeFile(path, entry, content);
    }
  }

  async finish(): Promise<void> {
    await this.#leave(() => true);
  }

  async #writeFile(path: string, entry: Entry, content: AsyncIterable<Uint8Array>): Promise<void> {
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const bytes of content) await file.writeFile(bytes);
      if (this.#isRoot) await file.chown(entry.uid, entry.gid);
      await file.chmod(this.#modeOf(entry)); // After the owner, for a new owner takes setuid away.
      await file.utimes(secondsOf(entry), secondsOf(entry));
    } finally {
      await file.close();
    }
  }

  async #leave(isLeft: (folder: Entry) => boolean): Promise<void> {
    for (let folder = this.#open.at(-1); folder !== undefined && isLeft(folder); folder = this.#open.at(-1)) {
      const path = this.#pathOf(folder);
      if (this.#isRoot) await lchown(path, folder.uid, folder.gid);
      await chmod(path, this.#modeOf(folder));
      await utimes(path, secondsOf(folder), secondsOf(folder));
      this.#open.pop();
    }
  }

  #pathOf({ path }: Entry): string {
    return join(this.#folder, path);
  }

  #modeOf({ mode }: Entry): number {
    return this.#isRoot ? mode : mode & OTHER_RIGHTS;
  }
}

function secondsOf({ mtime }: Entry): number {
  return Number(mtime) / 1e9;
}
