import { describe, expect, test } from '@jest/globals';
import { codedRows, faultsOfReferences, numbered } from './references.ts';

/** The lines of the five set-ups that docs/coverage.md restates. */
const expected = [
  ...numbered('A', 7),
  ...numbered('B', 5),
  ...numbered('C', 9),
  ...numbered('D', 6),
  ...numbered('E', 5),
];
const rows = codedRows('docs/coverage.md');

test('every line has exactly one row, in order', () => {
  expect(rows.map(([code]) => code)).toEqual(expected);
});

describe('the row', () => {
  test.each(rows.map((cells) => [cells[0], cells] as const))('%s', (_, cells) => {
    const [, does = '', command = '', page = '', shownBy = ''] = cells;
    expect(cells.length).toBe(5);
    expect(does.length > 0 && command.length > 0).toBe(true);
    // What has no page yet is not there yet.
    expect(page !== '' || shownBy.startsWith('not in this version')).toBe(true);
    expect(faultsOfReferences(shownBy)).toEqual([]);
  });
});
