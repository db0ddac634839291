import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from '@jest/globals';

/* The arrows of ARCHITECTURE.md: which folder of src/ may import which. */
const SOURCES = join(import.meta.dirname, '..', '..', '..', 'src');

const MAY_IMPORT: Record<string, string[]> = {
  app: ['commands', 'repository', 'formats', 'inputs', 'notify', 'report', 'store', 'process', 'postgres'],
  cli: ['app', 'commands', 'inputs', 'report'],
  commands: [
    ...['repository', 'proof', 'postgres', 'files', 'store'],
    ...['openpgp', 'compression', 'process', 'inputs', 'formats', 'report', 'notify'],
  ],
  notify: ['report', 'formats'],
  report: ['formats'],
  repository: ['store', 'openpgp', 'compression', 'process', 'formats'],
  proof: ['formats'],
  postgres: ['process', 'formats'],
  files: ['formats'],
  store: ['process', 'formats'],
  openpgp: ['formats'],
  compression: [],
  process: ['formats'],
  inputs: ['store', 'openpgp', 'postgres', 'notify', 'formats'],
  formats: [],
};

/** Beside the folders, and of use to all of them. */
const TO_ALL = ['errors.ts', 'leftovers.ts', 'loopback.ts', 'text.ts', 'units.ts', 'version.ts'];

/** The files that a file imports, by their paths in src/; types too, and what is imported only when it is needed. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(SOURCES, file), 'utf8');
  const paths = text.matchAll(/(?:from |import |import\()'(\.[^']+)'/g);
  return [...paths].map(([, path = '']) => relative(SOURCES, join(SOURCES, dirname(file), path)));
}

/** A file and all that it imports, directly or not. */
function reachableFrom(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const imported of importsOf(file)) reachableFrom(imported, found);
  return found;
}

/** By the folder that imports: the folders of the files that it imports, without its own. */
function imports(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const file of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || !file.includes('/')) continue;
    const folder = file.slice(0, file.indexOf('/'));
    for (const target of importsOf(file)) {
      const to = target.includes('/') ? target.slice(0, target.indexOf('/')) : target;
      if (to !== folder) found.set(folder, (found.get(folder) ?? new Set()).add(to));
    }
  }
  return found;
}

test('folders import only what the picture allows', () => {
  const arrows = [...imports()].flatMap(([from, targets]) => [...targets].map((to) => ({ from, to })));
  expect(arrows.length).toBeGreaterThan(20);
  const forbidden = arrows.filter(({ from, to }) => !TO_ALL.includes(to) && !MAY_IMPORT[from]?.includes(to));
  expect(forbidden).toEqual([]);
});

test('the post step imports no command, and nothing that does', () => {
  const reachable = [...reachableFrom('post.ts')];
  expect(reachable).toEqual(expect.arrayContaining(['app/clean-up.ts', 'store/open.ts']));
  const runsCommands = /^(commands\/|app\/run-command\.ts$|main\.ts$|cli\/)/;
  expect(reachable.filter((file) => runsCommands.test(file))).toEqual([]);
});
