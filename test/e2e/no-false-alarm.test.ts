import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { backupInputs, errorsOf, runBackup } from '../support/action/run-backup.ts';
import { expectProven, runRestoreTest } from '../support/action/run-restore-test.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';

const TABLE =
  'create schema app; create table app.t (id int primary key); insert into app.t select generate_series(1, 5)';

/** Healthy databases whose dump, by its nature, comes back a little different or needs more than pg_restore. */
const HEALTHY: { title: string; sql: string; listed: RegExp | null }[] = [
  { title: 'plpgsql was dropped', sql: `drop extension plpgsql; ${TABLE}`, listed: null },
  { title: 'schema public was dropped', sql: `drop schema public cascade; ${TABLE}`, listed: null },
  {
    title: 'schema public was dropped and created again by another role',
    sql: `drop schema public cascade; create schema public authorization pg_monitor; ${TABLE}`,
    listed: null,
  },
  {
    title: 'the comment of an extension was removed',
    sql: `create extension hstore; comment on extension hstore is null; ${TABLE}`,
    listed: /^The comment of extension hstore: pg_dump does not write/,
  },
  {
    title: 'the comment of an extension was changed',
    sql: `create extension hstore; comment on extension hstore is 'ours'; ${TABLE}`,
    listed: null,
  },
  {
    title: "a partition's invalid index was built again",
    sql: `create table m (k int, v int) partition by range (k);
      create table m1 partition of m for values from (0) to (10);
      create table m2 partition of m for values from (10) to (20);
      insert into m select i % 20, i from generate_series(1, 400) i;
      create index m_v on only m (v); create index m1_v on m1 (v); create index m2_v on m2 (v);
      update pg_index set indisvalid = false where indexrelid = 'm2_v'::regclass;
      alter index m_v attach partition m1_v; alter index m_v attach partition m2_v;
      reindex index m2_v`,
    listed: /^The notValid of index public\.m_v: it was marked invalid in the source/,
  },
  {
    title: 'an identity column came from LIKE',
    sql: `create table a (id int generated always as identity primary key, v text);
      create table b (like a including all); insert into b (v) values ('y')`,
    listed: /^The sequenceType of sequence public\.b_id_seq: pg_dump does not write/,
  },
  {
    title: 'numbers are cast to text implicitly',
    sql: `${['smallint', 'int', 'bigint', 'oid', 'regclass']
      .map((type) => `create cast (${type} as text) with inout as implicit`)
      .join('; ')};
      create table n (id serial primary key, v text); insert into n (v) values ('x');
      create index n_v on n (lower(v)); alter index n_v alter column 1 set statistics 50;
      create type spans as range (subtype = float8); create text search configuration ours (copy = english)`,
    listed: null,
  },
];

describe('a healthy database is proven', () => {
  let server: PostgresServer;
  let store: StoreFolder;

  beforeAll(async () => {
    server = await sharedPostgres();
  });

  beforeEach(() => {
    store = newStoreFolder();
  });

  test.each(HEALTHY.map((one, index) => ({ ...one, index })))('when $title', async ({ index, sql, listed }) => {
    const database = `healthy_${index}`;
    await server.createDatabase(database);
    await server.psql(database, sql);
    expect(errorsOf(await runBackup(backupInputs(server, database, store)))).toEqual([]);
    const result = await runRestoreTest(store);
    expectProven(result);
    if (listed !== null) expect(result.report.notVerified).toContainEqual(expect.stringMatching(listed));
  });

  test('and a restore removes what the source had dropped', async () => {
    await server.createDatabase('bare');
    await server.psql('bare', `drop extension plpgsql; drop schema public cascade; ${TABLE}`);
    const backup = await runBackup(backupInputs(server, 'bare', store));
    const inputs = { ...backupInputs(server, 'bare', store), command: 'restore', confirm: 'bare' };
    expect(errorsOf(await runBackup({ ...inputs, name: 'bare', jobs: '2' }))).toEqual([]);
    const restored = `bare_restored_${backup.outputs.id}`;
    const left = "select extname from pg_extension union all select nspname from pg_namespace where nspname = 'public'";
    expect(await server.psql(restored, left)).toBe('');
  });
});
