import { beforeAll, describe, expect, test } from '@jest/globals';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../../support/action/run-backup.ts';
import { expectProven, runRestoreTest } from '../../support/action/run-restore-test.ts';
import { newStoreFolder, type StoreFolder } from '../../support/action/stored-backup.ts';
import { startPgbouncer } from '../../support/servers/pgbouncer.ts';
import { type PostgresServer, startPostgres, psql as throughPooler } from '../../support/servers/postgres.ts';
import { shadowSchema } from './shadows.ts';

const SHOP = `
  create table orders (id int primary key, what text); insert into orders values (1, 'x'), (2, 'y');
  create sequence ids; select nextval('ids'); create materialized view sums as select count(*) as n from orders;
  create function twice(int) returns int language sql as 'select 2 * $1'; select lo_from_bytea(0, 'abc');`;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ settings: { log_line_prefix: '%a|' } });
  for (const database of ['shop', 'victim', 'plain']) await server.createDatabase(database, 'template template0');
  for (const database of ['postgres', 'shop', 'victim']) await server.psql(database, shadowSchema());
  for (const database of ['shop', 'plain']) await server.psql(database, SHOP);
});

/** What sessions of Lifeboat's have used of the user's since the mark; psql, pg_dump and pg_restore among them. */
function used(mark: number): string[] {
  const lines = server.log().slice(mark).split('\n');
  return [...new Set(lines.filter((line) => /^lifeboat-.*EVIL/.test(line)))];
}

describe.each([
  ['in front of pg_catalog', 'evil, pg_catalog, public'],
  ['behind pg_catalog, where a better match wins', 'public, evil'],
  ['in front, by the name of the role', '"$user", pg_catalog'],
])('a schema %s', (_, path) => {
  let store: StoreFolder;
  let mark: number;

  beforeAll(async () => {
    store = newStoreFolder();
    if (path.startsWith('"$user"')) {
      for (const database of ['postgres', 'shop', 'victim'])
        await server.psql(database, 'alter schema evil rename to postgres');
    }
    await server.psql('postgres', `alter database shop set search_path = ${path}`);
    await server.psql('postgres', `alter role postgres set search_path = ${path}`);
    mark = server.log().length;
  });

  test('it is one that would be seen', async () => {
    const before = server.log().length;
    await server
      .psql('shop', "select pg_is_in_recovery(), 'a'::name !~ 'b'::name from pg_class limit 1")
      .catch(() => {});
    expect(server.log().slice(before)).toContain('EVIL');
  });

  test('backup, restore-test and restore use nothing of it', async () => {
    const backup = await runBackup({ ...backupInputs(server, 'shop', store), fingerprint: 'content' });
    expect(errorsOf(backup)).toEqual([]);
    expect(backup.exitCode).toBe(0);
    expect(used(mark)).toEqual([]);
    const assertions = '[{name: orders, sql: "select 2", expect: {equals: 2}}]';
    const tested = await runRestoreTest(store, { 'scratch-url': server.url('postgres'), jobs: '2', assertions });
    expectProven(tested);
    const restored = await runBackup({
      command: 'restore',
      store: store.url,
      passphrase: PASSPHRASE,
      'database-url': server.url('victim'),
      confirm: 'victim',
      name: 'shop',
      replace: 'true',
    });
    expect(errorsOf(restored)).toEqual([]);
    expect(used(mark)).toEqual([]);
  });
});

test('a run that a transaction pooler makes impossible leaves no setting behind', async () => {
  await server.psql('postgres', 'alter role postgres reset search_path');
  const pooler = await startPgbouncer(server, { pool_mode: 'transaction', server_reset_query: '' });
  const { PGHOST, PGPORT, PGUSER, PGPASSWORD } = pooler.env('plain');
  const url = `postgresql://${PGUSER}:${PGPASSWORD}@${PGHOST}:${PGPORT}/plain`;
  const result = await runBackup({ 'database-url': url, store: newStoreFolder().url, passphrase: PASSPHRASE });
  expect(errorsOf(result)).toEqual([expect.objectContaining({ message: expect.stringContaining('pooler') })]);
  // The pooler's connections to the server are still there, and each in turn is given out.
  const settings = "select string_agg(name || '=' || setting, ' ') from pg_settings where source = 'session'";
  const seen = new Set<string>();
  for (let i = 0; i < 4; i++) seen.add(await throughPooler(pooler.env('plain'), settings));
  expect([...seen].join(' ')).not.toMatch(/search_path|timeout|jit|row_security|role=/);
  await pooler.stop();
});
