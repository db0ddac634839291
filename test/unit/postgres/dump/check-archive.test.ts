import { expect, test } from '@jest/globals';
import { checkArchive, tableFacts } from '../../../../src/postgres/dump/check-archive.ts';
import type { TableCount } from '../../../../src/postgres/inventory/rows/count-tables.ts';
import type { Table } from '../../../../src/postgres/snapshot/tables.ts';

const table = (oid: number, facts: Partial<Table> = {}): Table => ({
  oid,
  schema: 's',
  name: `t${oid}`,
  kind: 'r',
  persistence: 'permanent',
  partition: false,
  extension: null,
  condition: null,
  fileSeen: 1,
  fileNow: 1,
  ...facts,
});

interface Case {
  table: Table;
  /** By a query; null: none was allowed. */
  counted: string | null;
  /** In the stream; null: the archive has no data of it. */
  written: number | null;
  /** Something of it would run a user's code. */
  code?: string;
  withoutRows?: boolean;
}

function given({ table: one, counted, written, code, withoutRows = false }: Case) {
  const count: TableCount = { rows: counted, fingerprint: null, reason: null };
  return {
    counted: {
      selection: { tables: [one], withoutRows: new Set(withoutRows ? [one.oid] : []) },
      counts: new Map([[one.oid, count]]),
      userCode: new Map(code === undefined ? [] : [[one.oid, code]]),
    },
    archive: {
      definitions: new Set([one.oid]),
      data: new Set(written === null ? [] : [one.oid]),
      largeObjects: false,
      rows: new Map(written === null ? [] : [[one.oid, written]]),
    },
  };
}

const check = (one: Case) => {
  const { counted, archive } = given(one);
  checkArchive(counted, archive);
  return tableFacts(counted, new Map(), archive)[0];
};

test.each<[string, Case, { rows: string | null; dumped: boolean }]>([
  ['both counts are equal', { table: table(1), counted: '5', written: 5 }, { rows: '5', dumped: true }],
  ['no query may count it', { table: table(1), counted: null, written: 7, code: 'f' }, { rows: '7', dumped: true }],
  [
    'an extension dumps only some of its rows',
    { table: table(1, { extension: 'e', condition: 'where own' }), counted: null, written: 2 },
    { rows: '2', dumped: true },
  ],
  [
    'an extension dumps only some of its rows, and no query may count them',
    { table: table(1, { extension: 'e', condition: 'where own' }), counted: null, written: 2, code: 'f' },
    { rows: '2', dumped: true },
  ],
  ['it is left out', { table: table(1), counted: '5', written: null, withoutRows: true }, { rows: '5', dumped: false }],
  [
    'it is left out, and no query may count it',
    { table: table(1), counted: null, written: null, withoutRows: true, code: 'f' },
    { rows: null, dumped: false },
  ],
  [
    'it is unlogged, on a standby',
    { table: table(1, { persistence: 'unlogged' }), counted: null, written: null, code: 'f' },
    { rows: null, dumped: false },
  ],
])('is good when %s', (_, one, facts) => {
  expect(check(one)).toMatchObject({ ...facts, userCode: one.code ?? null });
});

test.each<[string, Case, RegExp]>([
  [
    'fewer rows',
    { table: table(1), counted: '5', written: 4 },
    /"s"\."t1" has 5 rows by count\(\*\), but pg_dump wrote 4/,
  ],
  [
    'more rows',
    { table: table(1), counted: '0', written: 1 },
    /"s"\."t1" has 0 rows by count\(\*\), but pg_dump wrote 1/,
  ],
  ['no data', { table: table(1), counted: '5', written: null }, /"s"\."t1" has 5 rows, but .* no data for it/],
  [
    'no data of a table that no query may count',
    { table: table(1), counted: null, written: null, code: 'f' },
    /"s"\."t1" has uncounted rows, but .* no data for it/,
  ],
])('refuses an archive with %s', (_, one, message) => {
  expect(() => check(one)).toThrow(message);
});

test('refuses an archive whose table of contents names rows that do not follow', () => {
  const { counted, archive } = given({ table: table(1), counted: '0', written: 0 });
  expect(() => checkArchive(counted, { ...archive, rows: new Map() })).toThrow(/its rows do not follow/);
});

test('refuses an archive with rows of a table that was not locked', () => {
  const { counted, archive } = given({ table: table(1), counted: '5', written: 5 });
  expect(() => checkArchive(counted, { ...archive, data: new Set([1, 2]) })).toThrow(/oid 2.* not locked and counted/);
});
