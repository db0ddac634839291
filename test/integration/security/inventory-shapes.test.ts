import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LifeboatError } from '../../../src/errors.ts';
import { FormatError, parseChecked, record, text, textLike } from '../../../src/formats/checked.ts';
import { type Inventory, type RestoredState, readInventory } from '../../../src/formats/inventory/inventory.ts';
import { wantedRelations } from '../../../src/formats/inventory/selection.ts';
import { readManifest } from '../../../src/formats/manifest.ts';
import { readRecord } from '../../../src/formats/restore-test/record.ts';
import { setClause } from '../../../src/postgres/restore/roles.ts';
import { lackingOf } from '../../../src/postgres/restore/target.ts';
import { quoteIdentifier, quoteLiteral } from '../../../src/postgres/session/session.ts';
import { compareDatabases } from '../../../src/proof/compare.ts';

const VALUE = { lastValue: '1', isCalled: true };

/** One of everything. */
const WHOLE: Inventory = {
  format: 1,
  id: 'ID',
  name: 'shop',
  parts: [{ name: 'data', plain: 1, sha256: 'a'.repeat(64), sums: ['b'.repeat(64)] }],
  partial: null,
  server: { version: '15.1', versionNumber: 150001, bootstrap: 'postgres', standby: false },
  database: {
    name: 'shop',
    owner: 'app',
    encoding: 'UTF8',
    collate: 'C',
    ctype: 'C',
    provider: 'libc',
    locale: null,
    icuRules: null,
    collationVersion: null,
    tablespace: 'pg_default',
    connectionLimit: -1,
    acl: ['app=CTc/app'],
    comment: 'a shop',
    settings: [{ role: null, settings: ['work_mem=4MB'] }],
  },
  extensions: [{ name: 'plpgsql', version: '1.0', schema: 'pg_catalog', owner: 'postgres' }],
  roles: [
    {
      name: 'app',
      attributes: ['LOGIN'],
      connectionLimit: -1,
      validUntil: 'infinity',
      comment: null,
      memberOf: [{ role: 'staff', grantor: null, admin: false, inherit: null, set: null }],
      settings: ['search_path=app'],
    },
  ],
  tables: [
    {
      schema: 'public',
      name: 'orders',
      persistence: 'permanent',
      partition: false,
      extension: null,
      bytes: 8192,
      rows: '3',
      fingerprint: null,
      dumped: true,
      reason: null,
      userCode: null,
      conditional: false,
    },
  ],
  extensionTables: [{ schema: 'queue', name: 'q', extension: 'pgmq', rows: '3', reason: null }],
  sequences: [{ schema: 'public', name: 'ids', increment: '-1', cycle: false, before: VALUE, after: VALUE }],
  largeObjects: { count: '1', bytes: '5', definitions: '-7', fingerprint: null, dumped: true },
  materializedViews: [{ schema: 'public', name: 'sums', populated: true, rows: '3' }],
  objects: [
    {
      type: 'table',
      identity: 'public.orders',
      owner: 'app',
      acl: null,
      comment: null,
      securityLabels: [],
      flags: { parents: '["public.all_orders"]', cost: 1, strict: true },
    },
    {
      type: 'policy',
      identity: 'mine on public.orders',
      owner: null,
      acl: null,
      comment: null,
      securityLabels: ['p: l'],
      flags: { roles: '["app"]' },
    },
  ],
  files: [],
  notRecorded: ['Nothing.'],
};

const read = (inventory: unknown) =>
  readInventory(Buffer.from(JSON.stringify(inventory)), { id: WHOLE.id, name: WHOLE.name });

/** The paths of every value in it, itself not among them. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const below = Object.entries(value).flatMap(([name, item]) => pathsOf(item, [...path, name]));
  return path.length === 0 ? below : [path, ...below];
}

function changed(path: string[], to: unknown): unknown {
  const copy = structuredClone(WHOLE) as unknown as Record<string, unknown>;
  const last = path.at(-1) ?? '';
  const holder = path.slice(0, -1).reduce((at, name) => at[name] as Record<string, unknown>, copy);
  if (to === undefined) delete holder[last];
  else holder[last] = to;
  return copy;
}

const PATHS = pathsOf(WHOLE);
const at = (path: string[]) => path.reduce((value: unknown, name) => (value as Record<string, unknown>)[name], WHOLE);

test('a whole one is read as it was written', () => {
  expect(read(WHOLE)).toEqual(WHOLE);
});

test('one from before file trees is read', () => {
  expect(read(changed(['files'], undefined))).toEqual({ ...WHOLE, files: [] });
});

test('any value that is text may hold no NUL and no half of a character', () => {
  const texts = PATHS.filter((path) => typeof at(path) === 'string');
  expect(texts.length).toBeGreaterThan(40);
  for (const path of texts) {
    for (const bad of ['\0', 'x\0', '\ud800', 'a\udc00b']) {
      expect(() => read(changed(path, bad))).toThrow(
        /The inventory of backup ID cannot be used: .* must be|it belongs/,
      );
    }
  }
  expect(() => read(changed(['objects', '0', 'flags'], { 'a\0': 1 }))).toThrow(/a name in objects\[0\]\.flags must be/);
});

test('any value of another shape is refused in words, or harmless', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PATHS), fc.jsonValue({ maxDepth: 3 }), (path, value) => {
      let inventory: Inventory;
      try {
        inventory = read(changed(path, value));
      } catch (error) {
        expect(error).toBeInstanceOf(LifeboatError);
        return;
      }
      use(inventory);
    }),
    { numRuns: 700 },
  );
});

test('any text, of the kind that a format of its own is expected in, is refused in words, or harmless', () => {
  const texts = PATHS.filter((path) => typeof at(path) === 'string' && path.length > 1);
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom('[', '{}', '["a', '[1]', '[null]', '-', '1e9', '=', '"=/', '"".""', 'NaN', '__proto__', '\\', "'"),
  );
  fc.assert(
    fc.property(fc.constantFrom(...texts), hostile, (path, value) => {
      let inventory: Inventory;
      try {
        inventory = read(changed(path, value));
      } catch (error) {
        expect(error).toBeInstanceOf(LifeboatError);
        return;
      }
      use(inventory);
    }),
    { numRuns: 700 },
  );
});

/** What is done with an inventory that was read: none of it may fail but in words. */
function use(inventory: Inventory): void {
  const restored: RestoredState = structuredClone({
    ...WHOLE,
    tables: WHOLE.tables.map((table) => ({ ...table, conditionRows: null })),
    sequences: WHOLE.sequences.map(({ schema, name, after }) => ({ schema, name, current: after })),
  });
  compareDatabases(inventory, restored, {
    lacking: [],
    acceptedMissingRows: [],
    existingRoles: [],
    partial: null,
    leftOut: false,
  });
  lackingOf({ roles: new Set(), extensions: new Set(), versionNumber: 150000 }, inventory);
  try {
    wantedRelations(inventory, { tables: [{ schema: null, name: 'orders' }], schemas: ['public'] });
  } catch (error) {
    expect(error).toBeInstanceOf(LifeboatError);
  }
  for (const setting of inventory.database.settings.flatMap(({ settings }) => settings)) setClause(setting);
  for (const { name, validUntil } of inventory.roles) {
    expect(quoteIdentifier(name) + quoteLiteral(validUntil ?? '')).not.toMatch(/[\0\\]/);
  }
}

test.each([
  ['nested too deeply', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
  ['a list', '[]'],
  ['null', 'null'],
  ['a number', '1'],
  ['nothing', ''],
  ['bytes that are no text', '\ufffd'],
])('%s is no inventory', (_, json) => {
  const reading = () => readInventory(Buffer.from(json), { id: 'ID', name: 'shop' });
  expect(reading).toThrow(LifeboatError);
});

test('manifests and records refuse NUL too', () => {
  const manifest = Buffer.from(JSON.stringify({ format: 1, id: 'x\0' }));
  expect(() => readManifest(manifest, 'key', { set: 'shop', id: 'x' })).toThrow(/NUL/);
  expect(() => readRecord(Buffer.from(JSON.stringify({ format: 1, id: 'x\0' })))).toThrow(/NUL/);
});

test('checked text', () => {
  const check = (value: unknown) => parseChecked(Buffer.from(JSON.stringify(value)), record(text));
  expect(check({ a: 'ü🛟' })).toEqual({ a: 'ü🛟' });
  expect(() => check({ a: '\0' })).toThrow(FormatError);
  expect(() => textLike(/./, 'x')('a\0', 'path')).toThrow(FormatError);
  expect(Object.getPrototypeOf(check(JSON.parse('{"__proto__": "x"}')))).toBe(Object.prototype);
});
