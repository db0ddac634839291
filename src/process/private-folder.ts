import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { ToolContext } from './child.ts';
import { createOwnedFolder, sweepFolders, thisProcess } from './owned-folder.ts';

/** In memory on Linux, where it exists and may be written: a container can lack it or have it read-only. */
const SHARED_MEMORY = '/dev/shm';
const PREFIX = 'lifeboat-definitions-';

/** Works in a folder that nobody else may enter, best in memory, and that is gone afterwards. */
export async function inPrivateFolder<T>(
  { track }: ToolContext,
  work: (folder: string) => Promise<T>,
  shared = SHARED_MEMORY,
): Promise<T> {
  const folder = await newFolder(shared);
  const forget = track({ kind: 'folder', path: folder });
  try {
    return await work(folder);
  } finally {
    await removeFolder(folder);
    forget();
  }
}

async function newFolder(shared: string): Promise<string> {
  try {
    return await folderBelow(shared);
  } catch {
    return folderBelow(process.env.RUNNER_TEMP || tmpdir());
  }
}

/** What a run that was killed left there goes first. */
async function folderBelow(parent: string): Promise<string> {
  await sweepFolders(parent, PREFIX, removeFolder);
  return createOwnedFolder(parent, PREFIX, thisProcess());
}

function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}
