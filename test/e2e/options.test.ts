import { readdirSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Inventory } from '../../src/formats/inventory/inventory.ts';
import type { PartName } from '../../src/formats/names.ts';
import { newGnupgHome, readByHand } from '../support/action/gnupg.ts';
import type { ActionResult } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { createSampleDatabase } from '../support/action/sample-database.ts';
import {
  newStoreFolder,
  pathOf,
  readBackup,
  type StoredBackup,
  type StoreFolder,
} from '../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';

const DATABASE = 'options';
/** pg_restore reads the head only, and zstd must not fail for that. */
const LIST = '(pg_restore -l; cat > /dev/null)';

let server: PostgresServer;
let store: StoreFolder;

beforeAll(async () => {
  server = await sharedPostgres();
  await createSampleDatabase(server, DATABASE);
});

beforeEach(() => {
  store = newStoreFolder();
});

const backUp = (inputs: Record<string, string> = {}, database = DATABASE) =>
  runBackup({ ...backupInputs(server, database, store), ...inputs });

function backupOf(result: ActionResult, set = DATABASE): StoredBackup {
  expect(errorsOf(result)).toEqual([]);
  return readBackup(store, set, result.outputs.id ?? '');
}

const read = (backup: StoredBackup, part: PartName, into?: string) =>
  readByHand(pathOf(backup, part), { home: newGnupgHome(), passphrase: PASSPHRASE, ...(into ? { into } : {}) });

const inventoryOf = async (backup: StoredBackup) => JSON.parse(await read(backup, 'inventory')) as Inventory;

describe('dry-run', () => {
  const tables = 20;

  test('says what would be done, and does nothing', async () => {
    const first = await backUp();
    const before = readdirSync(`${store.path}/${DATABASE}`);
    const plan = await backUp({ 'dry-run': 'true' });
    expect(plan.exitCode).toBe(0);
    expect(errorsOf(plan)).toEqual([]);
    expect(readdirSync(`${store.path}/${DATABASE}`)).toEqual(before);
    expect(plan.outputs).toEqual({ tables: String(tables), 'database-size': expect.stringMatching(/^\d+$/) });
    for (const fact of [
      /\[dry-run\] would dump database "options" \([\d.]+ MB, PostgreSQL .*, 20 tables, with pg_dump \d+/,
      /\[dry-run\] would encrypt with the passphrase/,
      /\[dry-run\] would not sign the manifest/,
      new RegExp(
        `\\[dry-run\\] would write set options to ${store.url}; the newest backup there is ${first.outputs.id}`,
      ),
    ]) {
      expect(plan.log).toMatch(fact);
    }
    expect(plan.summary).toMatch(/^## Dry run: nothing was changed/);
  });

  test('makes no folder, either', async () => {
    const missing = `${store.path}/not/yet`;
    const plan = await backUp({ 'dry-run': 'true', store: `file://${missing}` });
    expect(plan.exitCode).toBe(0);
    expect(readdirSync(store.path)).toEqual([]);
    expect(plan.log).toMatch(/no backup seen/);
  });

  test('is red when the database cannot be reached', async () => {
    const plan = await backUp({ 'dry-run': 'true', 'database-url': server.url('nowhere') });
    expect(plan.exitCode).toBe(1);
    expect(errorsOf(plan).length).toBe(1);
  });
});

describe('allow-empty', () => {
  beforeAll(() => server.createDatabase('no_tables'));

  test('P5: without it a database without tables is an error that names the way out', async () => {
    const result = await backUp({}, 'no_tables');
    expect(result).toMatchObject({ exitCode: 1, outputs: {} });
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/"no_tables" has no tables.*allow-empty: true/) }),
    ]);
    expect(readdirSync(store.path)).toEqual([]);
  });

  test('with it the backup has no rows, and can be restored', async () => {
    const result = await backUp({ 'allow-empty': 'true' }, 'no_tables');
    expect(result).toMatchObject({ exitCode: 0, outputs: { tables: '0', rows: '0' } });
    expect(await read(backupOf(result, 'no_tables'), 'data', LIST)).toMatch(/dbname: no_tables/);
  });
});

describe('name', () => {
  test('is the folder of the set, and needs not be the database', async () => {
    const { manifest } = backupOf(await backUp({ name: 'shop-production' }), 'shop-production');
    expect(manifest).toMatchObject({ name: 'shop-production', database: DATABASE });
    expect(readdirSync(store.path)).toEqual(['shop-production']);
  });
});

describe('allow-new-source', () => {
  beforeAll(async () => {
    await server.createDatabase('another');
    await server.psql('another', 'create table t as select 1');
  });

  test('another database under the same name is refused, with both ways out, before anything is dumped', async () => {
    const first = backupOf(await backUp({ name: 'shop' }), 'shop');
    const refused = await backUp({ name: 'shop' }, 'another');
    expect(refused).toMatchObject({ exitCode: 1, outputs: {} });
    const message = expect.stringMatching(
      new RegExp(`^Set "shop" in ${store.url}.*${first.manifest.id}.* a name of its own.*allow-new-source: true`),
    );
    expect(errorsOf(refused)).toEqual([expect.objectContaining({ message })]);
    expect(readdirSync(`${store.path}/shop`)).toEqual([first.manifest.id]);

    const plan = await backUp({ name: 'shop', 'dry-run': 'true' }, 'another');
    expect(plan.log).toMatch(/would fail to write to .*another database/);

    const allowed = backupOf(await backUp({ name: 'shop', 'allow-new-source': 'true' }, 'another'), 'shop');
    expect(allowed.manifest.source).not.toBe(first.manifest.source);
    expect(allowed.manifest.previous?.id).toBe(first.manifest.id);
    // From now on this is the set's database, and the former one is the stranger.
    expect(await backUp({ name: 'shop' }, 'another')).toMatchObject({ exitCode: 0 });
    expect(await backUp({ name: 'shop' })).toMatchObject({ exitCode: 1 });
  });
});

describe('dump-args', () => {
  test('only what was chosen is there; the backup is partial and says so', async () => {
    const args = ['--table=public.customers', '--table=public.orders*', '--exclude-table-data=public.orders_2025'];
    const result = await backUp({ 'dump-args': args.join('\n') });
    const backup = backupOf(result);
    expect(backup.manifest.partial).toEqual(args);
    const listing = await read(backup, 'data', LIST);
    const entries = (what: string) =>
      new Set(
        [...listing.matchAll(new RegExp(`; \\d+ \\d+ ${what} public (\\S+) postgres$`, 'gm'))].map(([, name]) => name),
      );
    expect(entries('TABLE')).toEqual(new Set(['customers', 'orders', 'orders_2025', 'orders_2026']));
    expect(entries('TABLE DATA')).toEqual(new Set(['customers', 'orders_2026']));

    const inventory = await inventoryOf(backup);
    expect(inventory.tables.map(({ name, rows, dumped }) => ({ name, rows, dumped }))).toEqual([
      { name: 'customers', rows: '3000', dumped: true },
      { name: 'orders_2025', rows: '2000', dumped: false },
      { name: 'orders_2026', rows: '4000', dumped: true },
    ]);
    for (const list of [backup.manifest.notIncluded.join('\n'), result.summary.replace(/&#95;/g, '_')]) {
      expect(list).toMatch(/Rows of table public\.orders_2025.*/);
      expect(list).not.toMatch(/Rows of table public\.orders_2026/);
      expect(list).toMatch(/2 large objects/);
    }
    // The rows of a backup are those that it holds.
    expect(result.outputs).toMatchObject({ tables: '3', rows: '7000' });
  });

  test.each([
    '--table=public.custoners',
    '--exclude-table=public.custoners',
    '--exclude-schema=pulbic',
    '--exclude-table-data=public.custoners',
  ])('P5: a pattern that fits nothing is an error: %s', async (pattern) => {
    const result = await backUp({ 'dump-args': pattern });
    expect(result).toMatchObject({ exitCode: 1, outputs: {} });
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/no matching (tables|schemas).*dump-args/s) }),
    ]);
    expect(readdirSync(store.path)).toEqual([]);
  });

  test('patterns are passed on as they are, whatever the names', async () => {
    const result = await backUp({
      'dump-args': `--table="<img src=x onerror=alert(1)>"\n--table="; drop table customers; --"`,
    });
    const names = (await inventoryOf(backupOf(result))).tables.map(({ name }) => name);
    expect(names).toEqual(['; drop table customers; --', '<img src=x onerror=alert(1)>']);
    expect(result.summary).not.toMatch(/<img/);
  });
});

describe('globals', () => {
  test('false: no such part, and it is said', async () => {
    const result = await backUp({ globals: 'false' });
    const { manifest, files } = backupOf(result);
    expect(files).not.toContain('globals.sql.zst.gpg');
    expect(manifest.notIncluded).toEqual(['globals.sql (globals: false)']);
    expect(result.summary).toMatch(/globals\.sql/);
  });

  test('true: roles, without their passwords', async () => {
    await server.psql('postgres', `create role "odd ""role""" login password 'role-password'`);
    const sql = await read(backupOf(await backUp()), 'globals');
    expect(sql).toContain('CREATE ROLE "odd ""role""";');
    expect(sql).not.toMatch(/PASSWORD '|SCRAM-SHA-256/);
  });
});

describe('compression-level and fingerprint', () => {
  test('level 19 is smaller than level 1; content has a digest of every table that holds rows', async () => {
    const small = backupOf(await backUp({ 'compression-level': '19', fingerprint: 'content' }));
    const fast = backupOf(await backUp());
    expect(small.manifest.compression).toEqual({ method: 'zstd', level: 19 });
    const sizeOf = ({ manifest }: StoredBackup) => manifest.parts.find(({ name }) => name === 'data')?.volumes[0]?.size;
    expect(sizeOf(small)).toBeLessThan(sizeOf(fast) ?? 0);
    const [withDigests, without] = await Promise.all([inventoryOf(small), inventoryOf(fast)]);
    expect(withDigests.tables.every(({ fingerprint }) => /^-?\d+$/.test(fingerprint ?? ''))).toBe(true);
    expect(without.tables.every(({ fingerprint }) => fingerprint === null)).toBe(true);
  });
});
