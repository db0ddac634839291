import { existsSync, statSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { psql, sharedPostgres, startPostgres, startStandby } from '../../support/servers/postgres.ts';

test('a cluster demands its password, over TCP and over the socket', async () => {
  const server = await sharedPostgres();
  await expect(server.psql('postgres', 'SELECT 6 * 7')).resolves.toBe('42');
  const overSocket = { ...server.env('postgres'), PGHOST: server.socketDir };
  await expect(psql(overSocket, 'SELECT 1')).resolves.toBe('1');
  for (const connection of [server.env('postgres'), overSocket]) {
    await expect(psql({ ...connection, PGPASSWORD: 'wrong' }, 'SELECT 1')).rejects.toThrow('password authentication');
  }
});

test('its folder is closed to others', async () => {
  const server = await sharedPostgres();
  expect(statSync(server.socketDir).mode & 0o777).toBe(0o700);
  expect(existsSync(`${server.socketDir}/password`)).toBe(false);
});

test('databases with odd names are made and dropped', async () => {
  const server = await sharedPostgres();
  const name = `x y"z;$(id)'=`;
  await server.createDatabase(name, 'TEMPLATE template0');
  await expect(server.psql(name, 'SELECT current_database()')).resolves.toBe(name);
  await server.dropDatabase(name);
  await expect(server.psql(name, 'SELECT 1')).rejects.toThrow('does not exist');
});

test('settings and lines of pg_hba.conf are taken; a stopped server starts again on its port', async () => {
  const server = await startPostgres({
    settings: { work_mem: '7MB', max_connections: 17 },
    hba: ['host all nobody 127.0.0.1/32 reject'],
  });
  await expect(server.psql('postgres', 'SHOW work_mem; SHOW max_connections')).resolves.toBe('7MB\n17');
  await expect(psql({ ...server.env('postgres'), PGUSER: 'nobody' }, '')).rejects.toThrow('pg_hba.conf rejects');
  await server.psql('postgres', 'CREATE TABLE kept AS SELECT 1');
  await server.restart('immediate');
  await expect(server.psql('postgres', 'TABLE kept')).resolves.toBe('1');
  expect(server.log()).toContain('automatic recovery in progress');
  await server.stop();
  await server.stop();
  await expect(server.psql('postgres', 'SELECT 1')).rejects.toThrow('Connection refused');
});

test('a standby follows its primary', async () => {
  const primary = await startPostgres();
  const standby = await startStandby(primary, { max_standby_streaming_delay: '1s' });
  await primary.psql('postgres', 'CREATE TABLE t AS SELECT generate_series(1, 100)');
  const position = await primary.psql('postgres', 'SELECT pg_current_wal_lsn()');
  await standby.psql(
    'postgres',
    `DO $$BEGIN WHILE pg_last_wal_replay_lsn() < '${position}' LOOP PERFORM pg_sleep(0.01); END LOOP; END$$`,
  );
  await expect(standby.psql('postgres', 'SELECT pg_is_in_recovery(), count(*) FROM t')).resolves.toBe('t|100');
  await standby.stop();
  await primary.stop();
});

test.each([13, 14, 16, 17, 18])('PostgreSQL %i of test/tools serves', async (major) => {
  const server = await startPostgres({ major });
  await expect(server.psql('postgres', 'SHOW server_version')).resolves.toMatch(new RegExp(`^${major}\\.`));
  await server.stop();
});
