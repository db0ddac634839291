import { beforeAll, expect, test } from '@jest/globals';
import { type ActionInputs, type ActionResult, runAction } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres, startPostgres } from '../support/servers/postgres.ts';

/** What every supported version can hold, with owners, grants and defaults. */
const SCHEMA = `
create role versions_owner;
create role versions_reader;
create schema shop authorization versions_owner;
create table shop.customers (id bigint generated always as identity primary key, name text not null, mail varchar(80) check (mail in ('a', 'b')));
insert into shop.customers (name, mail) select 'customer ' || n, 'a' from generate_series(1, 300) n;
create table shop.orders (id bigint, made date) partition by range (made);
create table shop.orders_2026 partition of shop.orders for values from ('2026-01-01') to ('2027-01-01');
insert into shop.orders select n, date '2026-01-01' + n from generate_series(0, 300) n;
create view shop.names as select name from shop.customers where mail in ('a', 'b');
create materialized view shop.counted as select count(*) from shop.customers;
create index on shop.customers (lower(name)) where mail in ('a', 'b');
alter table shop.customers owner to versions_owner;
grant select on all tables in schema shop to versions_reader;
alter default privileges in schema shop grant select on tables to versions_reader;
select lo_from_bytea(0, 'large');
`;

async function backedUp(source: PostgresServer): Promise<StoreFolder> {
  await source.createDatabase('versions');
  await source.psql('versions', SCHEMA);
  const store = newStoreFolder();
  const result = await runBackup(backupInputs(source, 'versions', store));
  expect(errorsOf(result)).toEqual([]);
  return store;
}

function restoreTest(store: StoreFolder, inputs: ActionInputs = {}): Promise<ActionResult> {
  return runAction({ command: 'restore-test', store: store.url, passphrase: PASSPHRASE, ...inputs });
}

test.each([13, 14])("a backup of PostgreSQL %i restores into this machine's version", async (major) => {
  const result = await restoreTest(await backedUp(await startPostgres({ major })));
  expect(result.log).not.toMatch(/^- /m);
  expect(errorsOf(result)).toEqual([]);
  expect(result.outputs.verdict).toBe('proven');
  expect(result.summary).toMatch(new RegExp(`Source</td><td>PostgreSQL ${major}\\.`));
});

let store: StoreFolder;

beforeAll(async () => {
  store = await backedUp(await sharedPostgres());
});

test.each([16, 17, 18])("a backup of this machine's version restores into PostgreSQL %i", async (major) => {
  const scratch = await startPostgres({ major });
  const result = await restoreTest(store, { 'scratch-url': scratch.url('postgres') });
  expect(result.log).not.toMatch(/^- /m);
  expect(errorsOf(result)).toEqual([]);
  expect(result.outputs.verdict).toBe('proven');
  // What cannot be compared across versions, or with tools that are older than the server, is said.
  expect(result.summary).toMatch(/Not verified[\s\S]*pg&#95;dump 15.* is older than the scratch server/);
});

test('a scratch server older than the source is refused', async () => {
  const scratch = await startPostgres({ major: 14 });
  const result = await restoreTest(store, { 'scratch-url': scratch.url('postgres') });
  expect(errorsOf(result)).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(/scratch-url: the server is PostgreSQL 14.*older than the source/),
    }),
  ]);
});
