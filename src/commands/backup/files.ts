import { Readable } from 'node:stream';
import { LifeboatError } from '../../errors.ts';
import { compileGlobs } from '../../files/exclude.ts';
import { Notes } from '../../files/notes.ts';
import { TreePacker } from '../../files/pack.ts';
import { type Tree, walkTree } from '../../files/walk.ts';
import type { TreeFacts } from '../../formats/inventory/file-tree.ts';
import type { ManifestTree } from '../../formats/manifest.ts';
import { partOfTree } from '../../formats/names.ts';
import { treeNotes } from '../../report/file-trees.ts';
import type { PartStreamer, WrittenPart } from '../../repository/part-streamer.ts';
import { countOf } from '../../units.ts';
import type { Run } from '../shared/run.ts';
import type { BackupSettings } from './inputs.ts';

export interface StoredTrees {
  parts: WrittenPart[];
  facts: TreeFacts[];
  notIncluded: string[];
}

/** The file trees that are to be backed up. Throws when one holds no file, which is most often a disk that is not mounted. */
export async function openTrees(settings: BackupSettings): Promise<Tree[]> {
  const isExcluded = await compileGlobs(settings.pathsExclude);
  const trees = settings.fileTrees.map(({ label, folder }) => ({ label, folder, isExcluded }));
  if (!settings.allowEmpty) for (const tree of trees) if (!(await holdsFile(tree))) throw noFile(tree);
  return trees;
}

async function holdsFile(tree: Tree): Promise<boolean> {
  for await (const { type } of walkTree(tree, new Notes())) if (type === 'file') return true;
  return false;
}

/** Streams each tree into the stores, after the database: what its snapshot names was there before it. */
export async function storeTrees(
  trees: Tree[],
  { pathsExclude }: BackupSettings,
  parts: PartStreamer,
  run: Run,
): Promise<StoredTrees> {
  const stored: StoredTrees = { parts: [], facts: [], notIncluded: [] };
  for (const tree of trees) {
    const name = partOfTree(tree.label);
    const before = { plain: parts.plain, stored: parts.stored };
    const { digest, notes, part } = await run.progress.stage(name, () =>
      run.progress.watch(
        `File tree ${tree.label}`,
        0,
        () => ({ plain: parts.plain - before.plain, stored: parts.stored - before.stored, more: '' }),
        () => storeTree(tree, parts),
      ),
    );
    const { changed, vanished, special } = notes;
    const facts = { label: tree.label, ...digest.counts, digest: digest.digest(), changed, vanished, special };
    stored.parts.push(part);
    stored.facts.push({ ...facts, excluded: pathsExclude });
    const noted = treeNotes(facts);
    if (noted.length > 0) run.log.notice(`File tree ${tree.label}: ${noted.join('; ')}.`);
  }
  if (trees.length > 0) stored.notIncluded.push('Access lists and extended attributes of files');
  if (pathsExclude.length > 0)
    stored.notIncluded.push(`Files that paths-exclude leaves out (${countOf(pathsExclude.length, 'glob')})`);
  return stored;
}

async function storeTree(
  tree: Tree,
  parts: PartStreamer,
): Promise<Pick<TreePacker, 'digest' | 'notes'> & { part: WrittenPart }> {
  const packer = new TreePacker(tree);
  const archive = Readable.from(packer.archive(), { objectMode: false });
  const part = await parts.write(partOfTree(tree.label), archive, Promise.resolve());
  return { digest: packer.digest, notes: packer.notes, part };
}

/** What the manifest, which everybody may read, says of a tree: numbers, and no name but its label. */
export function withoutNames(tree: TreeFacts): ManifestTree {
  const { label, files, folders, links, bytes, changed, vanished, special } = tree;
  const notes = { changed: changed.count, vanished: vanished.count, special: special.count };
  return { label, files, folders, links, bytes, ...notes };
}

function noFile({ label, folder }: Tree): LifeboatError {
  return new LifeboatError(
    `paths: ${label}: there is no file in ${JSON.stringify(folder)}, or paths-exclude leaves out all of them. An empty folder is most often a disk that is not mounted, or a wrong path. If it is right, set allow-empty: true.`,
  );
}
