import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Session } from '../../src/postgres/session/session.ts';
import type { SnapshotStep } from '../../src/postgres/snapshot/snapshot.ts';
import { newestToolset } from '../../src/postgres/toolset/find-toolset.ts';
import { localToolsets } from '../../src/postgres/toolset/local-toolsets.ts';
import { newGnupgHome, readByHand } from '../support/action/gnupg.ts';
import { backUpInProcess } from '../support/action/in-process.ts';
import { backupInputs, PASSPHRASE } from '../support/action/run-backup.ts';
import { newStoreFolder, pathOf, readBackup } from '../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';

/*
 * An ALTER TABLE without lock_timeout that comes between our locks and pg_dump's waits for us, pg_dump waits for it, and
 * every query of the application waits behind both; PostgreSQL sees no deadlock. It must not last.
 */
const DATABASE = 'altered';
/** Milliseconds. */
const LONGEST = 10_000;

let server: PostgresServer;
const sessions: Session[] = [];

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase(DATABASE);
});

afterAll(async () => {
  await Promise.all(sessions.map((session) => session.close()));
});

beforeEach(async () => {
  await server.psql(
    DATABASE,
    'drop table if exists app; create table app as select n from generate_series(1, 1000) n; create table if not exists other ()',
  );
});

async function connect(): Promise<Session> {
  const context = { signal: new AbortController().signal, track: () => () => {} };
  const toolset = await newestToolset([localToolsets]);
  const session = await Session.openUnset(
    { toolset, connection: server.env(DATABASE), id: 'application', context },
    'watch',
  );
  sessions.push(session);
  return session;
}

/** An application that SELECTs every 100 ms. */
async function startApplication(): Promise<{ stop(): Promise<{ longest: number; selects: number }> }> {
  const session = await connect();
  const delays: number[] = [];
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const start = performance.now();
      await session.query('select count(*) from app');
      delays.push(performance.now() - start);
      await sleep(100);
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await running;
      return { longest: Math.max(...delays), selects: delays.length };
    },
  };
}

/** Begins a migration, and resolves when it waits for its lock; `done` when it has altered the table. */
async function alter(): Promise<{ done: Promise<void> }> {
  const done = (await connect()).run('alter table app add column added integer default 7');
  const watch = await connect();
  const waiting = `select 1 as yes from pg_stat_activity where wait_event_type = 'Lock' and query like 'alter table app%'`;
  while ((await watch.query(waiting)).length === 0) await sleep(10);
  return { done };
}

test.each<SnapshotStep>(['lock-export', 'export-dump'])(
  'C1: at %s: the application waits 10 s at most, the migration is done, the backup succeeds',
  async (step) => {
    const application = await startApplication();
    const store = newStoreFolder();
    let migration: Promise<void> | null = null;
    const report = await backUpInProcess(backupInputs(server, DATABASE, store), {
      at: async (at) => {
        if (at === step && migration === null) migration = (await alter()).done;
      },
    });
    await migration;
    const { longest, selects } = await application.stop();
    expect(selects).toBeGreaterThan(5);
    expect(longest).toBeLessThan(LONGEST);
    // It was in the way, and the application felt it: otherwise nothing was tried here.
    expect(longest).toBeGreaterThan(200);
    expect(report.log.join('\n')).toMatch(/Attempt 1 backed off: .* pid \d+ .*alter table app add column/);

    const backup = readBackup(store, DATABASE, report.id);
    const reader = { home: newGnupgHome(), passphrase: PASSPHRASE };
    const sql = await readByHand(pathOf(backup, 'data'), { ...reader, into: 'pg_restore -f -' });
    expect(/^COPY public\.app \(n, added\) .*\n((?:\d+\t7\n)*)\\\.$/m.exec(sql)?.[1]?.split('\n').length).toBe(1001);
    expect(report.rows).toBe('1000');
  },
);

test('without giving way the application waits as long as the migration does: the test would see it', async () => {
  const holder = await connect();
  await holder.run('begin');
  await holder.run('lock table only app in access share mode');
  const application = await startApplication();
  const { done } = await alter();
  await sleep(2_000);
  await holder.run('rollback');
  await done;
  expect((await application.stop()).longest).toBeGreaterThan(1_800);
});
