import { mkdir, open, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from './errors.ts';

/**
 * Makes the folder and those above it that are missing, for this user alone, so that they outlast a power cut.
 * Not by mkdir's `recursive`, which under /proc tries for ever.
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (codeOf(error) !== 'ENOENT') throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder, { mode: 0o700 }).catch(ignoreErrors('EEXIST')); // Another upload's.
  }
  await syncFolder(dirname(folder));
}

/**
 * Makes the names in a folder durable: fsync(2) of a file says nothing about the entry that names it.
 * Where a folder cannot be synced at all, as on some network file systems, that is no failure.
 */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(ignoreErrors('EACCES'));
  try {
    await handle?.sync().catch(ignoreErrors('EINVAL', 'EBADF', 'ENOTSUP'));
  } finally {
    await handle?.close();
  }
}

/** Removes the folder and those above it, below `root`, as long as they are empty. */
export async function removeEmptyFolders(folder: string, root: string): Promise<void> {
  for (let empty = folder; empty.startsWith(`${root}/`); empty = dirname(empty)) {
    try {
      await rmdir(empty);
    } catch {
      return; // Not empty, or not ours to remove: an empty folder does no harm.
    }
  }
}

function ignoreErrors(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(codeOf(error))) throw error;
  };
}
