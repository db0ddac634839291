import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { runPost, startAction } from '../support/action/harness.ts';
import { backupInputs, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { expectProven, runRestoreTest } from '../support/action/run-restore-test.ts';
import { filesBelow, newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { runFolder } from '../support/servers/run.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await sharedPostgres();
});

async function backUp(database: string, sql: string, clause = ''): Promise<StoreFolder> {
  await server.createDatabase(database, clause);
  await server.psql(database, sql);
  const store = newStoreFolder();
  expect(await runBackup(backupInputs(server, database, store))).toMatchObject({ exitCode: 0 });
  return store;
}

const onTheServer = () => ({ 'scratch-url': server.url('postgres') });

test('C12: a database of another encoding comes back in that encoding', async () => {
  const sql = String.raw`create table t (name text); insert into t values (E'caf\xe9')`;
  const store = await backUp('not_utf8', sql, "encoding 'SQL_ASCII' locale 'C' template template0");
  expectProven(await runRestoreTest(store, onTheServer()));
});

test('R5: subscriptions are left out, and said', async () => {
  const store = await backUp(
    'subscribing',
    "create table t (n int); create subscription elsewhere connection 'host=production' publication p with (connect = false)",
  );
  const result = await runRestoreTest(store, onTheServer());
  expectProven(result);
  expect(result.report.notVerified).toContainEqual(expect.stringMatching(/^Subscription elsewhere: /));
});

test("R6: what a restore runs sees nothing of the runner's environment", async () => {
  // A materialized view is computed by the restore: it fails there if the server has a secret in its environment.
  const store = await backUp(
    'curious',
    `create table environment (line text);
    create function look() returns int language plpgsql as $$ declare secret text; begin
      copy public.environment from program 'env';
      select line into secret from public.environment where line ~ '^(INPUT|AWS|GITHUB|RUNNER)_';
      if found then raise 'a secret is here'; end if;
      delete from public.environment;
      return 1; end $$;
    create materialized view looked as select public.look() as seen`,
  );
  expectProven(await runRestoreTest(store, {}, { env: { AWS_SECRET_ACCESS_KEY: 'a secret of the runner' } }));
});

describe('R12: an archive of a newer pg_dump', () => {
  test.each([
    ['a private cluster', () => ({}), /A throwaway PostgreSQL 99 or newer is needed/],
    ['scratch-url', onTheServer, /made by pg_dump 99, and every pg_restore here is older: .*postgresql-client-99/],
  ])('%s: what to install is said, before anything is restored', async (kind, inputs, says) => {
    const store = await backUp(`newer_${kind.replace(/\W/g, '_')}`, 'create table t (n int)');
    const manifest = join(store.path, filesBelow(store.path).find((file) => file.endsWith('manifest.json')) ?? '');
    const newer = readFileSync(manifest, 'utf8').replace(/("clientVersion": )"[^"]*"/, '$1"99.1"');
    writeFileSync(manifest, newer);
    await expect(runRestoreTest(store, inputs())).rejects.toThrow(says);
  });
});

describe('R10: the private cluster', () => {
  let store: StoreFolder;

  beforeAll(async () => {
    store = await backUp('clustered', 'create table t as select n from generate_series(1, 100) n');
  });

  /** A folder for scratch-dir; the server's user must reach it when we are root. */
  function scratchDir(name: string): string {
    const folder = join(runFolder(), name);
    mkdirSync(folder, { mode: 0o755, recursive: true });
    return folder;
  }

  test('lives in scratch-dir, and nothing of it is left', async () => {
    const folder = scratchDir('scratch');
    expectProven(await runRestoreTest(store, { 'scratch-dir': folder }));
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a folder too long for a socket: the input is named, and nothing is left', async () => {
    const folder = scratchDir('long'.repeat(20));
    await expect(runRestoreTest(store, { 'scratch-dir': folder })).rejects.toThrow(/scratch-dir: .* is too long/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('A11: of a run that was killed, post removes the folder and ends the server', async () => {
    const folder = scratchDir('killed');
    const inputs = { command: 'restore-test', store: store.url, passphrase: PASSPHRASE, 'scratch-dir': folder };
    const running = startAction(inputs);
    const pidFile = () => readdirSync(folder).map((name) => join(folder, name, 'data', 'postmaster.pid'))[0] ?? '';
    while (!existsSync(pidFile())) await new Promise((resolve) => setTimeout(resolve, 5));
    const pid = readFileSync(pidFile(), 'utf8').split('\n')[0] ?? '';
    running.kill('SIGKILL');
    const killed = await running.finished;
    expect(readdirSync(folder)).toHaveLength(1);
    await runPost(killed);
    expect(readdirSync(folder)).toEqual([]);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  test('A11: what a killed run left where no post came is removed by the next one', async () => {
    const folder = scratchDir('left');
    const inputs = { command: 'restore-test', store: store.url, passphrase: PASSPHRASE, 'scratch-dir': folder };
    const running = startAction(inputs);
    while (readdirSync(folder).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 300));
    running.kill('SIGKILL');
    await running.finished;
    expect(readdirSync(folder)).toHaveLength(1);
    expectProven(await runRestoreTest(store, { 'scratch-dir': folder }));
    expect(readdirSync(folder)).toEqual([]);
  });
});
