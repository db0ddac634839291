import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '..', '..', '..');

/** A file below test/ and, in quotes, a part of the name of a test in it. */
const REFERENCE = /`(test\/[\w/.-]+\.ts)` › "([^"]+)"/g;
const REASON = /(?:not in this version|does not apply): \w/;

/** The cells of every row of a page's tables whose first cell is a code, such as `P4` or `A1`. */
export function codedRows(page: string): string[][] {
  return tableRows(page).filter(([first = '']) => /^[A-Z]\d+$/.test(first));
}

/** The cells of every row of a page's tables, their heads too. */
export function tableRows(page: string): string[][] {
  return readFileSync(join(REPOSITORY, page), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** `P1`, `P2`, … */
export function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
}

/**
 * What is wrong with a cell that names tests: a test that is not there, a reference of another form, or neither a test
 * nor the reason why there is none.
 */
export function faultsOfReferences(cell: string): string[] {
  const references = [...cell.matchAll(REFERENCE)].map(([, path = '', name = '']) => ({ path, name }));
  const missing = references.filter(({ path, name }) => !isInTest(path, name));
  return [
    ...missing.map(({ path, name }) => `no test "${name}" in ${path}`),
    // What is no reference in this form would not be looked at.
    ...(references.length === cell.split('`test/').length - 1 ? [] : ['a reference of another form']),
    ...(references.length > 0 || REASON.test(cell) ? [] : ['neither a test nor a reason']),
  ];
}

function isInTest(path: string, name: string): boolean {
  const file = join(REPOSITORY, path);
  return existsSync(file) && readFileSync(file, 'utf8').includes(name);
}
