import { expect, test } from '@jest/globals';
import type { ExtensionTableFacts, Inventory, RestoredState } from '../../../src/formats/inventory/inventory.ts';
import { compareExtensionTables } from '../../../src/proof/extension-tables.ts';

const table = (rows: string | null, reason: string | null = null): ExtensionTableFacts => ({
  schema: 'queue',
  name: 'orders',
  extension: 'pgmq',
  rows,
  reason,
});

interface Side {
  tables: ExtensionTableFacts[];
  /** Of the extension; null: it is missing. */
  version?: string | null;
}

function compare(source: Side, restored: Side, accepted: string | null = null) {
  const state = ({ tables, version = '1.0' }: Side) => ({
    extensionTables: tables,
    extensions: version === null ? [] : [{ name: 'pgmq', version, schema: 'pgmq', owner: 'postgres' }],
  });
  const acceptedMissingRows = accepted === null ? [] : [{ reason: accepted, matches: () => true }];
  const { findings, verified, notVerified } = compareExtensionTables(
    state(source) as Inventory,
    state(restored) as RestoredState,
    { acceptedMissingRows },
  );
  return { severities: findings.map(({ severity }) => severity), verified: verified.length, notVerified };
}

test.each<[string, Side, Side, string[], number]>([
  ['verifies equal numbers', { tables: [table('2')] }, { tables: [table('2')] }, [], 1],
  ['fails when rows are missing', { tables: [table('9')] }, { tables: [table('0')] }, ['failed'], 0],
  ['fails when there are more', { tables: [table('1')] }, { tables: [table('2')] }, ['failed'], 0],
  ['fails when the table is missing', { tables: [table('0')] }, { tables: [] }, ['failed'], 0],
  [
    'cannot verify against another version',
    { tables: [table('9')] },
    { tables: [table('8')], version: '1.1' },
    ['could-not-verify'],
    0,
  ],
  ['leaves a missing extension to its own finding', { tables: [table('9')] }, { tables: [], version: null }, [], 0],
])('%s', (_, source, restored, severities, verified) => {
  expect(compare(source, restored)).toMatchObject({ severities, verified, notVerified: [] });
});

test('lists a table that was not counted, with the reason', () => {
  const { severities, notVerified } = compare(
    { tables: [table(null, 'another session has locked it')] },
    { tables: [] },
  );
  expect(severities).toEqual([]);
  expect(notVerified).toEqual([
    expect.stringMatching(/^Rows of table queue\.orders: .* another session has locked it\.$/),
  ]);
});

test.each([['0'], [null]])('accepts a difference with its reason: %s rows after the restore', (rows) => {
  const restored = { tables: rows === null ? [] : [table(rows)] };
  const { severities, notVerified } = compare({ tables: [table('9')] }, restored, 'filled again');
  expect(severities).toEqual([]);
  expect(notVerified).toEqual([
    expect.stringMatching(/^Rows of table queue\.orders: 9 rows in the source.*Accepted: filled again$/),
  ]);
});
