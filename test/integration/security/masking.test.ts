import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { runAfterRestore } from '../../../src/postgres/restore/after-restore/run.ts';
import { serverTo } from '../../support/postgres/server-to.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { runFolder } from '../../support/servers/run.ts';

/* What a file of after-restore replaces is gone, whatever the source's own objects do. By the oldest server and the newest. */
const DATABASE = 'restored';

const STATES = `
  select string_agg(state, ' ' order by state collate "C") from (
    select tgname || '@' || tgrelid::regclass || '=' || tgenabled::text from pg_trigger left join pg_constraint on pg_constraint.oid = tgconstraint
      where tgconstraint = 0 or contype = 't'
    union all select rulename || '=' || ev_enabled::text from pg_rewrite where ev_class = 'odd."Table ""1"""'::regclass
    union all select evtname || '=' || evtenabled::text from pg_event_trigger) states (state)`;

let server: PostgresServer;

const psql = (sql: string) => server.psql(DATABASE, sql);

function startServer(major?: number): void {
  beforeAll(async () => {
    server = await startPostgres(major === undefined ? {} : { major });
  });

  beforeEach(async () => {
    await server.dropDatabase(DATABASE);
    await server.createDatabase(DATABASE);
  });

  afterAll(() => server.stop('immediate'));
}

/** The database's own settings are the source's, and must not act on what Lifeboat does. */
async function after(sql: string): Promise<void> {
  const file = join(mkdtempSync(join(runFolder(), 'mask-')), 'mask.sql');
  writeFileSync(file, `set transaction read write; ${sql}`);
  await psql(`alter database ${DATABASE} set default_transaction_read_only = on`);
  await runAfterRestore(await serverTo(server, DATABASE), file);
  await server.psql('postgres', `alter database ${DATABASE} reset all`);
}

/** The files of the database in which a text stands, as it is: what is that short is not compressed. */
async function files(text: string): Promise<string[]> {
  await psql('checkpoint');
  const folder = join(
    server.dataDir,
    'base',
    await psql('select oid from pg_database where datname = current_database()'),
  );
  return readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(text));
}

describe.each([13, undefined, 18])('PostgreSQL %s', (major) => {
  startServer(major);

  test('triggers, rules and event triggers: none fires meanwhile, and each has its old state', async () => {
    await psql(`
      create schema odd;
      create table odd."Table ""1""" (id int primary key, text text);
      create table child (id int references odd."Table ""1""" on update cascade);
      create table deferred (id int unique deferrable initially deferred);
      insert into odd."Table ""1""" select n, 'real' from generate_series(1, 5) n;
      insert into child select id from odd."Table ""1""";
      create function fail() returns trigger language plpgsql as $$ begin raise 'it fires'; end $$;
      create function fail_event() returns event_trigger language plpgsql as $$ begin raise 'it fires'; end $$;
      create table parts (a int, b int) partition by list (a);
      create table part_1 partition of parts for values in (1) partition by list (b);
      create table part_1_1 partition of part_1 for values in (1);
      create table part_2 partition of parts for values in (2);
      insert into parts values (1, 1), (2, 1);
      create trigger "on ""all""" after update on parts for each row execute function fail();
      alter table part_1_1 enable replica trigger "on ""all""";
      alter table part_2 disable trigger "on ""all""";
      create trigger origin before update on odd."Table ""1""" for each row execute function fail();
      create trigger always before update on odd."Table ""1""" for each statement execute function fail();
      create trigger replica before update on odd."Table ""1""" for each row execute function fail();
      create trigger disabled before update on odd."Table ""1""" for each row execute function fail();
      create trigger truncates before truncate on odd."Table ""1""" execute function fail();
      create constraint trigger late after update on odd."Table ""1""" deferrable initially deferred
        for each row execute function fail();
      alter table odd."Table ""1""" enable always trigger always, enable replica trigger replica, disable trigger disabled,
        enable always trigger late;
      create rule "a ""rule""" as on delete to odd."Table ""1""" do instead nothing;
      create rule always as on delete to odd."Table ""1""" do also insert into child values (old.id);
      create rule replica as on insert to odd."Table ""1""" do instead nothing;
      create rule disabled as on insert to odd."Table ""1""" do instead nothing;
      alter table odd."Table ""1""" enable always rule always, enable replica rule replica, disable rule disabled;
      create event trigger "an ""event""" on ddl_command_start execute function fail_event();
      create event trigger always on sql_drop execute function fail_event();
      create event trigger disabled on table_rewrite execute function fail_event();
      alter event trigger always enable always;
      alter event trigger disabled disable`);
    const before = await psql(STATES);
    expect(new Set(before.match(/=./g))).toEqual(new Set(['=O', '=A', '=R', '=D']));
    await after(`
      update odd."Table ""1""" set id = id + 10, text = 'masked';
      update parts set b = 1;
      delete from odd."Table ""1""" where id = 15 and not exists (select from child where child.id = 15);
      alter table odd."Table ""1""" add column masked bool;
      alter table odd."Table ""1""" drop column masked`);
    expect(await psql(`select count(*), min(id), min(text) from odd."Table ""1"""`)).toBe('5|11|masked');
    expect(await psql('select min(id), max(id) from child')).toBe('11|15');
    expect(await psql(STATES)).toBe(before);
    await expect(psql('create table t ()')).rejects.toThrow(/it fires/);
  });

  test('no statistic and no file of the database holds an old value', async () => {
    const secret = `Real-${randomBytes(8).toString('hex')}`;
    const long = randomBytes(40_000).toString('hex');
    await psql(`
      create table many (text text, dropped text, unwatched text);
      insert into many select '${secret}', '${secret}', '${secret}' from generate_series(1, 500);
      alter table many alter unwatched set statistics 100;
      create index on many (text);
      create table emptied (a text, b text);
      insert into emptied select '${secret}', '${secret}' from generate_series(1, 500);
      create statistics together (mcv) on a, b from emptied;
      create table toasted (text text);
      alter table toasted alter text set storage external;
      insert into toasted values ('${secret}${long}');
      create table parent (text text);
      create table child () inherits (parent);
      insert into child select '${secret}' from generate_series(1, 500);
      select lo_from_bytea(4711, '${secret}');
      create function secret() returns text language sql as $$ select '${secret}' $$;
      comment on table many is '${secret}';
      analyze;
      alter table many alter unwatched set statistics 0`);
    expect(await files(secret)).not.toEqual([]);
    await after(`
      update many set text = 'masked', unwatched = 'masked';
      alter table many drop column dropped;
      delete from emptied;
      update toasted set text = 'masked';
      update parent set text = 'masked';
      select lo_unlink(4711);
      drop function secret();
      comment on table many is 'masked'`);
    expect(await psql(`select count(*) from pg_stats where pg_stats::text like '%${secret}%'`)).toBe('0');
    expect(await psql("select most_common_vals from pg_stats where tablename = 'many' and attname = 'text'")).toBe(
      '{masked}',
    );
    expect(await psql(`select count(*) from pg_statistic_ext_data`)).toBe('0');
    expect(await files(secret)).toEqual([]);
  });
});

describe('what is found', () => {
  startServer();

  test('what the file itself drops, creates and enables is left so; what was there has its old state', async () => {
    await psql(`
      create table t (id int);
      create function nothing() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger stays before update on t for each row execute function nothing();
      create trigger goes before update on t for each row execute function nothing();
      alter table t disable trigger stays`);
    await after(`
      alter table t enable trigger all;
      drop trigger goes on t;
      create trigger new before update on t for each row execute function nothing()`);
    expect(await psql("select string_agg(tgname || tgenabled::text, ' ' order by tgname) from pg_trigger")).toBe(
      'newO staysD',
    );
  });

  test('materialized views are computed anew, also where a function hides what they read', async () => {
    await psql(`
      set check_function_bodies = off;
      create table t (text text);
      insert into t values ('real');
      create function hidden() returns setof text language sql as 'select text from public.base';
      create materialized view first as select * from hidden() text with no data;
      create materialized view "over ""it""" as select text || '!' as text from first with no data;
      create materialized view base as select text from t;
      create materialized view never as select text from t with no data;
      refresh materialized view first;
      refresh materialized view "over ""it"""`);
    await after("update t set text = 'masked'");
    expect(
      await psql('select (select text from base), (select text from first), (select text from "over ""it""")'),
    ).toBe('masked|masked|masked!');
    expect(await psql("select relispopulated from pg_class where relname = 'never'")).toBe('f');
  });

  test('one that cannot be computed from the new rows is an error', async () => {
    await psql(`
      create table t (text text);
      insert into t values ('a'), ('b');
      create materialized view texts as select text from t;
      create unique index on texts (text)`);
    await expect(after("update t set text = 'masked'")).rejects.toThrow(
      /^after-restore: the database was not handed out and is gone, because .* Materialized view "public"."texts" cannot be refreshed from the changed rows: .*unique/,
    );
  });

  test('a session with an old snapshot is ended, so it keeps no old row', async () => {
    await psql("create table t (text text); insert into t values ('Real-kept')");
    const reading = psql('begin isolation level repeatable read; select count(*) from t; select pg_sleep(60)');
    const ended = expect(reading).rejects.toThrow(/terminating connection/);
    while (
      (await server.psql(
        'postgres',
        "select count(*) from pg_stat_activity where query ~ 'pg_sleep' and wait_event = 'PgSleep'",
      )) === '0'
    );
    await after("update t set text = 'masked'");
    await ended;
    expect(await files('Real-kept')).toEqual([]);
  });
});
