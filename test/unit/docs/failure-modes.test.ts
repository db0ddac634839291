import { describe, expect, test } from '@jest/globals';
import { codedRows, faultsOfReferences, numbered } from './references.ts';

const expected = [
  ...numbered('P', 15),
  ...numbered('L', 6),
  ...numbered('C', 17),
  ...numbered('R', 12),
  'Z1',
  ...numbered('G', 6),
  ...numbered('S', 14),
  ...numbered('T', 11),
  ...numbered('F', 6),
  ...numbered('K', 6),
  ...numbered('A', 13),
];
const rows = codedRows('docs/failure-modes.md');

test('every failure has exactly one row, in order', () => {
  expect(rows.map(([code]) => code)).toEqual(expected);
});

describe('the row', () => {
  test.each(rows.map((cells) => [cells[0], cells] as const))('%s', (_, cells) => {
    expect(cells.map((cell) => cell.length > 0)).toEqual([true, true, true, true]);
    expect(faultsOfReferences(cells[3] ?? '')).toEqual([]);
  });
});
