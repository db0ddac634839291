import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TreeCounts } from '../formats/inventory/file-tree.ts';
import { Notes } from './notes.ts';
import { type Tree, unlessGone, walkTree } from './walk.ts';

/** What a backup of the tree would hold, without reading any file. */
export async function measureTree(tree: Tree): Promise<TreeCounts> {
  const counts: TreeCounts = { files: 0, folders: 0, links: 0, bytes: 0 };
  for await (const { type, path } of walkTree(tree, new Notes())) {
    counts[`${type}s`]++;
    if (type !== 'file') continue;
    const file = await unlessGone(tree, path, () => lstat(join(tree.folder, path)));
    counts.bytes += file?.size ?? 0;
  }
  return counts;
}
