import { realpathSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { LifeboatError } from '../../errors.ts';
import { LABEL } from '../../formats/names.ts';
import type { StoreLocation } from '../../store/location.ts';
import { parseLines, quote } from '../../text.ts';

/** A file tree that is backed up with the database. */
export interface FileTreeSettings {
  label: string;
  /** Its folder, absolute. */
  folder: string;
}

/** File trees, `label=path` a line. Each folder must be there before anything is dumped. */
export function parsePaths(text: string): FileTreeSettings[] {
  const trees = parseLines(text, parsePath);
  const twice = trees.find(({ label }, index) => trees.findIndex((other) => other.label === label) < index);
  if (twice === undefined) return trees;
  throw new LifeboatError(`the label ${quote(twice.label)} stands twice. Give each folder a label of its own.`);
}

function parsePath(line: string): FileTreeSettings {
  const [, label = '', path = ''] = /^([^=]*?)\s*=\s*(.*)$/.exec(line) ?? [];
  if (path === '') {
    throw new LifeboatError(`${quote(line)} names no folder. Write label=path, such as uploads=/srv/shop/uploads.`);
  }
  if (!LABEL.test(label)) {
    throw new LifeboatError(
      `${quote(label)} is no label. Write 1 to 32 small letters, digits, hyphens or underscores, such as uploads=${path}.`,
    );
  }
  const folder = resolve(path);
  if (!(statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false)) {
    throw new LifeboatError(
      `${label}: ${quote(path)} is no folder on this machine. Write the path of one; what is relative starts in the workspace.`,
    );
  }
  return { label, folder };
}

/** Globs of what is left out of file trees, one a line. */
export function parseGlobs(text: string): string[] {
  return parseLines(text, (line) => {
    if (line.startsWith('!')) {
      throw new LifeboatError(
        `${quote(line)}: what is left out cannot be brought back by !. Write what to leave out only.`,
      );
    }
    if (line.startsWith('/') || line.startsWith('./')) {
      throw new LifeboatError(
        `${quote(line)} would fit nothing: paths start in the tree. Write ${quote(line.replace(/^\.?\/+/, ''))}.`,
      );
    }
    return line.replace(/\/+$/, '');
  });
}

export function excludeWhat(
  trees: FileTreeSettings[] | undefined,
  globs: string[] | undefined,
): { input: 'paths-exclude'; problem: string } | null {
  if (trees === undefined || trees.length > 0 || globs === undefined || globs.length === 0) return null;
  return {
    input: 'paths-exclude',
    problem: 'there is nothing to leave out of. Name the folders in paths, or remove it.',
  };
}

/** A store in a tree that it backs up: every backup would hold all those before it. */
export function treeThatHoldsStore(
  trees: FileTreeSettings[] | undefined,
  stores: StoreLocation[] | undefined,
): { input: 'paths'; problem: string } | null {
  for (const { label, folder } of trees ?? []) {
    const tree = realpathSync(folder);
    for (const store of stores ?? []) {
      if (store.kind !== 'file' || /^\.\.(\/|$)/.test(relative(tree, realPath(store.path)))) continue;
      return {
        input: 'paths',
        problem: `${label}: the store ${quote(store.path)} lies in it, so that every backup would hold those before it. Move the store, or name the folders beside it.`,
      };
    }
  }
  return null;
}

/** Without links, as far as it is there. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
