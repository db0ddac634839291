import { statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Inventory } from '../../formats/inventory/inventory.ts';
import { partOfTree, volumeFile } from '../../formats/names.ts';
import { treeSize } from '../../report/file-trees.ts';
import { formatBytes } from '../../units.ts';
import type { Checks } from '../shared/verify.ts';
import type { RestoreSettings } from './inputs.ts';

/** What becomes of the file trees, for the plan. */
export function treeLines({ files }: Inventory, { filesTo }: RestoreSettings): string[] {
  if (files.length === 0) return filesTo === null ? [] : ['files-to: this backup has no file trees.'];
  return files.map((tree) =>
    filesTo === null
      ? `Leaves file tree ${tree.label} (${treeSize(tree)}) alone. Set files-to to unpack it, or by hand: cat ${volumeFile(partOfTree(tree.label), 0)}* | gpg -d | zstd -d | tar -x -p`
      : `Unpacks file tree ${tree.label} (${treeSize(tree)}) into ${JSON.stringify(join(filesTo, tree.label))}.`,
  );
}

/** Why the file trees cannot be unpacked, known before anything is created. */
export function whyNotUnpacked({ files }: Inventory, { filesTo }: RestoreSettings): string[] {
  if (filesTo === null) return [];
  const needed = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const { bavail, bsize } = statfsSync(dirname(filesTo));
  if (bavail * bsize > needed) return [];
  return [
    `The file trees take ${formatBytes(needed)}, and where files-to is ${formatBytes(bavail * bsize)} are free. Name a folder on another disk.`,
  ];
}

/** A restore reads file trees only when it unpacks them: they can be many times as large as the database. */
export function checksOf({ assertions, filesTo, acceptMissingRows }: RestoreSettings): Checks {
  const fileTrees = filesTo === null ? 'leave' : { into: filesTo };
  return { assertions, fileReferences: [], fileTrees, acceptMissingRows };
}
