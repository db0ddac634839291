import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LifeboatError } from '../../../../src/errors.ts';
import {
  type CountOptions,
  countTables,
  type TableCount,
} from '../../../../src/postgres/inventory/rows/count-tables.ts';
import type { Session } from '../../../../src/postgres/session/session.ts';
import { listTables } from '../../../../src/postgres/snapshot/tables.ts';
import { HANG_LIMIT } from '../../../support/hang-limit.ts';
import { copyDatabase, inSnapshot } from '../../../support/postgres/inventory.ts';
import { type PostgresServer, startPostgres, startStandby } from '../../../support/servers/postgres.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});

afterAll(() => server.stop('immediate'));

async function database(name: string, sql: string): Promise<void> {
  await server.createDatabase(name, 'TEMPLATE template0');
  await server.psql(name, sql);
}

/** Every table is read by queries, as on a server of ours. */
const OURS = { userCode: new Map(), copyRows: null };

async function count(session: Session, fingerprint: CountOptions['fingerprint']): Promise<Record<string, TableCount>> {
  const tables = await listTables(session);
  const counts = await countTables(session, tables, { fingerprint, ...OURS });
  const byName: Record<string, TableCount> = {};
  for (const { oid, name } of tables) {
    const counted = counts.get(oid);
    if (counted) byName[name] = counted;
  }
  return byName;
}

const content = (name: string) => inSnapshot(server.env(name), (session) => count(session, 'content'));

function rowsOf(counts: Record<string, TableCount>): Record<string, string | null> {
  return Object.fromEntries(Object.entries(counts).map(([name, { rows }]) => [name, rows]));
}

describe('counts', () => {
  test('C4: each row once, in the table that holds it; partitioned tables hold none', async () => {
    await database(
      'counts',
      `create table parent (a int); create table child () inherits (parent);
      create table parts (a int) partition by range (a);
      create table low partition of parts for values from (0) to (10);
      create table high partition of parts for values from (10) to (100);
      create table "odd ""name"" \\ 🛟
" (); create table empty (a int); create unlogged table unlogged (a int);
      insert into parent select generate_series(1, 3); insert into child select generate_series(1, 4);
      insert into parts select generate_series(0, 99); insert into "odd ""name"" \\ 🛟
" default values; insert into unlogged values (1)`,
    );
    const expected = {
      parent: '3',
      child: '4',
      low: '10',
      high: '90',
      'odd "name" \\ 🛟\n': '1',
      empty: '0',
      unlogged: '1',
    };
    for (const fingerprint of ['rows', 'content'] as const) {
      const counts = await inSnapshot(server.env('counts'), (session) => count(session, fingerprint));
      expect(rowsOf(counts)).toEqual(expected);
    }
  });

  test('those of the snapshot, and progress is told', async () => {
    await database('moment', 'create table a as select generate_series(1, 5); create table b (a int)');
    await inSnapshot(server.env('moment'), async (session) => {
      const tables = await listTables(session);
      await server.psql('moment', 'insert into a select 1 from generate_series(1, 100); insert into b values (1)');
      const told: string[] = [];
      const onTable = (done: number, total: number) => told.push(`${done}/${total}`);
      const counts = await countTables(session, tables, { fingerprint: 'rows', ...OURS, onTable });
      expect([...counts.values()]).toEqual([
        { rows: '5', fingerprint: null, reason: null },
        { rows: '0', fingerprint: null, reason: null },
      ]);
      expect(told).toEqual(['1/2', '2/2']);
    });
  });

  test('leave no lock and no setting behind', async () => {
    await database('locks', 'create table a (a int primary key, b int unique)');
    await inSnapshot(server.env('locks'), async (session) => {
      const state = `select count(*) as locks, current_setting('search_path') || current_setting('timezone') as settings
        from pg_locks where pid = pg_backend_pid() and relation >= 16384`;
      const before = await session.query(state);
      await count(session, 'content');
      expect(await session.query(state)).toEqual(before);
      expect(before).toMatchObject([{ locks: 0 }]);
    });
  });
});

/** Values whose text depends on settings, names that could be taken for something else, and dropped columns. */
const VARIED = `
  create type mood as enum ('sad', 'a,b "c"'); create type pair as (x int, y timestamptz); create domain positive as int;
  create schema hidden; create table hidden.there (a int);
  create table varied (
    gone int, id int primary key, ts timestamptz, t timestamp, d date, i interval, f8 float8, f4 float4, n numeric,
    b bytea, money money, m mood, p pair, ps pair[], dom positive, class regclass, type regtype, j json, jb jsonb,
    xml text, tz timetz, a text[], range tstzrange, "varied" text, "row" int, "*" int, "count" int, "select" text);
  alter table varied drop column gone;
  alter table varied add column late float8 default 0.1;
  insert into varied
  select n, '2026-03-29 01:30:00+00'::timestamptz + n * interval '7 hours 13 minutes', '2026-12-31 23:59:59.123456', '2026-02-03',
    make_interval(years => 1, days => n, secs => -n * 1.5), n / 3.0, n / 7.0, n / 3.0, decode(md5(n::text), 'hex'), n * 1.25, 'a,b "c"',
    row(n, now())::pair, array[row(1, timestamptz '2026-01-01')::pair], n, 'hidden.there', 'mood', '{"a" :  1}', '{"b": 1, "a": 2}',
    'é🛟' || chr(n + 64), '12:00:00+05:45', array['a', null, 'NULL', '"'], tstzrange(now(), null), 'v', n, n, n, null
  from generate_series(1, 500) n;
  create table parent (z text, a int); create table child (m int) inherits (parent); alter table parent add column added text;
  insert into child select 'z' || n, n, n, 'added' from generate_series(1, 50) n;
  create table nothing (a int); create table no_columns (); insert into no_columns default values`;

describe('fingerprints', () => {
  test('C11: are the same on a restored copy with other settings, another order of rows and of columns', async () => {
    await database('source', VARIED);
    await server.createDatabase('copy', 'TEMPLATE template0');
    const settings = [
      "datestyle = 'Postgres, DMY'",
      "timezone = 'Asia/Kathmandu'",
      'intervalstyle = iso_8601',
      'extra_float_digits = -3',
      'bytea_output = escape',
      'search_path = hidden, public',
      'quote_all_identifiers = on',
      'xmlbinary = hex',
    ];
    for (const setting of settings) await server.psql('postgres', `alter database copy set ${setting}`);
    await copyDatabase(server, 'source', 'copy');
    await server.psql('copy', 'update public.varied set "row" = "row" where id % 3 = 0; vacuum full public.varied');
    await server.psql('copy', 'alter table public.varied add dropped int; alter table public.varied drop dropped');

    const texts = await Promise.all(
      ['source', 'copy'].map((name) => server.psql(name, 'select (v.*)::text from public.varied v')),
    );
    expect(texts[0]).not.toBe(texts[1]); // The settings do matter.
    const source = await content('source');
    expect(await content('copy')).toEqual(source);
    expect(source).toMatchObject({
      varied: { rows: '500', fingerprint: expect.stringMatching(/^-?\d+$/), reason: null },
      child: { rows: '50' },
      nothing: { rows: '0', fingerprint: '0' },
    });
  });

  const changes = [
    "update varied set m = 'sad' where id = 77",
    'update varied set f8 = f8 + 4e-15 where id = 77',
    "update varied set ts = ts + interval '1 microsecond' where id = 77",
    "update varied set xml = xml || ' ' where id = 77",
    'update varied set "select" = \'\' where id = 77',
    'update varied set "row" = 78 where id = 77',
    'update varied set "row" = case id when 1 then 2 else 1 end where id in (1, 2)',
  ];
  test.each(changes)('see that somebody did: %s', async (sql) => {
    const name = `changed_${changes.indexOf(sql)}`;
    await server.createDatabase(name, 'TEMPLATE source');
    const before = await content(name);
    await server.psql(name, sql);
    const { varied, ...others } = await content(name);
    const { varied: unchanged, ...same } = before;
    expect(varied?.rows).toBe('500');
    expect(varied?.fingerprint).not.toBe(unchanged?.fingerprint);
    expect(others).toEqual(same);
    await server.dropDatabase(name);
  });

  test('P9: a row too large to be text has none, and is counted all the same', async () => {
    await database('large', 'create table large (a bytea, b bytea); create table after (a int)');
    await server.psql('large', "insert into large select b, b from convert_to(repeat('x', 268435456), 'UTF8') b");
    const counts = await content('large');
    expect(counts).toMatchObject({ large: { rows: '1', fingerprint: null }, after: { rows: '0', fingerprint: '0' } });
    expect(counts.large?.reason).toContain('A row is too large to be written as text');
    await server.dropDatabase('large');
  });
});

describe('a table that cannot be read', () => {
  test('C3: because row-level security would hide rows', async () => {
    await database(
      'policies',
      `create role limited login password 'limited'; create table open (a int); create table "hid
den" (a int);
      alter table "hid
den" enable row level security; create policy p on "hid
den" using (a = 1);
      insert into "hid
den" values (1), (2), (3); grant select on all tables in schema public to limited`,
    );
    const connection = { ...server.env('policies'), PGUSER: 'limited', PGPASSWORD: 'limited' };
    const reading = inSnapshot(connection, (session) => count(session, 'rows'));
    await expect(reading).rejects.toThrow(LifeboatError);
    await expect(reading).rejects.toThrow(
      /^Table "public"\."hid\\nden" cannot be read: .*row-level security.*BYPASSRLS/s,
    );

    await server.psql('policies', 'alter role limited bypassrls');
    const counts = await inSnapshot(connection, (session) => count(session, 'rows'));
    expect(rowsOf(counts)).toEqual({ open: '0', 'hid\nden': '3' });
  });

  test('because the role may not', async () => {
    await database('rights', "create role stranger login password 'stranger'; create table closed (a int)");
    const connection = { ...server.env('rights'), PGUSER: 'stranger', PGPASSWORD: 'stranger' };
    await expect(inSnapshot(connection, (session) => count(session, 'content'))).rejects.toThrow(
      /^Table "public"\."closed" cannot be read: permission denied.*pg_read_all_data/s,
    );
  });

  test('P8: because the server has no room for the locks on its indexes', async () => {
    const small = await startPostgres({
      settings: { max_locks_per_transaction: 10, max_connections: 5, max_wal_senders: 0 },
    });
    const columns = Array.from({ length: 30 }, (_, index) => `c${index} int unique`).join(', ');
    const tables = Array.from({ length: 60 }, (_, index) => `create table t${index} (${columns});`);
    await small.psql('postgres', tables.join('\n'));
    const reading = inSnapshot(small.env('postgres'), (session) => count(session, 'rows'));
    await expect(reading).rejects.toThrow(/table "public"\."t\d+".*max_locks_per_transaction/s);
    await small.stop('immediate');
  });
});

describe('on a standby', () => {
  test('C7: unlogged tables have no rows, and the reason is said', async () => {
    await server.psql(
      'postgres',
      'create unlogged table u (a int); insert into u values (1); create table l (a int); insert into l values (1)',
    );
    const standby = await startStandby(server);
    const counts = await inSnapshot(standby.env('postgres'), (session) => count(session, 'content'));
    expect(counts).toMatchObject({ l: { rows: '1' }, u: { rows: null, fingerprint: null } });
    expect(counts.u?.reason).toBe('An unlogged table is empty on a standby: the backup holds no rows of it.');
    await standby.stop('immediate');
  });

  test('a conflict with recovery is told with what to set', async () => {
    await server.psql('postgres', 'create table busy as select generate_series(1, 1000) a');
    const standby = await startStandby(server, { max_standby_streaming_delay: 0 });
    const reading = inSnapshot(standby.env('postgres'), async (session) => {
      const tables = await listTables(session);
      await server.psql('postgres', 'delete from busy; vacuum busy');
      await replayed(standby, await server.psql('postgres', 'select pg_current_wal_lsn()'));
      return countTables(session, tables, { fingerprint: 'rows', ...OURS });
    });
    await expect(reading).rejects.toThrow(LifeboatError);
    await expect(reading).rejects.toThrow(
      /^The standby ended the reading.*hot_standby_feedback.*max_standby_streaming_delay/s,
    );
    await standby.stop('immediate');
  });
});

/** Asks by short statements: a longer one would meet the conflict too. */
async function replayed(standby: PostgresServer, position: string): Promise<void> {
  for (const end = Date.now() + HANG_LIMIT; Date.now() < end; ) {
    const reached = standby.psql('postgres', `select pg_last_wal_replay_lsn() >= '${position}'`);
    if ((await reached.catch(() => 'f')) === 't') return;
    await sleep(100);
  }
  throw new Error(`the standby has not replayed ${position} within ${HANG_LIMIT} ms`);
}
