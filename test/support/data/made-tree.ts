import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { TreePacker } from '../../../src/files/pack.ts';
import type { Tree, TreeStep } from '../../../src/files/walk.ts';
import { runFolder } from '../servers/run.ts';

/** What a tree is made of: text is a file, `null` an empty folder, a link has a target. */
export type Made = Record<string, string | null | { to: string }>;

/** A new folder below the test run's. */
export function newFolder(): string {
  return mkdtempSync(join(runFolder(), 'tree-'));
}

export function makeTree(made: Made): string {
  const folder = newFolder();
  for (const [path, what] of Object.entries(made)) {
    const full = join(folder, path);
    mkdirSync(what === null ? full : dirname(full), { recursive: true });
    if (typeof what === 'string') writeFileSync(full, what);
    else if (what !== null) symlinkSync(what.to, full);
  }
  return folder;
}

export function treeOf(folder: string, isExcluded: Tree['isExcluded'] = () => false): Tree {
  return { label: 'uploads', folder, isExcluded };
}

export interface Packed {
  archive: Buffer;
  packer: TreePacker;
}

/** The whole archive. */
export async function pack(
  tree: Tree,
  at: (step: TreeStep, path: string) => Promise<void> = async () => {},
): Promise<Packed> {
  const packer = new TreePacker(tree, at);
  return { archive: await buffer(packer.archive()), packer };
}
