import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ToolContext } from '../stream/child.ts';

/** Memory-backed on Linux. */
const SHARED_MEMORY = '/dev/shm';

/** Works with a folder that nobody else may enter, best in memory, and that is gone afterwards. */
export async function inPrivateFolder<T>({ track }: ToolContext, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir(), 'lifeboat-'));
  const forget = track({ kind: 'folder', path: folder });
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    forget();
  }
}
