import { chmodSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ActionInputs, type ActionResult, startAction } from '../../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../../support/action/run-backup.ts';
import { filesBelow, newStoreFolder, type StoreFolder } from '../../support/action/stored-backup.ts';
import { processesOf } from '../../support/faults/rig.ts';
import { HANG_LIMIT } from '../../support/hang-limit.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { allProcesses, commandLine, isAlive, workingFolder } from '../../support/servers/processes.ts';
import { runFolder } from '../../support/servers/run.ts';

const LIVE = 'restore_timeout';

/** Code of the dump that does not end where it is restored, and ends at once where it was dumped. */
const ATTACKS = {
  'a materialized view': `create table orders as select 1 as n;
    create materialized view slow as
    select 1 as n, case when current_database() in ('DB') then null else pg_sleep(1e6)::text end as slept`,
  'an index expression': `create table orders as select n from generate_series(1, 10) n;
    create index on orders (wait(n))`,
  'a check constraint': `create table orders (n integer check (wait(n) is not null));
    insert into orders values (1)`,
  'a backend that only computes': `create table orders as select n from generate_series(1, 10) n;
    create index on orders (spin(n))`,
};

const FUNCTIONS = `
create function wait(integer) returns integer immutable language plpgsql as $$
begin
  if current_database() not in ('DB') then perform pg_sleep(1e6); end if;
  return $1;
end $$;
create function spin(integer) returns integer immutable language plpgsql as $$
begin
  while current_database() not in ('DB') loop end loop;
  return $1;
end $$;
`;

let server: PostgresServer;
let stores: Record<string, StoreFolder>;
let scratch: string;

beforeAll(async () => {
  server = await startPostgres();
  stores = {};
  for (const [index, [attack, sql]] of Object.entries(ATTACKS).entries()) {
    const database = `${LIVE}_${index}`;
    await server.createDatabase(database);
    await server.psql(database, (FUNCTIONS + sql).replaceAll('DB', database));
    const store = newStoreFolder();
    stores[attack] = store;
    const result = await runBackup({ ...backupInputs(server, database, store), name: LIVE });
    expect(errorsOf(result)).toEqual([]);
  }
  await server.createDatabase(LIVE);
  await server.psql(LIVE, 'create table live as select 1 as n');
});

beforeEach(() => {
  scratch = mkdtempSync(join(runFolder(), 'scratch-'));
  chmodSync(scratch, 0o711); // The server's user passes through.
});

function run(inputs: ActionInputs): Promise<ActionResult> {
  const all = { name: LIVE, passphrase: PASSPHRASE, 'restore-timeout': '3s', ...inputs };
  return startAction(all, { cancelAfter: HANG_LIMIT }).finished;
}

function expectEnded(result: ActionResult): void {
  expect(result.log).not.toContain('cancelling');
  expect(result.exitCode).toBe(1);
  expect(errorsOf(result)).toEqual([
    {
      kind: 'error',
      title: expect.stringMatching(/^Lifeboat: restore(-test)? failed$/),
      message: expect.stringMatching(
        /^The restore did not end within restore-timeout \(3\.0 s\).*Raise restore-timeout/,
      ),
    },
  ]);
  expect(processesOf(result).map(commandLine)).toEqual([]);
  expect(JSON.parse(result.state.leftovers ?? '[]')).toEqual([]);
}

describe.each(Object.keys(ATTACKS))('%s of the backup that does not end', (attack) => {
  test('is ended in a restore test, with its server', async () => {
    const store = stores[attack] as StoreFolder;
    const before = filesBelow(store.path);
    const result = await run({ command: 'restore-test', store: store.url, 'scratch-dir': scratch });
    expectEnded(result);
    expect(readdirSync(scratch)).toEqual([]);
    const left = allProcesses().filter((pid) => isAlive(pid) && workingFolder(pid).startsWith(`${scratch}/`));
    expect(left.map(commandLine)).toEqual([]);
    // Nothing was found out about the backup, so nothing is said of it.
    expect(filesBelow(store.path)).toEqual(before);
  });
});

const databases = () =>
  server.psql(
    'postgres',
    `select string_agg(datname, ', ') from pg_database where datname like '${LIVE}%' and datname !~ '_[0-9]$'`,
  );
const backends = () =>
  server.psql('postgres', "select count(*) from pg_stat_activity where application_name like 'lifeboat-%'");

test.each([
  ['a materialized view', {}],
  ['an index expression', { jobs: '2' }],
])('%s is ended in a restore beside the live database, which goes on', async (attack, more) => {
  const target = { 'database-url': server.url(LIVE), confirm: LIVE, replace: 'true' };
  const result = await run({ command: 'restore', store: stores[attack]?.url ?? '', ...target, ...more });
  expectEnded(result);
  expect(await databases()).toBe(LIVE);
  expect(await backends()).toBe('0');
  expect(await server.psql(LIVE, 'select n from live')).toBe('1');
});

test('a scratch server that goes on living keeps nothing of it', async () => {
  const result = await run({
    command: 'restore-test',
    store: stores['a materialized view']?.url ?? '',
    'scratch-url': server.url('postgres'),
  });
  expectEnded(result);
  expect(await databases()).toBe(LIVE);
  expect(await backends()).toBe('0');
});

test('a restore that ends in time is not touched', async () => {
  await server.createDatabase(`${LIVE}_9`);
  await server.psql(`${LIVE}_9`, 'create table t as select 1 as n');
  const store = newStoreFolder();
  await runBackup({ ...backupInputs(server, `${LIVE}_9`, store), name: LIVE });
  const result = await run({ command: 'restore-test', store: store.url, 'restore-timeout': '40s' });
  expect(result).toMatchObject({ exitCode: 0, outputs: { verdict: 'proven' } });
});
