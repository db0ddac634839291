import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { backupInputs, errorsOf, runBackup } from '../support/action/run-backup.ts';
import { expectFailed, expectProven, runRestoreTest, type TestedBackup } from '../support/action/run-restore-test.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, startPostgres } from '../support/servers/postgres.ts';

/** Rows of tables that belong to an extension: pg_dump writes only those that the extension has marked, and says nothing. */
describe('rows of tables that belong to an extension', () => {
  let server: PostgresServer;
  let store: StoreFolder;

  beforeAll(async () => {
    // The server of test/tools is ours, so its folder of extensions may have one more.
    server = await startPostgres({ major: 14 });
    installExtension('1.0', 100);
    installExtension('1.1', 120);
  });

  beforeEach(() => {
    store = newStoreFolder();
    offer('1.0');
  });

  afterAll(() => server.stop('immediate'));

  function fileOfExtension(name: string): string {
    return join(dirname(server.binDir), 'share/postgresql/extension', name);
  }

  /** Its script fills both tables, as those of PostGIS do; a dump holds the rows of `systems` that are the user's. */
  function installExtension(version: string, rows: number): void {
    writeFileSync(
      fileOfExtension(`lifeboat_rows--${version}.sql`),
      `create table systems (id int primary key, own bool default false);
      insert into systems select n from generate_series(1, ${rows}) n;
      select pg_catalog.pg_extension_config_dump('systems', 'where own');
      create table units (id int); insert into units values (1), (2)`,
    );
  }

  function offer(version: string): void {
    writeFileSync(
      fileOfExtension('lifeboat_rows.control'),
      `default_version = '${version}'\nrelocatable = false\nschema = public\n`,
    );
  }

  async function createDatabase(name: string, sql: string): Promise<void> {
    await server.createDatabase(name);
    await server.psql(name, `create extension lifeboat_rows; create table mine as select 1 as n; ${sql}`);
  }

  /** What pgmq does with a queue that its user creates. */
  const ADOPTED = `create schema queue; create table queue.orders as select n from generate_series(1, 1000) n;
    alter extension lifeboat_rows add table queue.orders`;

  async function backUp(name: string) {
    const result = await runBackup(backupInputs(server, name, store));
    expect(errorsOf(result)).toEqual([]);
    return result;
  }

  function restoreTest(inputs: Record<string, string> = {}): Promise<TestedBackup> {
    return runRestoreTest(store, { 'scratch-url': server.url('postgres'), ...inputs });
  }

  test('are listed by the backup, with their number', async () => {
    await createDatabase('listed', ADOPTED);
    const { summary } = await backUp('listed');
    const [, notIncluded] = summary.split('### Not in this backup');
    expect(notIncluded).toMatch(/1,000 rows of table queue\.orders: .*extension \(lifeboat.*rows\)/);
    expect(notIncluded).toMatch(/2 rows of table public\.units/);
  });

  test('are not proven when they are gone', async () => {
    await createDatabase('gone', ADOPTED);
    await backUp('gone');
    const first = expectFailed(await restoreTest());
    expect(first).toMatchObject({ kind: 'table', object: 'queue.orders' });
    expect(first.message).toMatch(/^1,000 rows in the source, .*accept-missing-rows/);
  });

  test('are proven where accept-missing-rows names the table, and the reason is shown', async () => {
    await createDatabase('accepted', ADOPTED);
    await backUp('accepted');
    const result = await restoreTest({ 'accept-missing-rows': 'queue.* # the shop fills its queue again' });
    expectProven(result);
    const line = /queue\.orders: 1,000 rows in the source, .* Accepted: the shop fills its queue again/;
    expect(result.report.notVerified).toContainEqual(expect.stringMatching(line));
    expect(result.summary).toMatch(line);
  });

  test('are accepted by a restore in the same way', async () => {
    await createDatabase('returned', ADOPTED);
    await backUp('returned');
    const inputs = { ...backupInputs(server, 'returned', store), command: 'restore', confirm: 'returned' };
    const refused = await runBackup({ ...inputs, name: 'returned' });
    expect(errorsOf(refused)).toEqual([expect.objectContaining({ message: expect.stringContaining('queue.orders') })]);
    const [left = ''] = (
      await server.psql('postgres', "select datname from pg_database where datname like 'returned_r%'")
    ).split('\n');
    await server.dropDatabase(left);
    const accepted = await runBackup({ ...inputs, name: 'returned', 'accept-missing-rows': 'queue.orders # refilled' });
    expect(errorsOf(accepted)).toEqual([]);
    expect(accepted.outputs.verdict).toBe('proven');
  });

  test('that the extension brings itself are compared', async () => {
    await createDatabase('brought', '');
    await backUp('brought');
    const result = await restoreTest();
    expectProven(result);
    expect(result.report.verified).toContain('1 table of extensions, not in the dump: exact row counts');
  });

  test('that it has marked are counted under its condition: its own rows may be others', async () => {
    await createDatabase('marked', 'insert into systems values (9001, true), (9002, true)');
    await backUp('marked');
    offer('1.1');
    const result = await restoreTest();
    expectProven(result);
    expect(result.report.tables).toContainEqual(
      expect.objectContaining({ name: 'systems', expected: '2', restored: '2', equal: true }),
    );
    expect(result.report.notVerified).toContainEqual(
      expect.stringMatching(/^Version of extension lifeboat_rows: 1\.0/),
    );
  });

  test("are counted without a query where one would run code of the database's users", async () => {
    await createDatabase(
      'planned',
      `${ADOPTED}; create function public.f(int) returns int immutable language sql as 'select 1';
      create index on queue.orders ((n + public.f(1)));
      create or replace function public.f(int) returns int immutable language plpgsql
        as $$ begin raise exception 'called as %', current_user; end $$`,
    );
    const { summary } = await backUp('planned');
    expect(summary).toMatch(/1,000 rows of table queue\.orders: /);
    expect(summary).not.toContain('called as');
  });

  test('are not counted while another session has locked the table, and that is listed', async () => {
    await createDatabase('locked', ADOPTED);
    const session = "from pg_stat_activity where wait_event = 'PgSleep'";
    const held = server.psql('locked', 'begin; lock table queue.orders; select pg_sleep(600)').catch(() => 'ended');
    while ((await server.psql('locked', `select count(*) ${session}`)) === '0') await sleep(50);
    await backUp('locked');
    await server.psql('locked', `select pg_terminate_backend(pid) ${session}`);
    expect(await held).toBe('ended');
    const result = await restoreTest();
    expectProven(result);
    expect(result.report.notVerified).toContainEqual(
      expect.stringMatching(/queue\.orders: .*another session has locked it/),
    );
  });
});
