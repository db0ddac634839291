import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ActionResult } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { newStoreFolder, readBackup, type StoreFolder } from '../support/action/stored-backup.ts';
import { freePort } from '../support/servers/free-port.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { runFolder } from '../support/servers/run.ts';

const DATABASE = 'connection';

let server: PostgresServer;
let store: StoreFolder;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase(DATABASE);
  await server.psql(
    DATABASE,
    `create table plain as select n from generate_series(1, 100) n;
    create role plain_role login password 'role-password';
    create role may_read login password 'role-password' in role pg_read_all_data;
    create role may_bypass login password 'role-password' bypassrls in role pg_read_all_data;
    create role impatient login password 'role-password' in role pg_read_all_data;
    alter role impatient set statement_timeout = '700ms';
    alter role impatient set lock_timeout = '10ms';
    alter role impatient set idle_in_transaction_session_timeout = '50ms';
    alter role impatient set default_transaction_isolation = 'serializable';
    alter role impatient set search_path = 'nowhere';
    alter role impatient set row_security = off;
    alter role impatient set standard_conforming_strings = off;
    alter role impatient set client_encoding = 'LATIN1';
    alter role impatient set "DateStyle" = 'German';
    alter role impatient set lc_messages = 'C'`,
  );
});

beforeEach(() => {
  store = newStoreFolder();
});

const urlOf = (user: string, password = 'role-password', database = DATABASE) =>
  `postgresql://${user}:${password}@${server.host}:${server.port}/${database}`;

const backUp = (url: string, env: Record<string, string> = {}) =>
  runBackup({ ...backupInputs(server, DATABASE, store), 'database-url': url }, { env });

function expectRefused(result: ActionResult, says: RegExp): void {
  expect(result).toMatchObject({ exitCode: 1, outputs: {} });
  expect(errorsOf(result)).toEqual([
    { kind: 'error', title: 'Lifeboat: backup failed', message: expect.stringMatching(says) },
  ]);
  expect(result.summary).toMatch(/^## ❌/);
  expect(readdirSync(store.path)).toEqual([]);
}

describe('a role that is no superuser', () => {
  test('with pg_read_all_data backs everything up, and is told what it may not read', async () => {
    const result = await backUp(urlOf('may_read'));
    expect(result).toMatchObject({ exitCode: 0, outputs: { tables: '1', rows: '100' } });
    const { manifest } = readBackup(store, DATABASE, result.outputs.id ?? '');
    expect(manifest.parts.map(({ name }) => name)).toEqual(expect.arrayContaining(['schema', 'data', 'inventory']));
  });

  test('without rights to a table it is refused, with the mend', async () => {
    expectRefused(await backUp(urlOf('plain_role')), /permission denied for table plain.*pg_read_all_data/);
  });

  test('whose settings would end or change a long dump is no hindrance', async () => {
    expect(await backUp(urlOf('impatient'))).toMatchObject({ exitCode: 0, outputs: { rows: '100' } });
  });
});

test('C3: row-level security that would hide rows is an error of its own; BYPASSRLS mends it', async () => {
  const database = 'connection_rls';
  await server.createDatabase(database);
  await server.psql(
    database,
    `create table secret as select n from generate_series(1, 10) n;
    create policy half on secret using (n < 5); alter table secret enable row level security`,
  );
  const refused = await backUp(urlOf('may_read', 'role-password', database));
  expectRefused(refused, /row-level security.*secret.*BYPASSRLS/s);
  const whole = await backUp(urlOf('may_bypass', 'role-password', database));
  expect(whole).toMatchObject({ exitCode: 0, outputs: { rows: '10' } });
});

describe('a connection that cannot be made', () => {
  test('the same with the right password is made', async () => {
    expect(await backUp(urlOf('may_read'))).toMatchObject({ exitCode: 0 });
  });

  test('wrong password', async () => {
    const result = await backUp(urlOf('may_read', 'not-the-password'));
    expectRefused(result, /password authentication failed for user "may_read".*Check the user and the password/s);
    expect(result.stdout.replace(/^::add-mask::.*$/gm, '')).not.toContain('not-the-password');
  });

  test('no password', async () => {
    const url = `postgresql://may_read@${server.host}:${server.port}/${DATABASE}`;
    expectRefused(await backUp(url), /no password supplied.*PGPASSWORD/s);
  });

  test('missing database', async () => {
    const url = urlOf('may_read', 'role-password', 'nowhere');
    expectRefused(await backUp(url), /database "nowhere" does not exist.*Check the database's name in database-url/s);
  });

  test('missing role, which PostgreSQL tells nobody from a wrong password', async () => {
    expectRefused(await backUp(urlOf('nobody_at_all')), /password authentication failed for user "nobody_at_all"/);
  });

  test('server down', async () => {
    const url = `postgresql://postgres:x@127.0.0.1:${await freePort()}/shop`;
    expectRefused(await backUp(url), /Connection refused.*Check that the server runs/s);
  });

  test('no such host', async () => {
    const url = 'postgresql://postgres:x@no-such-host.invalid/shop';
    expectRefused(await backUp(url), /no-such-host\.invalid.*host and port in database-url/s);
  });
});

test("L4: .pgpass, .pg_service.conf and .psqlrc of the machine's user change nothing", async () => {
  const home = mkdtempSync(join(runFolder(), 'hostile-'));
  writeFileSync(join(home, '.pgpass'), `*:*:*:*:${server.password}\n`, { mode: 0o600 });
  writeFileSync(join(home, '.psqlrc'), '\\echo hostile\n\\set AUTOCOMMIT off\n\\pset null hostile\n\\q\n');
  writeFileSync(join(home, '.pg_service.conf'), `[elsewhere]\nhost=127.0.0.1\nport=1\n`);
  const result = await backUp(urlOf('may_read'), { HOME: home });
  expect(result).toMatchObject({ exitCode: 0, outputs: { rows: '100' } });
  expect(result.log).not.toMatch(/hostile/);

  store = newStoreFolder();
  const url = `postgresql://postgres@${server.host}:${server.port}/${DATABASE}`;
  expectRefused(await backUp(url, { HOME: home }), /no password supplied/);
  // Named, it is used.
  const named = await backUp(url, { HOME: home, PGPASSFILE: join(home, '.pgpass') });
  expect(named).toMatchObject({ exitCode: 0, masks: expect.arrayContaining([server.password]) });
});

test('the connection by PG* and a socket', async () => {
  const env = { ...server.env(DATABASE), PGHOST: server.socketDir };
  const result = await runBackup({ store: store.url, passphrase: PASSPHRASE }, { env });
  expect(result).toMatchObject({ exitCode: 0, outputs: { rows: '100' } });
});
