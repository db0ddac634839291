import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  type ActionInputs,
  type ActionResult,
  type RunningAction,
  runPost,
  startAction,
} from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, startPostgres } from '../support/servers/postgres.ts';
import { runFolder } from '../support/servers/run.ts';

/* `before` and `after` of restore: real commands, which write down that they ran. */
const DATABASE = 'commands';

let server: PostgresServer;
let store: StoreFolder;
/** What the commands write into, a line each. */
let trace: string;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase(DATABASE);
  await server.psql(DATABASE, 'create table orders as select n from generate_series(1, 100) n');
  store = newStoreFolder();
  expect((await runBackup(backupInputs(server, DATABASE, store))).exitCode).toBe(0);
});

beforeEach(async () => {
  trace = join(mkdtempSync(join(runFolder(), 'commands-')), 'trace');
  const others = await server.psql('postgres', `select datname from pg_database where datname like '${DATABASE}\\_%'`);
  for (const name of others.split('\n').filter(Boolean)) await server.dropDatabase(name);
  await server.psql(DATABASE, 'delete from orders where n > 10');
});

/** A command that writes a word, and then does something. */
const says = (word: string, then = ':') => `sh -c 'echo ${word} >> "$TRACE"; ${then}'`;

const traced = () => (existsSync(trace) ? readFileSync(trace, 'utf8').trim().split('\n') : []);

function startRestore(inputs: ActionInputs): RunningAction {
  const place = { 'database-url': server.url(DATABASE), confirm: DATABASE, store: store.url, name: DATABASE };
  const given = { command: 'restore', passphrase: PASSPHRASE, replace: 'true', ...place, ...inputs };
  return startAction(given, { env: { TRACE: trace } });
}

function restore(inputs: ActionInputs): Promise<ActionResult> {
  return startRestore(inputs).finished;
}

const rows = () => server.psql(DATABASE, 'select count(*) from orders');

test('they stand around the swap, their output in the log, made safe', async () => {
  const before = [says('stopped', 'echo ::error::not ours'), says('stopped-too')].join('\n');
  const result = await restore({ before, after: says('started', 'env') });
  expect(errorsOf(result)).toEqual([]);
  expect(traced()).toEqual(['stopped', 'stopped-too', 'started']);
  expect(await rows()).toBe('100');
  expect(result.stdout).toContain('::group::before: command 1 of 2 (sh)');
  // What they are given holds no input: not the passphrase, and not the password in the URL.
  expect(result.log).toMatch(/\| TRACE=/);
  expect(result.log).not.toMatch(/\| INPUT_/);
  expect(result.log).not.toContain(PASSPHRASE);
});

test('without a swap they are not run, and the plan says so', async () => {
  const result = await restore({ replace: 'false', before: says('stopped'), after: says('started') });
  expect(errorsOf(result)).toEqual([]);
  expect(result.log).toContain('Does not run the commands of before and after');
  expect(traced()).toEqual([]);
});

test('one of before that fails: nothing is swapped, those after it are not run, and after is', async () => {
  const before = [says('stopped', 'exit 3'), says('never')].join('\n');
  const result = await restore({ before, after: says('started') });
  expect(errorsOf(result)).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(
        /before: command 1 of 2 \(sh\) exited with code 3.*The restored database is verified/s,
      ),
    }),
  ]);
  expect(traced()).toEqual(['stopped', 'started']);
  expect(await rows()).toBe('10');
});

test('one of after that fails: the restore stands, the others are run, and it is red', async () => {
  const after = [says('started', 'exit 4'), 'no-such-program --now', says('started-too')].join('\n');
  const result = await restore({ after });
  expect(errorsOf(result)).toEqual([
    {
      kind: 'error',
      title: 'Lifeboat: restored, but a command failed',
      message: expect.stringMatching(
        /is backup \S+ now and equals what was dumped\..*after: command 1 of 3 \(sh\) exited with code 4\. after: command 2 of 3 \(no-such-program\) could not be started/,
      ),
    },
  ]);
  expect(traced()).toEqual(['started', 'started-too']);
  expect(await rows()).toBe('100');
});

async function untilStopped(running: RunningAction): Promise<void> {
  let ended = false;
  void running.finished.then(() => {
    ended = true;
  });
  while (traced().length === 0) {
    if (ended) throw new Error(`it ended before that:\n${running.printed()}`);
    await sleep(20);
  }
}

test('cancelled while before runs: it is ended, nothing is swapped, and after is run', async () => {
  const running = startRestore({ before: says('stopped', 'sleep 600'), after: says('started') });
  await untilStopped(running);
  await running.cancel();
  expect(errorsOf(await running.finished)).toEqual([expect.objectContaining({ title: 'Lifeboat: cancelled' })]);
  expect(traced()).toEqual(['stopped', 'started']);
  expect(await rows()).toBe('10');
});

test('killed meanwhile: post runs after', async () => {
  const running = startRestore({ before: says('stopped', 'sleep 600'), after: says('started') });
  await untilStopped(running);
  running.kill('SIGKILL');
  const killed = await running.finished;
  expect(traced()).toEqual(['stopped']);
  const post = await runPost(killed);
  expect(post).toMatchObject({ exitCode: 0, stderr: '' });
  expect(traced()).toEqual(['stopped', 'started']);
  expect(await rows()).toBe('10');
});
