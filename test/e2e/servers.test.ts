import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ActionResult, startAction } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { newStoreFolder, readBackup, type StoreFolder } from '../support/action/stored-backup.ts';
import { HANG_LIMIT } from '../support/hang-limit.ts';
import { notRun } from '../support/servers/not-run.ts';
import { startPgbouncer } from '../support/servers/pgbouncer.ts';
import { type PostgresServer, sharedPostgres, startPostgres } from '../support/servers/postgres.ts';
import { localPrograms } from '../support/servers/postgres-programs.ts';

/** The major of this machine's pg_dump. */
const CLIENT = localPrograms()?.major ?? 0;
const NEWEST = 18;

let store: StoreFolder;

beforeEach(() => {
  store = newStoreFolder();
});

function expectRefused(result: ActionResult, says: RegExp): void {
  expect(result).toMatchObject({ exitCode: 1, outputs: {} });
  expect(errorsOf(result)).toEqual([
    { kind: 'error', title: 'Lifeboat: backup failed', message: expect.stringMatching(says) },
  ]);
  expect(readdirSync(store.path)).toEqual([]);
}

describe('P6: versions', () => {
  const mayRun = CLIENT < NEWEST;
  if (!mayRun) notRun('a pg_dump older than the server', `this machine has PostgreSQL ${CLIENT}, the newest there is`);

  (mayRun ? test : test.skip)('a pg_dump older than the server: both versions, and the line to run', async () => {
    const newer = await startPostgres({ major: NEWEST });
    await newer.createDatabase('shop');
    const result = await runBackup(backupInputs(newer, 'shop', store));
    expectRefused(
      result,
      new RegExp(
        `server is PostgreSQL ${NEWEST}\\..* pg_dump here is older: .*${CLIENT}\\..*sudo apt-get install postgresql-client-${NEWEST}`,
      ),
    );
    await newer.stop('immediate');
  });

  test('a server older than pg_dump is backed up', async () => {
    const older = await startPostgres({ major: 13 });
    await older.createDatabase('shop');
    await older.psql('shop', 'create table t as select n from generate_series(1, 7) n');
    const result = await runBackup(backupInputs(older, 'shop', store));
    expect(result).toMatchObject({ exitCode: 0, outputs: { rows: '7' } });
    expect(readBackup(store, 'shop', result.outputs.id ?? '').manifest).toMatchObject({
      serverVersion: expect.stringMatching(/^13\./),
    });
    await older.stop('immediate');
  });
});

describe('P11: a pooler', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await sharedPostgres();
    await server.createDatabase('pooled');
    await server.psql('pooled', 'create table t as select n from generate_series(1, 7) n');
  });

  test.each([
    ['transaction', false],
    ['session', true],
  ])('in %s mode: backed up: %s', async (pool_mode, works) => {
    const pooler = await startPgbouncer(server, { pool_mode });
    const { PGHOST, PGPORT, PGUSER, PGPASSWORD } = pooler.env('pooled');
    const url = `postgresql://${PGUSER}:${PGPASSWORD}@${PGHOST}:${PGPORT}/pooled`;
    const result = await runBackup({ 'database-url': url, store: store.url, passphrase: PASSPHRASE });
    if (works) expect(result).toMatchObject({ exitCode: 0, outputs: { rows: '7' } });
    else expectRefused(result, /transaction pooler.*direct address.*database-url/);
    await pooler.stop();
  });
});

describe('P7: a table that another session has locked', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await sharedPostgres();
    await server.createDatabase('locked');
    await server.psql('locked', 'create table "##[error]city" as select n from generate_series(1, 7) n');
  });

  const release = (pid: string) => server.psql('postgres', `select pg_terminate_backend(${pid})`);

  /** Locks the table for so long. Resolves when it is locked; `ended` when it is not any more. */
  async function lock(seconds: number): Promise<{ pid: string; ended: Promise<unknown> }> {
    const child = spawn(join(localPrograms()?.binDir ?? '', 'psql'), ['-XqAt'], {
      env: { ...server.env('locked'), PATH: process.env.PATH },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.end(
      `begin; select pg_backend_pid(); lock table "##[error]city" in access exclusive mode;\n\\echo locked\nselect pg_sleep(${seconds}) as migration;\n`,
    );
    const ended = once(child, 'close');
    let said = '';
    for await (const chunk of child.stdout) {
      said += chunk;
      if (said.includes('locked')) break;
    }
    return { pid: said.split('\n')[0] ?? '', ended };
  }

  test('in vain until lock-wait-timeout: its pid and statement', async () => {
    const { pid, ended } = await lock(60);
    const result = await runBackup({ ...backupInputs(server, 'locked', store), 'lock-wait-timeout': '3s' });
    await release(pid);
    await ended;
    expectRefused(
      result,
      new RegExp(`within 3 s .*city.* pid ${pid}: .*pg_sleep\\(60\\) as migration.* raise lock-wait-timeout`),
    );
    // The table's name is in the log, and no command to the runner.
    expect(result.log).toMatch(/Attempt 1 backed off: .*city/);
    expect(result.log).not.toMatch(/##\[/);
  });

  test('but not for long: given way, then backed up', async () => {
    const { pid, ended } = await lock(600);
    const run = startAction(backupInputs(server, 'locked', store), { cancelAfter: HANG_LIMIT });
    await run.waitFor((printed) => printed.includes('Attempt 1 '));
    await release(pid);
    const result = await run.finished;
    expect(result).toMatchObject({ exitCode: 0, outputs: { rows: '7' } });
    expect(result.stdout).toMatch(/Attempt 1 backed off: /);
    await ended;
  });
});
