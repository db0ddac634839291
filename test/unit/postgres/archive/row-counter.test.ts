import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RowCounter } from '../../../../src/postgres/archive/row-counter.ts';
import { COPY_END, int, type MadeArchive, type MadeTable, makeArchive, SET_VALUE } from './made-archive.ts';

/** Rows by oid of an archive that comes in pieces that end there. */
function count(archive: Buffer, cuts: number[] = []): Record<string, number> {
  const counter = new RowCounter();
  const ends = [...cuts.filter((cut) => cut < archive.length), archive.length].sort((a, b) => a - b);
  for (const [index, end] of ends.entries()) counter.take(archive.subarray(ends[index - 1] ?? 0, end));
  return Object.fromEntries(counter.rows());
}

const row = fc
  .array(
    fc.oneof(
      fc.constantFrom('a', '\\n', '\\\\.', '\t', '\\N', 'é🛟', '0'.repeat(300)),
      fc.string({ unit: 'grapheme' }),
    ),
  )
  .map((parts) => Buffer.from(`${parts.join('').replaceAll('\n', '\\n')}\n`));
const cuts = (max: number) => fc.array(fc.nat(max), { maxLength: 20 });
const table = fc.record({ rows: fc.array(row, { maxLength: 30 }), cuts: cuts(2_000) });
const page = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from([...bytes, 10, 92, 46, 10]));
const archive: fc.Arbitrary<MadeArchive> = fc.record({
  minor: fc.constantFrom(14, 15, 16),
  tables: fc
    .array(table, { maxLength: 6 })
    .map((tables) => tables.map((made, index) => ({ oid: 16_384 + index, ...made }))),
  largeObjects: fc.array(fc.array(page, { maxLength: 4 }), { maxLength: 3 }),
});

function rowsOf({ tables }: MadeArchive): Record<string, number> {
  return Object.fromEntries(tables.map(({ oid, rows }) => [oid, rows.length]));
}

test('counts the rows of every table, however blocks and pieces are cut', () => {
  fc.assert(
    fc.property(archive, cuts(10_000), (made, pieces) => {
      expect(count(makeArchive(made), pieces)).toEqual(rowsOf(made));
    }),
    { numRuns: 400 },
  );
});

test('in pieces of one byte', () => {
  fc.assert(
    fc.property(archive, (made) => {
      const bytes = makeArchive(made);
      expect(count(bytes, [...bytes.keys()])).toEqual(rowsOf(made));
    }),
    { numRuns: 20 },
  );
});

test.each([14, 15, 16])(
  'reads what sets a sequence from a head of version 1.%i, but no statement that is too long',
  (minor) => {
    const bytes = makeArchive({ minor, tables: [], largeObjects: [] });
    for (const size of [1, 7, bytes.length]) {
      const counter = new RowCounter();
      for (let at = 0; at < bytes.length; at += size) counter.take(bytes.subarray(at, at + size));
      const read = counter.sequences().map((set) => Object.values(set).map(String));
      expect(read).toEqual([['s', 'a "name"\n', SET_VALUE]]);
    }
  },
);

const made = (tables: MadeTable[], largeObjects: Buffer[][] = []) => makeArchive({ minor: 14, tables, largeObjects });
const lines = (number: number, text = '') => Array.from({ length: number }, () => Buffer.from(`${text}\n`));

test('rows of a table without columns are empty lines', () => {
  expect(count(made([{ oid: 5, rows: lines(7), cuts: [1, 2, 3, 4, 5, 6, 7] }]))).toEqual({ 5: 7 });
  expect(count(made([{ oid: 5, rows: [], cuts: [] }]))).toEqual({ 5: 0 });
});

test('the line that ends the rows may lie in several blocks, or in one with rows', () => {
  const rows = lines(3, 'abc');
  for (let first = 0; first <= 5; first++) {
    for (let second = first; second <= 5; second++) {
      expect(count(made([{ oid: 5, rows, cuts: [12 + first, 12 + second] }]))).toEqual({ 5: 3 });
    }
  }
});

test('lengths that look like line ends are not rows: 10 bytes, 2,560, 2,570 and more', () => {
  const rows = [10, 2_560, 2_570, 10, 655_360, 657_930, 11].map((length) => Buffer.from(`${'x'.repeat(length - 1)}\n`));
  const ends: number[] = [];
  for (const { length } of rows) ends.push((ends.at(-1) ?? 0) + length);
  const bytes = made([{ oid: 5, rows, cuts: ends }]);
  expect(count(bytes)).toEqual({ 5: 7 });
  expect(count(bytes, [bytes.length - 700_000, bytes.length - 100])).toEqual({ 5: 7 });
});

test('line ends in large objects are not rows', () => {
  const pages = [Buffer.from('\n\n\\.\n\n\n'), Buffer.alloc(2048, 10)];
  expect(count(made([{ oid: 5, rows: lines(2, 'a'), cuts: [] }], [pages, [], pages]))).toEqual({ 5: 2 });
});

test('many tables, and rows beyond a piece', () => {
  const tables = Array.from({ length: 3_000 }, (_, index) => ({
    oid: 20_000 + index,
    rows: lines(index % 5, 'r'),
    cuts: [],
  }));
  const large = { oid: 4_000_000_000, rows: [...lines(1, 'y'.repeat(500_000)), ...lines(10_000, 'short')], cuts: [] };
  const bytes = made([...tables, large]);
  const expected = rowsOf({ minor: 14, tables: [...tables, large], largeObjects: [] });
  const chunks = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, index) => index * 65_536);
  expect(count(bytes)).toEqual(expected);
  expect(count(bytes, chunks)).toEqual(expected);
});

test.each([
  ['that ends in the middle of the rows', (bytes: Buffer) => bytes.subarray(0, -1), /ends in the middle/],
  ['that ends in its head', (bytes: Buffer) => bytes.subarray(0, 100), /ends in the middle/],
  ['of another program', () => Buffer.from('-- PostgreSQL database dump'), /does not begin as an archive does/],
  ['of a later version', (bytes: Buffer) => bytes.fill(17, 6, 7), /version 1\.17.*newer version of Lifeboat/],
  ['that is compressed', (bytes: Buffer) => bytes.fill(6, 12, 13), /compressed/],
  ['with blocks of a kind not known', (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(2)]), /unknown kind 2/],
  ['with data of no table', (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(1), int(3), int(0)]), /entry 3/],
  [
    'with the rows of a table twice',
    (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(1), int(5000), int(5), COPY_END, int(0)]),
    /data twice/,
  ],
  [
    'with rows that are not COPY text',
    (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -5 - COPY_END.length), Buffer.from('done\n'), int(0)]),
    /do not end as COPY/,
  ],
])('refuses an archive %s', (_, change, message) => {
  const bytes = made([{ oid: 5, rows: lines(2, 'a'), cuts: [] }]);
  expect(count(bytes)).toEqual({ 5: 2 });
  expect(() => count(change(Buffer.from(bytes)))).toThrow(message);
});
