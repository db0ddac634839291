import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import {
  type ActionInputs,
  type ActionOptions,
  type ActionResult,
  type RunningAction,
  startAction,
} from '../action/harness.ts';
import { errorsOf, PASSPHRASE } from '../action/run-backup.ts';
import { HANG_LIMIT } from '../hang-limit.ts';
import type { PostgresServer } from '../servers/postgres.ts';
import { allProcesses, childrenOf, commandLine, hasEnvironment, isAlive } from '../servers/processes.ts';
import type { Place } from './places.ts';

/** What a fault needs: a database of one test file, and a store. */
export interface Rig {
  server: PostgresServer;
  database: string;
  place: Place;
  /** Beside those that the database and the store need, or instead of them. */
  inputs?: ActionInputs;
  env?: Record<string, string>;
}

/** How long a backend may outlive the run, in milliseconds. */
const BACKENDS_END_WITHIN = 20_000;

/**
 * Makes a database in which a dump takes a while: so many MiB of random bytes, which nothing compresses, and a small
 * table. The same block over and over is random enough: it comes again beyond zstd's window (512 KiB at level 1).
 */
export async function createBulkDatabase(server: PostgresServer, name: string, megabytes: number): Promise<void> {
  await server.createDatabase(name);
  await server.psql(name, bulkTables(megabytes));
}

/** The statements that make and fill them. */
export function bulkTables(megabytes: number): string {
  return `create table small as select n, 'row ' || n as text from generate_series(1, 1000) n;
    create table bulk (n integer, bytes bytea);
    alter table bulk alter bytes set storage external;
    with block as materialized (
      select string_agg(uuid_send(gen_random_uuid()), '') as bytes from generate_series(1, 65536)
    )
    insert into bulk select n, bytes from block, generate_series(1, ${megabytes}) n;
    analyze`;
}

/** Starts a backup. */
export function startBackup(rig: Rig, options: ActionOptions = {}): RunningAction {
  const { server, database, place, inputs, env } = rig;
  return startAction(
    { 'database-url': server.url(database), store: place.url, passphrase: PASSPHRASE, ...place.inputs, ...inputs },
    { cancelAfter: HANG_LIMIT, ...options, env: { ...place.env, ...env, ...options.env } },
  );
}

/** Shows that a backup succeeds as long as nothing is wrong. Resolves with what the store holds then. */
export async function showHealthy(rig: Rig): Promise<string[]> {
  const result = await startBackup(rig).finished;
  expectGreen(result);
  await expectNothingRuns(rig, result);
  const contents = await rig.place.contents();
  expect(contents).toContainEqual(expect.stringMatching(`${result.outputs.id}/manifest\\.json [1-9]`));
  expect(contents).not.toContainEqual(expect.stringMatching(/^upload|\.part-/));
  return contents;
}

export function expectGreen(result: ActionResult): void {
  const { exitCode, stderr } = result;
  expect({ exitCode, stderr, errors: errorsOf(result) }).toEqual({ exitCode: 0, stderr: '', errors: [] });
}

/** Waits until the store has taken so many bytes more than it held before, none of them under a manifest. */
export async function untilStored(
  { place }: Pick<Rig, 'place'>,
  run: RunningAction,
  bytes: number,
  before: string[],
): Promise<void> {
  const already = before.map((line) => Number(line.slice(line.lastIndexOf(' ')))).reduce((sum, size) => sum + size, 0);
  let ended = false;
  const end = run.finished.then(() => {
    ended = true;
  });
  while ((await place.bytes()) < already + bytes) {
    if (ended) throw new Error(`the run ended before ${bytes} bytes were stored:\n${run.printed()}`);
    await Promise.race([sleep(5), end]);
  }
}

/** The pid of the run's pg_dump that dumps everything, or definitions alone. */
export function pgDumpOf(run: RunningAction, which: 'data' | 'schema' = 'data'): number {
  const found = childrenOf(run.pid).find((pid) => {
    const line = commandLine(pid);
    return (
      line.includes('pg_dump') &&
      line.includes('--snapshot=') &&
      line.includes('--schema-only') === (which === 'schema')
    );
  });
  if (found === undefined)
    throw new Error(`no pg_dump of ${which} runs:\n${childrenOf(run.pid).map(commandLine).join('\n')}`);
  return found;
}

/** Ends the run's backend of that role (`snapshot`, `data`, `schema`) as an administrator does. */
export async function terminateBackend({ server, database }: Rig, role: string): Promise<void> {
  const ended = await server.psql(
    'postgres',
    `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = '${database}' and application_name like 'lifeboat-%-${role}'`,
  );
  expect(ended).toBe('t');
}

/** A run that has failed: one annotation that says what and what next, and nothing is left of it anywhere. */
export async function expectRed(rig: Rig, result: ActionResult, before: string[], says: RegExp): Promise<void> {
  await expectEnded(rig, result, before, 'Lifeboat: backup failed', says);
}

/** A run that was cancelled, in time for the runner not to send another signal. */
export async function expectCancelled(rig: Rig, result: ActionResult, before: string[]): Promise<void> {
  const says = /^The run was cancelled \(.+\)\. Nothing was kept of it\.$/;
  await expectEnded(rig, result, before, 'Lifeboat: cancelled', says);
}

async function expectEnded(
  rig: Rig,
  result: ActionResult,
  before: string[],
  title: string,
  says: RegExp,
): Promise<void> {
  const { exitCode, signal, stderr, outputs } = result;
  const errors = errorsOf(result);
  expect({ exitCode, signal, stderr, outputs, errors }).toEqual({
    exitCode: 1,
    signal: null,
    stderr: '',
    outputs: {},
    errors: [{ kind: 'error', title, message: expect.stringMatching(says) }],
  });
  // Nor did it hang until this test cancelled it.
  if (title !== 'Lifeboat: cancelled') expect(result.log).not.toContain('cancelling');
  expect(result.summary).toMatch(/^## ❌/);
  expect(await rig.place.contents()).toEqual(before);
  await expectNothingRuns(rig, result);
}

/** No process, backend, lock or file of the run is left, and nothing for `post:` to do. */
export async function expectNothingRuns(rig: Rig, result: ActionResult): Promise<void> {
  expect(processesOf(result).map(commandLine)).toEqual([]);
  await expectNoBackends(rig, result);
  expect(readdirSync(result.runnerTemp).filter((name) => !/^lifeboat-.*\.json$/.test(name))).toEqual([]);
  expect(JSON.parse(result.state.leftovers ?? '[]')).toEqual([]);
}

/** Every process that the run has begun, however deep, and that still lives: each has the run's own HOME. */
export function processesOf({ step }: ActionResult): number[] {
  const home = `HOME=${join(step.folder, 'home')}`;
  return allProcesses().filter((pid) => isAlive(pid) && hasEnvironment(pid, home));
}

/** No session of the run is left on the server, nor a lock of any session but those of runs beside it. */
export async function expectNoBackends({ server, database }: Rig, { log }: ActionResult): Promise<void> {
  // A run that never had a connection has no id yet.
  const ours = `lifeboat-${/^Backup (\S+) of database/m.exec(log)?.[1] ?? '%'}-%`;
  const look = () =>
    server.psql(
      'postgres',
      `with session as (
        select *, application_name like '${ours}' as ours from pg_stat_activity
        where datname = '${database}' and backend_type = 'client backend'
      )
      select distinct 'backend ' || application_name || ' ' || state from session where ours
      union all
      select distinct 'lock ' || mode || ' of ' || application_name from session join pg_locks using (pid)
      where ours or application_name not like 'lifeboat-%'`,
    );
  const end = Date.now() + BACKENDS_END_WITHIN;
  let left = await look();
  while (left !== '' && Date.now() < end) {
    await sleep(50);
    left = await look();
  }
  expect(left).toBe('');
}
