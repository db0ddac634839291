import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BackupReport } from '../../../src/commands/backup/report.ts';
import type { RestoreReport } from '../../../src/commands/restore/report.ts';
import { type ActionResult, runAction } from '../../support/action/harness.ts';
import { inventoryOf } from '../../support/action/inventory-of.ts';
import { errorsOf, PASSPHRASE, runBackup } from '../../support/action/run-backup.ts';
import { expectProven, runRestoreTest } from '../../support/action/run-restore-test.ts';
import { newStoreFolder, type StoreFolder } from '../../support/action/stored-backup.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

/*
 * Planning a query runs what is constant in it, with the rights of the role that queries: functions in index expressions
 * and predicates, statistics and constraints. Whoever owns a table in the database that is backed up, "app" here, would
 * run code as the role that backs up, or restores.
 */
const DATABASE = 'shop';

/** Of the role app: tables of 20 rows with a function that reports who runs it. */
const HOSTILE: Record<string, string> = {
  index_expression: 'create index on hostile.index_expression ((id + hostile.run(1)))',
  index_predicate: 'create index on hostile.index_predicate (id) where id > hostile.run(0)',
  exclusion: 'alter table hostile.exclusion add exclude using btree ((id + hostile.run(1)) with =)',
  statistics: 'create statistics hostile.s on (id + hostile.run(1)), (id * 2) from hostile.statistics',
  check_constraint: 'alter table hostile.check_constraint add check (id + hostile.run(1) > 0)',
  an_operator: 'create index on hostile.an_operator ((id + (1 operator(hostile.%%) 1)))',
  a_cast: "create index on hostile.a_cast ((id + 'one'::hostile.word::int))",
  a_domain: 'alter table hostile.a_domain add check (id >= 0::hostile.checked)',
  a_composite: 'create index on hostile.a_composite ((id + ((1, 2)::hostile.pair).a))',
};

const SETUP = `
create role app login; create role lifeboat login password 'lifeboat';
grant pg_read_all_data to lifeboat; alter role lifeboat set lo_compat_privileges = on;
create database ${DATABASE} owner app;
alter database ${DATABASE} set constraint_exclusion = on;
`;

const OBJECTS = `
create extension citext;
create schema hostile authorization app;
set role app;
create function hostile.run(i int) returns int immutable language plpgsql as $$
begin
  if current_user <> 'app' or current_setting('application_name') like 'lifeboat-%' then
    raise log 'HOSTILE CODE as % in %', current_user, current_setting('application_name');
  end if;
  return i;
end $$;
create function hostile.run(i int, j int) returns int immutable language sql as 'select hostile.run(i) + j';
create operator hostile.%% (function = hostile.run, leftarg = int, rightarg = int);
create type hostile.word as enum ('one', 'two');
create function hostile.number(hostile.word) returns int immutable language sql as 'select hostile.run(1)';
create cast (hostile.word as int) with function hostile.number(hostile.word);
create domain hostile.checked as int check (hostile.run(value) >= 0);
create type hostile.pair as (a int, b hostile.checked);
${Object.keys(HOSTILE)
  .map((name) => `create table hostile.${name} as select generate_series(1, 20) as id;`)
  .join('\n')}
create table hostile.parts (id int) partition by range ((id + hostile.run(1)));
create table hostile.leaf partition of hostile.parts for values from (0) to (100);
insert into hostile.parts select generate_series(1, 20);
create table hostile.own_class (id int);
insert into hostile.own_class select generate_series(1, 20);
create materialized view hostile.view as select generate_series(1, 20) as id;
create index on hostile.view ((id + hostile.run(1)));
create view hostile.seen as select hostile.run(1);
select lo_from_bytea(4711, 'abc');

create schema harmless;
create type harmless.mood as enum ('fine', 'sad');
create domain harmless.price as numeric check (value >= 0);
create table harmless.orders (
  id int primary key, parent int references harmless.orders, mood harmless.mood check (mood in ('fine', 'sad')),
  moods harmless.mood[] check (moods <> '{sad}'), price harmless.price check (price < 1000), email public.citext unique,
  tax numeric generated always as (hostile.run(1)) stored, text text collate "C"
);
create index on harmless.orders (lower(text), (price * 2)) where mood = 'fine';
create index on harmless.orders ((email || 'x'::public.citext));
insert into harmless.orders (id, mood, email) select n, 'fine', 'a' || n from generate_series(1, 20) n;
create table harmless.policed (id int);
insert into harmless.policed select generate_series(1, 20);
create policy p on harmless.policed using (id > hostile.run(0));
alter table harmless.policed enable row level security;
reset role;
create function hostile.compare(a int, b int) returns int immutable language sql as 'select hostile.run(a) - b';
alter function hostile.compare owner to app;
create operator class hostile.ints for type int using btree as
  operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 hostile.compare(int, int);
create index on hostile.own_class (id hostile.ints);
alter role lifeboat bypassrls;
set role app;
`;

const ALL_HOSTILE = [...Object.keys(HOSTILE), 'leaf', 'own_class'].sort();

let server: PostgresServer;
let store: StoreFolder;

beforeAll(async () => {
  server = await startPostgres();
  await server.psql('postgres', SETUP);
  await server.psql(DATABASE, `${OBJECTS}${Object.values(HOSTILE).join(';\n')}`);
  await server.psql(DATABASE, 'analyze');
});

afterAll(() => server.stop('immediate'));

/** What the hostile functions have said of who ran them, since. */
function ranSince(logged: number): string[] {
  return server
    .log()
    .slice(logged)
    .split('\n')
    .flatMap((line) => /HOSTILE CODE as (.*)$/.exec(line)?.[1] ?? []);
}

function backup(user: 'lifeboat' | 'postgres', fingerprint: 'rows' | 'content'): Promise<ActionResult> {
  store = newStoreFolder();
  const url = new URL(server.url(DATABASE));
  if (user === 'lifeboat') [url.username, url.password] = ['lifeboat', 'lifeboat'];
  return runBackup({ 'database-url': url.href, store: store.url, passphrase: PASSPHRASE, fingerprint });
}

const reportOf = <T>({ outputs }: ActionResult) => JSON.parse(readFileSync(outputs.report ?? '', 'utf8')) as T;

describe.each(['lifeboat', 'postgres'] as const)('a backup as %s', (user) => {
  test.each(['rows', 'content'] as const)('with fingerprint: %s runs no code of the tables', async (fingerprint) => {
    const logged = server.log().length;
    const result = await backup(user, fingerprint);
    expect(errorsOf(result)).toEqual([]);
    expect(ranSince(logged)).toEqual([]);
    expect(result.outputs.rows).toBe(String(20 * (ALL_HOSTILE.length + 2)));
  });
});

test('the report names the tables whose rows were counted in the dump alone, and why', async () => {
  const result = await backup('lifeboat', 'rows');
  const { countedInDump } = reportOf<BackupReport>(result);
  expect(Object.fromEntries(countedInDump.map(({ name, reason }) => [name, reason]))).toEqual({
    index_expression: expect.stringMatching(/^index ".*" uses function "run"$/),
    index_predicate: expect.stringMatching(/^index ".*" uses function "run"$/),
    exclusion: expect.stringMatching(/^index ".*" uses function "run"$/),
    statistics: 'statistics "s" uses function "run"',
    check_constraint: expect.stringMatching(/^constraint ".*" uses function "run"$/),
    an_operator: expect.stringMatching(/^index ".*" uses operator "%%"$/),
    a_cast: expect.stringMatching(/^index ".*" uses function "number"$/),
    a_domain: expect.stringMatching(/^constraint ".*" uses type "checked"$/),
    a_composite: expect.stringMatching(/^index ".*" uses type "(checked|pair)"$/),
    leaf: 'partitioned table "parts" uses function "run"',
    own_class: expect.stringMatching(/^index ".*" uses operator class "ints"$/),
  });
  expect(result.summary).toContain('- hostile.leaf: partitioned table &#34;parts&#34; uses function &#34;run&#34;');
});

test('every other table is counted by a query too, and its content digested', async () => {
  const { tables, materializedViews } = await inventoryOf(server, DATABASE);
  const digested = tables.filter(({ fingerprint }) => fingerprint !== null);
  expect(digested.map(({ name, userCode }) => [name, userCode])).toEqual([
    ['orders', null],
    ['policed', null],
  ]);
  const others = tables.filter(({ fingerprint }) => fingerprint === null);
  expect(others.map(({ name }) => name).sort()).toEqual(ALL_HOSTILE);
  for (const table of others) {
    expect(table).toMatchObject({ rows: '20', dumped: true });
    expect(table.reason).toMatch(/^Its content was not digested, because a query would run code/);
  }
  expect(materializedViews).toEqual([{ schema: 'hostile', name: 'view', populated: true, rows: null }]);
});

test('a restore test compares the rows, and lists what was not digested as not verified', async () => {
  await backup('lifeboat', 'content');
  const result = await runRestoreTest(store);
  expectProven(result);
  const { tables, notVerified, verified } = result.report;
  expect(verified).toContainEqual(expect.stringMatching(/^1 large object: /));
  expect(tables.filter(({ restored }) => restored === '20')).toHaveLength(ALL_HOSTILE.length + 2);
  expect(verified).toContain('2 tables: the content of every row');
  const notDigested = notVerified.filter((line) => /content was not digested/.test(line));
  expect(notDigested).toHaveLength(ALL_HOSTILE.length);
});

test('a restore into a server that goes on living plans no query on such a table either', async () => {
  await backup('postgres', 'content');
  const logged = server.log().length;
  const restored = await runAction({
    command: 'restore',
    store: store.url,
    name: DATABASE,
    passphrase: PASSPHRASE,
    'database-url': server.url(DATABASE),
    confirm: DATABASE,
  });
  expect(errorsOf(restored)).toEqual([]);
  const { tables, verdict } = reportOf<RestoreReport>(restored);
  expect(verdict).toBe('proven');
  expect(tables.filter((table) => table.restored === '20')).toHaveLength(ALL_HOSTILE.length + 2);
  // pg_restore builds indexes and checks constraints; what reads afterwards is ours.
  const ran = ranSince(logged);
  expect(ran.filter((line) => line.endsWith('-restore')).length).toBeGreaterThan(0);
  expect(ran.filter((line) => !line.endsWith('-restore'))).toEqual([]);
});
