import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type ActionInputs, type RunningAction, runAction, runPost, startAction } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { filesBelow, newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, startPostgres } from '../support/servers/postgres.ts';

/* Restores that come to no end. To be caught in the middle of one, its rows take their time: 20 ms each. */
const DATABASE = 'ended';
const SOURCE = `
create role ended_owner;
create function takes_time(n int) returns bool language plpgsql as 'begin return true; end';
create table slow (n int check (takes_time(n)));
insert into slow select generate_series(1, 1000);
create or replace function takes_time(n int) returns bool language plpgsql as 'begin perform pg_sleep(0.02); return true; end';
alter table slow owner to ended_owner;
`;

let server: PostgresServer;
let store: StoreFolder;
let id: string;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase(DATABASE);
  await server.psql(DATABASE, SOURCE);
  store = newStoreFolder();
  const backup = await runBackup(backupInputs(server, DATABASE, store));
  expect(errorsOf(backup)).toEqual([]);
  id = backup.outputs.id ?? '';
});

const inputs = (): ActionInputs => ({
  command: 'restore',
  'database-url': server.url(DATABASE),
  confirm: DATABASE,
  store: store.url,
  passphrase: PASSPHRASE,
});
const restoredName = () => `${DATABASE}_restored_${id}`;
const databases = () =>
  server.psql('postgres', `select datname from pg_database where datname like 'ended%' order by 1`);

/** Starts a restore and waits until it loads rows. */
async function startedLoading(given = inputs()): Promise<RunningAction> {
  const running = startAction(given);
  const loading = `select count(*) from pg_stat_activity where application_name ~ '^lifeboat-.*-restore$' and query ~* '^copy'`;
  let ended = false;
  void running.finished.then(() => {
    ended = true;
  });
  while ((await server.psql('postgres', loading)) === '0') {
    if (ended) throw new Error(`it ended before it loaded rows:\n${running.printed()}`);
    await sleep(20);
  }
  return running;
}

afterEach(() => server.dropDatabase(restoredName()));

test('cancelled, it removes what it had made', async () => {
  const running = await startedLoading();
  await running.cancel();
  expect(errorsOf(await running.finished)).toEqual([
    {
      kind: 'error',
      title: 'Lifeboat: cancelled',
      message: 'The run was cancelled (restore). Nothing was kept of it.',
    },
  ]);
  expect(await databases()).toBe(DATABASE);
  expect(await server.psql(DATABASE, 'select count(*) from slow')).toBe('1000');
});

test('a restore test that is cancelled removes what it had made on the server of scratch-url', async () => {
  const { 'database-url': url = '', confirm: _, ...rest } = inputs();
  const running = await startedLoading({ ...rest, command: 'restore-test', 'scratch-url': url });
  await running.cancel();
  await running.finished;
  expect(await databases()).toBe(DATABASE);
});

test('killed, post names what is left', async () => {
  const running = await startedLoading();
  running.kill('SIGKILL');
  const killed = await running.finished;
  expect(await databases()).toBe(`${DATABASE}\n${restoredName()}`);
  const post = await runPost(killed);
  expect(post.annotations).toEqual([
    expect.objectContaining({
      kind: 'warning',
      message: expect.stringContaining(`remove it by hand: database "${restoredName()}" on 127.0.0.1`),
    }),
  ]);
});

test('the server ends midway: the error names what is left on it', async () => {
  const running = await startedLoading();
  await server.stop('immediate');
  const [error] = errorsOf(await running.finished);
  expect(error?.message).toMatch(/server closed the connection|pg_restore/);
  expect(error?.message).toContain(`Left behind on the server, to be dropped by hand: database "${restoredName()}".`);
  await server.start();
  expect(await databases()).toBe(`${DATABASE}\n${restoredName()}`);
  expect(await server.psql(DATABASE, 'select count(*) from slow')).toBe('1000');
});

/** Changes a bit near the end of a part while `work` runs. */
async function withDamaged<T>(folder: StoreFolder, part: string, work: () => Promise<T>): Promise<T> {
  const path = join(folder.path, filesBelow(folder.path).find((name) => name.endsWith(`${part}.gpg`)) ?? '');
  const bytes = readFileSync(path);
  const damaged = Buffer.from(bytes);
  damaged[damaged.length - 30] = (damaged[damaged.length - 30] ?? 0) ^ 1;
  writeFileSync(path, damaged);
  try {
    return await work();
  } finally {
    writeFileSync(path, bytes);
  }
}

test('what was stored is damaged: the live database was not renamed, and nothing is left', async () => {
  const result = await withDamaged(store, 'data.dump.zst', () => runAction({ ...inputs(), tables: 'slow' }));
  expect(errorsOf(result)).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(/^The backup cannot be restored: part data: .*Database "[^"]+" was not renamed\./),
    }),
  ]);
  expect(await databases()).toBe(DATABASE);
});

describe('when the rows are there', () => {
  const QUICK = 'ended_quick';
  let quick: StoreFolder;
  let made: string;

  beforeAll(async () => {
    await server.createDatabase(QUICK);
    await server.psql(QUICK, 'create table t as select generate_series(1, 10) n');
    quick = newStoreFolder();
    const backup = await runBackup(backupInputs(server, QUICK, quick));
    expect(errorsOf(backup)).toEqual([]);
    made = `${QUICK}_restored_${backup.outputs.id}`;
  });

  afterEach(() => server.dropDatabase(made));

  const quickInputs = () => ({ ...inputs(), 'database-url': server.url(QUICK), confirm: QUICK, store: quick.url });

  test('cancelled before they are verified, it removes them', async () => {
    const assertions = '[{name: long, sql: select pg_sleep(30), expect: not-empty}]';
    const running = startAction({ ...quickInputs(), assertions });
    const asked = `select count(*) from pg_stat_activity where datname = '${made}' and query ~ 'pg_sleep'`;
    while ((await server.psql('postgres', asked)) === '0') await sleep(20);
    await running.cancel();
    expect(errorsOf(await running.finished)).toEqual([
      expect.objectContaining({ message: 'The run was cancelled (assertions). Nothing was kept of it.' }),
    ]);
    expect(await databases()).toBe(`${DATABASE}\n${QUICK}`);
  });

  test('what cannot be verified to its end stays, and is named', async () => {
    const result = await withDamaged(quick, 'globals.sql.zst', () => runAction(quickInputs()));
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(
          /^Part globals: .* What was restored is in database "ended_quick_restored_.*not verified/,
        ),
      }),
    ]);
    expect(await server.psql(made, 'select count(*) from t')).toBe('10');
  });
});
