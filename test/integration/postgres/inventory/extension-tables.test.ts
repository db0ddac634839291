import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { countExtensionTables } from '../../../../src/postgres/inventory/rows/extension-tables.ts';
import { inSnapshot } from '../../../support/postgres/inventory.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});

afterAll(() => server.stop('immediate'));

const QUEUE = `create extension hstore; create schema queue;
  create table queue.orders as select n from generate_series(1, 9) n; alter extension hstore add table queue.orders`;

/** Counts in a snapshot from before `change`, which another session commits. */
async function countAround(name: string, change: string) {
  await server.createDatabase(name);
  await server.psql(name, QUEUE);
  return inSnapshot(server.env(name), async (session) => {
    await session.query('select pg_catalog.count(*) from pg_catalog.pg_class');
    await server.psql(name, change);
    return countExtensionTables(session, { userCode: new Map(), copyRows: null });
  });
}

test('rows that were added since the snapshot are not counted', async () => {
  const counts = await countAround('added', 'insert into queue.orders values (10)');
  expect(counts).toEqual([{ schema: 'queue', name: 'orders', extension: 'hstore', rows: '9', reason: null }]);
});

test.each([
  ['emptied', 'truncate queue.orders'],
  ['replaced', 'alter table queue.orders rename to other; create table queue.orders as select 1 as n'],
  [
    'replaced by a view that runs code',
    `alter table queue.orders rename to other;
    create function queue.code() returns int language plpgsql as $$ begin raise exception 'code ran'; end $$;
    create view queue.orders as select queue.code() as n`,
  ],
  [
    'moved with its schema, and replaced',
    'alter schema queue rename to moved; create schema queue; create table queue.orders as select 1 as n',
  ],
])('a table that was %s since the snapshot is not counted, and that is said', async (what, change) => {
  const counts = await countAround(what.replace(/\W/g, '_').slice(0, 60), change);
  expect(counts).toEqual([
    expect.objectContaining({ rows: null, reason: 'it was replaced or rewritten during the backup' }),
  ]);
});

test('a lock of another session is not waited for in a queue', async () => {
  await server.createDatabase('waiting');
  await server.psql('waiting', QUEUE);
  const sleeping = "from pg_stat_activity where wait_event = 'PgSleep'";
  const held = server.psql('waiting', 'begin; lock table queue.orders; select pg_sleep(600)').catch(() => 'ended');
  while ((await server.psql('waiting', `select count(*) ${sleeping}`)) === '0');
  let hasWaited = false;
  const counts = await inSnapshot(server.env('waiting'), async (session) => {
    const counting = countExtensionTables(session, { userCode: new Map(), copyRows: null });
    let isDone = false;
    const done = counting.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      const waiting = await server.psql('waiting', 'select count(*) from pg_locks where not granted');
      hasWaited ||= waiting !== '0';
    }
    return done;
  });
  await server.psql('waiting', `select pg_terminate_backend(pid) ${sleeping}`);
  expect(await held).toBe('ended');
  expect(counts).toEqual([expect.objectContaining({ rows: null, reason: 'another session has locked it' })]);
  expect(hasWaited).toBe(false);
});
