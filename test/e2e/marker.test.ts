import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { type RunningAction, runAction, startAction } from '../support/action/harness.ts';
import { backupInputs, PASSPHRASE } from '../support/action/run-backup.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { runFolder } from '../support/servers/run.ts';

/* A row of the database must lie nowhere in readable form but in the two servers' own folders. */
const DATABASE = 'marked';
/** Put together here, so that this file does not hold it. */
const MARKER = ['row', 'that', 'nobody', 'may', 'read'].join('~');
const SHARED_MEMORY = '/dev/shm';

let server: PostgresServer;
let store: StoreFolder;
/** Throwaway clusters of other tests lie elsewhere. */
let scratch: string;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase(DATABASE);
  await server.psql(
    DATABASE,
    `create table rows as select n, '${MARKER}' as marker, repeat(md5(n::text), 30) as filling from generate_series(1, 20000) n;
     create index on rows (marker)`,
  );
  store = newStoreFolder();
  scratch = mkdtempSync(join(runFolder(), 'm-'));
  chmodSync(scratch, 0o711); // The server's user passes through.
});

/** Files that hold the marker: of the run, of anything of ours in the machine's own folder, of what may lie in memory. A server's own are left out. */
function readable(): string[] {
  const elsewhere = readdirSync(tmpdir())
    .filter((name) => name.startsWith('lifeboat-'))
    .map((name) => join(tmpdir(), name));
  const shared = existsSync(SHARED_MEMORY) ? [SHARED_MEMORY] : [];
  const options = ['-rlF', '--exclude-dir=data', '--exclude-dir=pg_*', '--exclude-dir=base', '--devices=skip', '-s'];
  const { stdout } = spawnSync('grep', [...options, MARKER, runFolder(), ...elsewhere, ...shared], {
    encoding: 'utf8',
  });
  return [...new Set(stdout.split('\n').filter((line) => line !== '' && !line.startsWith(server.dataDir)))];
}

async function readableDuring(action: RunningAction): Promise<string[]> {
  const found = new Set<string>();
  let runs = true;
  const ended = action.finished.finally(() => {
    runs = false;
  });
  while (runs) {
    for (const file of readable()) found.add(file);
    await sleep(50);
  }
  expect((await ended).exitCode).toBe(0);
  return [...found];
}

test('the search finds what is readable', () => {
  const result = spawnSync('grep', ['-rlF', MARKER, server.dataDir], { encoding: 'utf8' });
  expect(result.stdout).not.toBe('');
});

test('G1: during a backup', async () => {
  expect(await readableDuring(startAction(backupInputs(server, DATABASE, store)))).toEqual([]);
});

const restoreInputs = (): Record<string, string> => ({
  command: 'restore-test',
  store: store.url,
  passphrase: PASSPHRASE,
  'scratch-dir': scratch,
});

test.each(['1', '2'])('G1: during a restore test with %s jobs, and after it', async (jobs) => {
  expect(await readableDuring(startAction({ ...restoreInputs(), jobs }))).toEqual([]);
  expect(scratchClusters()).toEqual([]);
});

test('a run that was killed in the middle leaves a cluster, and the next run removes it', async () => {
  const action = startAction(restoreInputs());
  while (scratchClusters().length === 0) await sleep(20);
  await sleep(700);
  action.kill('SIGKILL');
  await action.finished;
  const left = scratchClusters();
  expect(left).toHaveLength(1);
  const next = await runAction(restoreInputs());
  expect(next.outputs.verdict).toBe('proven');
  expect(scratchClusters()).toEqual([]);
  expect(readable()).toEqual([]);
});

function scratchClusters(): string[] {
  return readdirSync(scratch).filter((name) => name.startsWith('lifeboat-scratch-'));
}
