import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  circles,
  crowdedFolders,
  FLOORS,
  floorOf,
  foldersWithoutReadme,
  type ImportGraph,
  picture,
  readImports,
  upwardImports,
} from '../../../scripts/docs/architecture.ts';

/* The layout: imports run down only, between folders and files, no circle is closed, and each folder has a README. */
const SOURCES = join(import.meta.dirname, '..', '..', '..', 'src');
const graph = readImports(SOURCES);

/** The first two folders of a file: `store/s3`. Files of a folder itself are their own. */
function folderInFolder(file: string): string {
  const parts = file.split('/');
  return parts.length > 2 ? parts.slice(0, 2).join('/') : file;
}

/** A file and everything that it imports, directly or not. */
function reachableFrom(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const imported of graph.get(file) ?? []) reachableFrom(imported, found);
  return found;
}

/** The graph of src/ with one import more. */
function withImport(from: string, to: string): ImportGraph {
  return new Map([...graph, [from, [...(graph.get(from) ?? []), to]]]);
}

test('every folder and every file of src/ has its floor', () => {
  expect(graph.size).toBeGreaterThan(300);
  expect(new Set([...graph.keys()].map(floorOf))).toEqual(new Set(FLOORS));
});

test('imports run down only', () => {
  expect(upwardImports(graph)).toEqual([]);
});

test('no circle is closed between files', () => {
  expect(circles(graph)).toEqual([]);
});

test('no circle is closed between the folders in a folder', () => {
  expect(circles(graph, folderInFolder)).toEqual([]);
});

test('every folder opens with a README', () => {
  expect(foldersWithoutReadme(SOURCES)).toEqual([]);
});

test('no folder but src/ itself has more than 14 entries', () => {
  expect(crowdedFolders(SOURCES)).toEqual([]);
});

describe('the checks find what is planted', () => {
  test('a folder with 15 entries, in a folder too; a README does not count', () => {
    const sources = mkdtempSync(join(tmpdir(), 'lifeboat-sources-'));
    for (const folder of ['full', 'full/crowded']) mkdirSync(join(sources, folder));
    for (let n = 1; n <= 13; n++) writeFileSync(join(sources, 'full', `${n}.ts`), '');
    for (let n = 1; n <= 15; n++) writeFileSync(join(sources, 'full', 'crowded', `${n}.ts`), '');
    writeFileSync(join(sources, 'full', 'README.md'), '');
    const found = crowdedFolders(sources);
    rmSync(sources, { recursive: true });
    expect(found).toEqual(['full/crowded']);
  });

  test('a folder without a README, in a folder too, and a README that says nothing', () => {
    const sources = mkdtempSync(join(tmpdir(), 'lifeboat-sources-'));
    for (const folder of ['good', 'good/without', 'empty']) mkdirSync(join(sources, folder));
    writeFileSync(join(sources, 'good', 'README.md'), '# good\n\nFiles.\n\nIt may import nothing.\n\nAdd a file.\n');
    writeFileSync(join(sources, 'empty', 'README.md'), '# empty\n');
    const found = foldersWithoutReadme(sources);
    rmSync(sources, { recursive: true });
    expect(found).toEqual(['empty', 'good/without']);
  });

  test('an import that runs up', () => {
    const planted = withImport('formats/names.ts', 'store/store.ts');
    expect(upwardImports(planted)).toEqual(['formats/names.ts -> store/store.ts']);
  });

  test('an import of a file of src/ itself that runs up', () => {
    const planted = withImport('errors.ts', 'units.ts');
    expect(upwardImports(planted)).toEqual(['errors.ts -> units.ts']);
  });

  test('a circle between files of one folder', () => {
    const [target = ''] = (graph.get('store/s3/store.ts') ?? []).filter((file) => file.startsWith('store/s3/'));
    const found = circles(withImport(target, 'store/s3/store.ts'));
    expect(found.flat()).toEqual(expect.arrayContaining(['store/s3/store.ts', target]));
  });

  test('a circle between two folders in a folder', () => {
    const planted = withImport('postgres/session/statement.ts', 'postgres/dump/globals.ts');
    expect(circles(planted, folderInFolder).flat()).toEqual(
      expect.arrayContaining(['postgres/session', 'postgres/dump']),
    );
  });
});

test('the post step imports no command, and nothing that does', () => {
  const reachable = [...reachableFrom('post.ts')];
  expect(reachable).toEqual(expect.arrayContaining(['app/clean-up.ts', 'store/open.ts']));
  const runsCommands = /^(commands\/|app\/run-command\.ts$|main\.ts$|cli\/)/;
  expect(reachable.filter((file) => runsCommands.test(file))).toEqual([]);
});

test('the picture leaves out what longer paths imply', () => {
  const small: ImportGraph = new Map([
    ['cli/main.ts', ['app/notify.ts', 'formats/names.ts']],
    ['app/notify.ts', ['formats/names.ts']],
  ]);
  expect(picture(small)).toBe('```mermaid\nflowchart TD\n    cli --> app\n    app --> formats\n```');
});
