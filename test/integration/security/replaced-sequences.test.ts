import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { listSequences, readRestoredSequences, readSequences } from '../../../src/postgres/inventory/sequences.ts';
import { backUpInProcess } from '../../support/action/in-process.ts';
import { backupInputs } from '../../support/action/run-backup.ts';
import { newStoreFolder } from '../../support/action/stored-backup.ts';
import { openSession } from '../../support/postgres/inventory.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { localPrograms } from '../../support/servers/postgres-programs.ts';

/*
 * After Lifeboat has listed the sequences, the owner of one puts a relation with a function of theirs in its place. A
 * query on its name would run that function as the role that backs up: a view's when it is read, an index expression's
 * when the query is planned, which restrict_nonsystem_relation_kind does not prevent.
 */
const COLUMNS = 'last_value int8, log_cnt int8, is_called bool';
const REPLACEMENTS: Record<string, string> = {
  'a view': `create view app.ids as
    select 1::int8 as last_value, 0::int8 as log_cnt, true as is_called where public.evil(1) = 1`,
  'a table with an index expression': `create table app.ids (${COLUMNS});
    create index on app.ids ((last_value + public.evil(1)))`,
  'a table with an index predicate': `create table app.ids (${COLUMNS});
    create index on app.ids (last_value) where log_cnt > public.evil(1)`,
};
const WAYS: Record<string, string> = {
  dropped: 'drop sequence app.ids;',
  renamed: 'alter sequence app.ids rename to gone;',
  'in a schema that was renamed': 'alter schema app rename to gone; create schema app;',
};
const ATTACKS = Object.entries(WAYS).flatMap(([way, remove]) =>
  Object.entries(REPLACEMENTS).map(([kind, create]) => ({ way, kind, sql: `${remove} ${create}` })),
);

const SETUP = `
create schema app; create table public.orders as select 1 as id;
create sequence app.ids; select nextval('app.ids'), nextval('app.ids'); create sequence app.other start 7;
create function public.evil(i int) returns int immutable language plpgsql as $$
  begin raise log 'EVIL as %', current_user; return i; end $$`;

let server: PostgresServer;
let number = 0;

/** A new database with the sequences. */
async function newDatabase(): Promise<string> {
  const database = `sequences_${number++}`;
  await server.createDatabase(database);
  await server.psql(database, SETUP);
  return database;
}

/** What sessions of Lifeboat's, pg_dump and pg_restore among them, have run of the function since. */
const ranSince = (logged: number) =>
  server
    .log()
    .slice(logged)
    .match(/^lifeboat-.*EVIL.*$/gm) ?? [];

const LOGGED = { log_line_prefix: '%a|' };
const local = localPrograms()?.major ?? 0;

describe.each([13, local, 18])('PostgreSQL %i', (major) => {
  beforeAll(async () => {
    server = await startPostgres({ major, settings: LOGGED });
  }, 60_000);

  afterAll(() => server.stop('immediate'));

  test.each(ATTACKS)('reads a sequence $way, with $kind in its place, by its oid', async ({ way, sql }) => {
    const logged = server.log().length;
    for (const read of [readSequences, readRestoredSequences]) {
      const database = await newDatabase();
      const session = await openSession(server.env(database));
      const sequences = await listSequences(session);
      await server.psql(database, sql);
      const values = await read(session, sequences);
      await session.close();
      expect(sequences.map(({ name, oid }) => [name, values.get(oid)?.lastValue])).toEqual([
        ['ids', way === 'dropped' ? undefined : '2'],
        ['other', read === readSequences && major < 18 ? null : '7'],
      ]);
    }
    expect(ranSince(logged)).toEqual([]);
  });

  test.each(Object.entries(REPLACEMENTS))(
    'a query on the name of %s would have run the function',
    async (_, create) => {
      const database = await newDatabase();
      await server.psql(database, `drop sequence app.ids; ${create}`);
      const session = await openSession(server.env(database));
      const logged = server.log().length;
      await session.query('select last_value, is_called from app.ids');
      await session.close();
      expect(ranSince(logged)).not.toEqual([]);
    },
  );
});

// pg_dump dumps no server that is newer than itself.
describe('during a backup', () => {
  beforeAll(async () => {
    server = await startPostgres({ settings: LOGGED });
  }, 60_000);

  afterAll(() => server.stop('immediate'));

  // Once pg_dump has written its head, it has read every sequence.
  test.each(ATTACKS.filter(({ kind }) => kind === 'a table with an index expression'))(
    'nothing runs when a sequence is $way, with $kind in its place',
    async ({ sql }) => {
      const database = await newDatabase();
      const logged = server.log().length;
      const report = await backUpInProcess(backupInputs(server, database, newStoreFolder()), {
        at: async (step) => {
          if (step === 'during-copy') await server.psql(database, sql);
        },
      });
      expect(report.sequences).toBe(2);
      expect(ranSince(logged)).toEqual([]);
    },
    30_000,
  );
});
