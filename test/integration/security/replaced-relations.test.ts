import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { readMaterializedViews } from '../../../src/postgres/inventory/materialized-views.ts';
import { countTables } from '../../../src/postgres/inventory/rows.ts';
import { readSequences, valuesByOid } from '../../../src/postgres/inventory/sequences.ts';
import type { Session } from '../../../src/postgres/session/session.ts';
import { listTables, measureTables } from '../../../src/postgres/snapshot/tables.ts';
import { inSnapshot } from '../../support/postgres/inventory.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

/*
 * After the snapshot, the owner of a relation that is not locked puts a view with a function of theirs in its place: by
 * its name, or by that of its schema, which no lock on a table protects.
 */
let server: PostgresServer;
let number = 0;
let database: string;

beforeAll(async () => {
  server = await startPostgres({ settings: { log_line_prefix: '%a|' } });
});

beforeEach(async () => {
  database = `replaced_${number++}`;
  await server.createDatabase(database);
  await server.psql(
    database,
    `create schema app; create table app.orders (id int); insert into app.orders values (1);
    create sequence app.ids; select nextval('app.ids'); create sequence app.fresh;
    create materialized view app.sums as select 1 as a;
    create function public.evil() returns bool volatile language plpgsql as $$
      begin raise log 'EVIL as %', current_user; return true; end $$`,
  );
});

const SEQUENCE_VIEW =
  'select 1::int8 as last_value, 0::int8 as log_cnt, public.evil() as is_called, 1 as oid where public.evil()';

/** Reads in a snapshot that was taken before the change. */
async function readAfter<T>(change: string, read: (session: Session) => Promise<T>): Promise<T> {
  return inSnapshot(server.env(database), async (session) => {
    await session.query('select 1 as one');
    await server.psql(database, change);
    return read(session);
  });
}

const expectUnused = () => expect(server.log()).not.toMatch(/^lifeboat-.*EVIL/m);

test('a sequence', async () => {
  const change = `drop sequence app.ids; create view app.ids as ${SEQUENCE_VIEW}`;
  const read = await readAfter(change, readSequences);
  expectUnused();
  expect(read.map(({ name, current }) => [name, current])).toEqual([
    ['fresh', { lastValue: '1', isCalled: false }],
    ['ids', null],
  ]);
});

test('a sequence, by the name of its schema', async () => {
  const change = `alter schema app rename to old; create schema app; create view app.ids as ${SEQUENCE_VIEW};
    create view app.fresh as ${SEQUENCE_VIEW}`;
  const read = await readAfter(change, readSequences);
  expectUnused();
  expect(read.map(({ current }) => current)).toEqual([null, null]);
});

test('a sequence, on a server that cannot refuse views', async () => {
  const change = `drop sequence app.ids; create view app.ids as ${SEQUENCE_VIEW}`;
  const [fresh, ids] = await inSnapshot(server.env(database), readSequences);
  if (!fresh || !ids) throw new Error('no sequences');
  const values = await inSnapshot(server.env(database), (session) => valuesByOid(session, [fresh, ids]));
  expect(values).toEqual([
    { oid: ids.oid, lastValue: '1', isCalled: true },
    { oid: fresh.oid, lastValue: '1', isCalled: false },
  ]);
  await expect(readAfter(change, (session) => valuesByOid(session, [fresh, ids]))).rejects.toThrow(/could not open/);
  expectUnused();
});

test('a materialized view', async () => {
  const change = 'drop materialized view app.sums; create view app.sums as select 1 as a where public.evil()';
  await readAfter(change, readMaterializedViews);
  expectUnused();
});

test('a table, by the name of its schema', async () => {
  const change = `alter schema app rename to old; create schema app;
    create view app.orders as select 1 as id where public.evil()`;
  for (const fingerprint of ['rows', 'content'] as const) {
    const read = readAfter(fingerprint === 'rows' ? change : 'select 1', async (session) => {
      const tables = (await listTables(session)).map((table) => ({ ...table, schema: 'app' }));
      await measureTables(session, tables);
      return countTables(session, tables, { fingerprint, userCode: new Map(), copyRows: null });
    });
    await expect(read).rejects.toThrow(/"app"\."orders" cannot be read/);
  }
  expectUnused();
});

// The last one, because the log is the server's.
test('a call would have been seen', async () => {
  await inSnapshot(server.env(database), (session) => session.run('select public.evil()'));
  expect(server.log()).toMatch(/^lifeboat-.*EVIL/m);
});
