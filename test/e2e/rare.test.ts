import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { backupInputs, errorsOf, runBackup } from '../support/action/run-backup.ts';
import { newStoreFolder, readBackup, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres, startPostgres } from '../support/servers/postgres.ts';

/* What is rare in the field, and needs a server or a store of its own to happen. */
let store: StoreFolder;

beforeEach(() => {
  store = newStoreFolder();
});

test('P8: a server without room for a lock on each table: the setting is named', async () => {
  const server = await startPostgres({ settings: { max_locks_per_transaction: 10, max_connections: 10 } });
  await server.createDatabase('many');
  const create = (count: number) =>
    server.psql(
      'many',
      `do $$ begin for i in 1..${count} loop
        execute 'create table if not exists t' || i || ' (n int)';
        if i % 50 = 0 then commit; end if;
      end loop; end $$`,
    );
  await create(50);
  expect((await runBackup(backupInputs(server, 'many', store))).exitCode).toBe(0);
  await create(5000);
  const result = await runBackup(backupInputs(server, 'many', store));
  expect(result.exitCode).toBe(1);
  expect(errorsOf(result)).toEqual([
    expect.objectContaining({ message: expect.stringMatching(/no room for a lock.*max_locks_per_transaction/s) }),
  ]);
  await server.stop('immediate');
});

describe('L5: a server that speaks TLS alone', () => {
  function certify(server: PostgresServer): string {
    const certificate = join(server.dataDir, 'server.crt');
    const key = join(server.dataDir, 'server.key');
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject];
    execFileSync('openssl', [...args, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
    const { uid, gid } = statSync(server.dataDir);
    for (const file of [certificate, key]) {
      chownSync(file, uid, gid);
      chmodSync(file, 0o600);
    }
    return certificate;
  }

  test('is backed up with TLS, refused without, and verified when asked', async () => {
    const server = await startPostgres({ hba: ['hostnossl all all 127.0.0.1/32 reject'] });
    // A copy outside of the server's folder, for the client may not look into that.
    const trusted = join(store.path, '..', 'root.crt');
    writeFileSync(trusted, readFileSync(certify(server)));
    const socket = { ...server.env('postgres'), PGHOST: server.socketDir };
    execFileSync('psql', ['-Xqc', 'alter system set ssl = on'], {
      env: { ...socket, PATH: process.env.PATH },
      stdio: 'pipe',
    });
    await server.restart();
    execFileSync('psql', ['-Xqc', 'create database sealed'], { env: { ...socket, PATH: process.env.PATH } });
    execFileSync('psql', ['-Xqc', 'create table t as select 1 as n'], {
      env: { ...socket, PGDATABASE: 'sealed', PATH: process.env.PATH },
    });

    const run = (query: string, host = '127.0.0.1') =>
      runBackup({
        ...backupInputs(server, 'sealed', store),
        'database-url': `${server.url('sealed').replace('127.0.0.1', host)}?${query}`,
      });
    expect((await run('sslmode=require')).exitCode).toBe(0);
    const plain = await run('sslmode=disable');
    expect(errorsOf(plain)).toEqual([expect.objectContaining({ message: expect.stringMatching(/pg_hba\.conf/) })]);
    expect((await run(`sslrootcert=${encodeURIComponent(trusted)}`, 'localhost')).exitCode).toBe(0);
    const other = await run(`sslrootcert=${encodeURIComponent(trusted)}`);
    expect(errorsOf(other)).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/Check sslrootcert and the host/) }),
    ]);
    await server.stop('immediate');
  });
});

test('C8: temporary tables of other sessions are not in the backup', async () => {
  const server = await sharedPostgres();
  await server.createDatabase('temporary');
  await server.psql('temporary', 'create table kept as select 1 as n');
  const other = server.psql('temporary', 'create temp table passing as select 2 as n; select pg_sleep(600)');
  other.catch(() => {});
  const sleeping = "from pg_stat_activity where datname = 'temporary' and wait_event = 'PgSleep'";
  while ((await server.psql('postgres', `select count(*) ${sleeping}`)) === '0') await sleep(50);
  const result = await runBackup(backupInputs(server, 'temporary', store));
  expect(result).toMatchObject({ exitCode: 0, outputs: { tables: '1', rows: '1' } });
  const live = await server.psql('temporary', "select count(*) from pg_class where relname = 'passing'");
  expect(live.trim()).toBe('1');
  await server.psql('postgres', `select pg_terminate_backend(pid) ${sleeping}`);
  await expect(other).rejects.toThrow('terminating connection');
});

test('C9: configuration tables of an extension are dumped and counted, its other tables are not', async () => {
  // The server of test/tools is ours, so its folder of extensions may have one more.
  const server = await startPostgres({ major: 14 });
  const folder = join(dirname(server.binDir), 'share/postgresql/extension');
  expect(existsSync(folder)).toBe(true);
  writeFileSync(
    join(folder, 'lifeboat_test.control'),
    "default_version = '1.0'\nrelocatable = false\nschema = public\n",
  );
  writeFileSync(
    join(folder, 'lifeboat_test--1.0.sql'),
    `create table config (n int); create table other (n int); insert into other values (1);
    select pg_catalog.pg_extension_config_dump('config', '');`,
  );
  await server.createDatabase('extended');
  await server.psql(
    'extended',
    'create extension lifeboat_test; insert into config values (1), (2); create table mine as select 1 n',
  );
  const result = await runBackup(backupInputs(server, 'extended', store));
  expect(result).toMatchObject({ exitCode: 0, outputs: { tables: '2', rows: '3' } });

  // They come along with the extension when another table is asked for.
  const inputs = {
    ...backupInputs(server, 'extended', store),
    command: 'restore',
    confirm: 'extended',
    tables: 'mine',
  };
  const restored = await runBackup({ ...inputs, name: 'extended' });
  expect(restored).toMatchObject({ exitCode: 0, outputs: { verdict: 'proven' } });
  const name = `extended_restored_${result.outputs.id}`;
  expect(await server.psql(name, 'select count(*) from config')).toBe('2');
  await server.stop('immediate');
});

test('S11: a backup from the future is not the one before, and is told', async () => {
  const server = await sharedPostgres();
  await server.createDatabase('clocks');
  await server.psql('clocks', 'create table t as select 1 as n');
  const future = join(store.path, 'clocks/20991231T235959Z-aaaaaaaa');
  mkdirSync(future, { recursive: true });
  writeFileSync(
    join(future, 'manifest.json'),
    JSON.stringify({ format: 1, id: '20991231T235959Z-aaaaaaaa', source: null }),
  );
  const result = await runBackup(backupInputs(server, 'clocks', store));
  expect(result.exitCode).toBe(0);
  const told = result.annotations.filter(({ message }) => /20991231T235959Z-aaaaaaaa is from the future/.test(message));
  expect(told).toHaveLength(1);
  const { manifest } = readBackup(store, 'clocks', result.outputs.id ?? '');
  expect(manifest).toMatchObject({ previous: null, noPrevious: 'first' });
});
