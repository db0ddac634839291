import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { readMaterializedViews } from '../../../src/postgres/inventory/materialized-views.ts';
import { countTables } from '../../../src/postgres/inventory/rows/count-tables.ts';
import type { Session } from '../../../src/postgres/session/session.ts';
import { listTables, measureTables } from '../../../src/postgres/snapshot/tables.ts';
import { inSnapshot } from '../../support/postgres/inventory.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

/*
 * After the snapshot, the owner of a relation that is not locked puts a view with a function of theirs in its place: by
 * its name, or by that of its schema, which no lock on a table protects. Sequences: replaced-sequences.test.ts.
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
    create materialized view app.sums as select 1 as a;
    create function public.evil() returns bool volatile language plpgsql as $$
      begin raise log 'EVIL as %', current_user; return true; end $$`,
  );
});

/** Reads in a snapshot that was taken before the change. */
async function readAfter<T>(change: string, read: (session: Session) => Promise<T>): Promise<T> {
  return inSnapshot(server.env(database), async (session) => {
    await session.query('select 1 as one');
    await server.psql(database, change);
    return read(session);
  });
}

const expectUnused = () => expect(server.log()).not.toMatch(/^lifeboat-.*EVIL/m);

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
