import { beforeAll, expect, test } from '@jest/globals';
import { readState } from '../../../../src/postgres/restore/state.ts';
import { serverTo } from '../../../support/postgres/server-to.ts';
import { type PostgresServer, sharedPostgres } from '../../../support/servers/postgres.ts';

const DATABASE = 'user_code';
const ROWS: Record<string, string> = {
  lines: '3',
  long: '2',
  no_columns: '12',
  only_generated: '13',
  nothing: '0',
  'odd "name"\n': '1',
  leaf: '4',
};

let server: PostgresServer;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase(DATABASE, 'template template0');
  await server.psql(
    DATABASE,
    `create function run(i int) returns int immutable language plpgsql as $$ begin
      if current_setting('application_name') like 'lifeboat-%' then raise log 'USER CODE RUNS'; end if; return i; end $$;
    create table lines (a text, id int); insert into lines values (E'a\\nb', 1), (E'\\\\.', 2), (null, 3);
    create table long (a text); insert into long select repeat('x', 200000) from generate_series(1, 2);
    create table no_columns (); insert into no_columns select from generate_series(1, 12);
    create table only_generated (a int generated always as (1) stored); insert into only_generated select from generate_series(1, 13);
    create table nothing (a int);
    create table "odd ""name""
" ("A ""b""
" int); insert into "odd ""name""
" values (1);
    create table parts (a int, b int) partition by range (a); create table leaf partition of parts for values from (1) to (9);
    insert into parts select n, n from generate_series(1, 4) n;
    do $$ declare t regclass; begin
      for t in select oid::regclass from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace loop
        execute format('create index on %s ((run(1)))', t);
      end loop; end $$`,
  );
});

/** What is read of the tables, and whether that ran their functions. */
async function read(ours: boolean) {
  const logged = server.log().length;
  const { tables } = await readState(await serverTo(server, DATABASE), 'content', { ours });
  return { tables, ran: server.log().slice(logged).includes('USER CODE RUNS') };
}

test('on a server that is not ours such tables are counted by COPY, which runs nothing', async () => {
  const { tables, ran } = await read(false);
  expect(ran).toBe(false);
  expect(Object.fromEntries(tables.map(({ name, rows }) => [name, rows]))).toEqual(ROWS);
  for (const table of tables) {
    expect(table).toMatchObject({
      fingerprint: null,
      userCode: expect.stringMatching(/^index ".*" uses function "run"$/s),
    });
  }
});

test('the control: on a throwaway server queries read them, and their functions run', async () => {
  const { tables, ran } = await read(true);
  expect(ran).toBe(true);
  expect(Object.fromEntries(tables.map(({ name, rows }) => [name, rows]))).toEqual(ROWS);
  expect(tables.map(({ fingerprint }) => fingerprint)).not.toContain(null);
});
