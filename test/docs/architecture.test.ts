import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from '@jest/globals';

/* The arrows of ARCHITECTURE.md: which folder of src/ may import which. */
const SOURCES = join(import.meta.dirname, '..', '..', 'src');

const MAY_IMPORT: Record<string, string[]> = {
  catalog: [],
  proof: ['catalog'],
  inputs: ['catalog'],
  report: ['catalog'],
  files: ['catalog'],
  store: ['catalog', 'inputs', 'stream'],
  stream: ['catalog', 'inputs'],
  postgres: ['catalog', 'inputs', 'stream'],
  cli: ['inputs', 'report'],
  commands: ['catalog', 'proof', 'inputs', 'report', 'files', 'store', 'stream', 'postgres'],
};

/** Beside the folders, and of use to all of them. */
const TO_ALL = ['errors.ts', 'leftovers.ts', 'units.ts', 'version.ts'];

/** By the folder that imports: the folders of the files that it imports, without its own. */
function imports(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const file of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || !file.includes('/')) continue;
    const folder = file.slice(0, file.indexOf('/'));
    const text = readFileSync(join(SOURCES, file), 'utf8');
    for (const [, path = ''] of text.matchAll(/(?:from |import\()'(\.[^']+)'/g)) {
      const target = relative(SOURCES, join(SOURCES, dirname(file), path));
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
