import { chmodSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type ActionResult, type RunningAction, runPost, startAction } from '../../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../../support/action/run-backup.ts';
import { filesBelow, newStoreFolder, type StoreFolder } from '../../support/action/stored-backup.ts';
import { createBulkDatabase, processesOf } from '../../support/faults/rig.ts';
import { sharedPostgres } from '../../support/servers/postgres.ts';
import {
  allProcesses,
  commandLine,
  isAlive,
  signal,
  waitUntilGone,
  workingFolder,
} from '../../support/servers/processes.ts';
import { runFolder } from '../../support/servers/run.ts';

const DATABASE = 'faults_restore_test';
/** Milliseconds after SIGINT, when the runner sends SIGTERM. */
const SECOND_SIGNAL = 7_500;

let store: StoreFolder;
let stored: string[];
let scratch: string;

beforeAll(async () => {
  const server = await sharedPostgres();
  await createBulkDatabase(server, DATABASE, 100);
  // A backend that computes hears of nothing: not that its client has gone, nor its postmaster.
  await server.psql(
    DATABASE,
    `create function busy(integer) returns integer immutable language plpgsql as $$
    begin
      while current_database() like '%_test_%' loop end loop;
      return $1;
    end $$;
    create index on small (busy(n))`,
  );
  store = newStoreFolder();
  const backup = await runBackup(backupInputs(server, DATABASE, store));
  expect(errorsOf(backup)).toEqual([]);
  stored = filesBelow(store.path);
});

beforeEach(() => {
  scratch = mkdtempSync(join(runFolder(), 'scratch-'));
  chmodSync(scratch, 0o711); // The server's user passes through.
});

afterEach(() => {
  for (const pid of serverProcesses()) signal(pid, 'SIGKILL');
});

/** Starts a restore test, and waits until a backend of its server does this. */
async function midway(doing: string): Promise<RunningAction> {
  const run = startAction({
    command: 'restore-test',
    store: store.url,
    passphrase: PASSPHRASE,
    'scratch-dir': scratch,
  });
  await run.waitFor(() => serverProcesses().some((pid) => commandLine(pid).endsWith(doing)));
  return run;
}

/** The throwaway server's processes all work in its folder, also when that is removed. */
function serverProcesses(): number[] {
  return allProcesses().filter((pid) => isAlive(pid) && workingFolder(pid).startsWith(`${scratch}/`));
}

async function expectNothingLeft(result: ActionResult): Promise<void> {
  expect(readdirSync(scratch)).toEqual([]);
  expect(serverProcesses().map(commandLine)).toEqual([]);
  expect(processesOf(result).map(commandLine)).toEqual([]);
  expect(filesBelow(store.path)).toEqual(stored);
}

test.each([
  ['SIGINT', 'COPY'],
  ['SIGTERM', 'CREATE INDEX'],
] as const)('A2: a restore test is ended by %s in the middle of %s: nothing is left', async (name, doing) => {
  const run = await midway(doing);
  const started = performance.now();
  run.kill(name);
  const result = await run.finished;
  expect(performance.now() - started).toBeLessThan(SECOND_SIGNAL);
  expect(result).toMatchObject({ exitCode: 1, signal: null, stderr: '', outputs: {} });
  expect(errorsOf(result)).toEqual([
    { kind: 'error', title: 'Lifeboat: cancelled', message: expect.stringContaining('Nothing was kept of it.') },
  ]);
  expect(JSON.parse(result.state.leftovers ?? '[]')).toEqual([]);
  await expectNothingLeft(result);
});

test.each(['COPY', 'CREATE INDEX'])('main is killed in the middle of %s, and post ends the server', async (doing) => {
  const run = await midway(doing);
  run.kill('SIGKILL');
  const killed = await run.finished;
  expect(killed).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  expect(readdirSync(scratch)).toEqual([expect.stringMatching(/^lifeboat-scratch-/)]);
  // An isolated server ends with its owner; one without process ids of its own is ended by post.
  for (const time of ['first', 'second']) {
    const post = await runPost(killed);
    expect({ time, ...post }).toMatchObject({ time, exitCode: 0, signal: null, stderr: '', annotations: [] });
    expect(post.duration).toBeLessThan(60_000);
    await waitUntilGone([...serverProcesses(), ...processesOf(killed)], 10_000);
    await expectNothingLeft(killed);
  }
});
