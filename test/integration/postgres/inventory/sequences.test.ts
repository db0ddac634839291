import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  listSequences,
  readRestoredSequences,
  readSequences,
  type SequenceReadings,
} from '../../../../src/postgres/inventory/sequences.ts';
import type { Session } from '../../../../src/postgres/session/session.ts';
import { openSession } from '../../../support/postgres/inventory.ts';
import { type PostgresServer, startPostgres, startStandby } from '../../../support/servers/postgres.ts';
import { localPrograms } from '../../../support/servers/postgres-programs.ts';

let server: PostgresServer;

async function database(name: string, sql: string): Promise<Record<string, string>> {
  await server.createDatabase(name, 'TEMPLATE template0');
  await server.psql(name, sql);
  return server.env(name);
}

async function withSession<T>(connection: Record<string, string>, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(connection);
  try {
    return await use(session);
  } finally {
    session.kill();
  }
}

type Read = (session: Session, sequences: Awaited<ReturnType<typeof listSequences>>) => Promise<SequenceReadings>;

/** Every sequence of the session's database with its reading; null: it has none. */
async function readAll(session: Session, read: Read = readSequences) {
  const sequences = await listSequences(session);
  const readings = await read(session, sequences);
  return sequences.map(({ oid, ...sequence }) => ({ ...sequence, reading: readings.get(oid) ?? null }));
}

const SEQUENCES = `
  create sequence fresh; create sequence "odd ""one"" \\ 🛟
" start 9223372036854775806; create sequence down increment -3 maxvalue 100 start 100 cycle;
  create table t (a serial, b int generated always as identity); insert into t default values; insert into t default values;
  create temp sequence temporary; select nextval('down'); select setval('fresh', 7, false); create unlogged table u (a serial);
  create sequence restarted; select nextval('restarted'); alter sequence restarted restart 12`;

/** Of the sequences that are not called, what {@link readSequences} knows before PostgreSQL 18: no value. */
const NOT_CALLED = ['fresh', 'odd "one" \\ 🛟\n', 'restarted', 'u_a_seq'];

const local = localPrograms()?.major ?? 0;

describe.each([13, local, 17, 18])('PostgreSQL %i', (major) => {
  beforeAll(async () => {
    server = await startPostgres({ major });
  }, 60_000);

  afterAll(() => server.stop('immediate'));

  test('C13: reads every sequence with its value, those of columns too', async () => {
    const connection = await database('sequences', SEQUENCES);
    const [read, restored, again] = await withSession(connection, async (session) => [
      await readAll(session),
      await readAll(session, readRestoredSequences),
      await readAll(session, readRestoredSequences),
    ]);
    const bounds = { min: '1', max: '9223372036854775807' };
    const expected = [
      {
        ...{ schema: 'public', name: 'down', increment: '-3', cycle: true, min: '-9223372036854775808', max: '100' },
        reading: { lastValue: '100', isCalled: true },
      },
      ...[
        { name: 'fresh', reading: { lastValue: '7', isCalled: false } },
        { name: 'odd "one" \\ 🛟\n', reading: { lastValue: '9223372036854775806', isCalled: false } },
        { name: 'restarted', reading: { lastValue: '12', isCalled: false } },
        { name: 't_a_seq', max: '2147483647', reading: { lastValue: '2', isCalled: true } },
        { name: 't_b_seq', max: '2147483647', reading: { lastValue: '2', isCalled: true } },
        { name: 'u_a_seq', max: '2147483647', reading: { lastValue: '1', isCalled: false } },
      ].map((sequence) => ({ schema: 'public', increment: '1', cycle: false, ...bounds, ...sequence })),
    ];
    expect(restored).toEqual(expected);
    // Reading changes nothing that anyone could see.
    expect(again).toEqual(expected);
    expect(read).toEqual(
      expected.map((sequence) => ({
        ...sequence,
        reading:
          major < 18 && NOT_CALLED.includes(sequence.name) ? { lastValue: null, isCalled: false } : sequence.reading,
      })),
    );
  });

  test('leaves out those that were dropped or locked since, reads the renamed ones, and keeps no lock', async () => {
    const create = Array.from({ length: 450 }, (_, index) => `create sequence s${index}; select nextval('s${index}');`);
    const connection = await database('between', create.join('\n'));
    const other = await openSession(connection);
    await withSession(connection, async (session) => {
      const sequences = await listSequences(session);
      await server.psql('between', "select nextval('s7'); drop sequence s8; alter sequence s9 rename to t9");
      const byName = async () => {
        const readings = await readSequences(session, sequences);
        return new Map(sequences.map(({ oid, name }) => [name, readings.get(oid)?.lastValue]));
      };
      const values = await byName();
      expect(values.size).toBe(450);
      expect(['s7', 's8', 's9'].map((name) => values.get(name))).toEqual(['2', undefined, '1']);
      expect(await session.query('select from pg_locks where pid = pg_backend_pid() and relation >= 16384')).toEqual(
        [],
      );

      // Not waited for: the lock may be of a session that waits for the backup.
      await other.run('begin');
      await other.run('drop sequence public.s7');
      const beside = await byName();
      expect(['s7', 's99', 's10'].map((name) => beside.get(name))).toEqual([undefined, undefined, '1']);
    });
    other.kill();
  });

  test('reads the others when one is dropped while they are read', async () => {
    const connection = await database('dropped', `create sequence a; create sequence b; select nextval('a')`);
    const other = await openSession(connection);
    await withSession(connection, async (session) => {
      await other.run('begin');
      await other.run('drop sequence public.b');
      const reading = readAll(session, readRestoredSequences);
      const waiting = 'select from pg_locks where not granted';
      while ((await other.query(waiting)).length === 0);
      await other.run('commit');
      expect((await reading).map(({ name, reading }) => [name, reading?.lastValue])).toEqual([
        ['a', '1'],
        ['b', undefined],
      ]);
    });
    other.kill();
  });

  test('names one that the role may not read, and the grant that is missing', async () => {
    const connection = await database(
      'closed',
      "create sequence open; create sequence closed; create role counter login password 'counter'; grant select on sequence open to counter; grant usage on sequence closed to counter",
    );
    const reading = withSession({ ...connection, PGUSER: 'counter', PGPASSWORD: 'counter' }, readAll);
    await expect(reading).rejects.toThrow(/^Sequence "public"\."closed" cannot be read: permission denied.*SELECT/s);
  });

  test('names one that the role which restored it may not update, where the server needs that', async () => {
    const connection = await database(
      'foreign',
      "create sequence s; create role restorer login password 'restorer'; grant select on sequence s to restorer",
    );
    const reading = withSession({ ...connection, PGUSER: 'restorer', PGPASSWORD: 'restorer' }, (session) =>
      readAll(session, readRestoredSequences),
    );
    if (major >= 18) await expect(reading).resolves.toHaveLength(1);
    else await expect(reading).rejects.toThrow(/^Sequence "public"\."s" cannot be read: permission denied.*UPDATE/s);
  });
});

test.each([local, 13])('an unlogged one is left out on a standby of PostgreSQL %i', async (major) => {
  const primary = await startPostgres({ major });
  const unlogged = primary.major >= 15 ? 'create unlogged sequence u' : '';
  await primary.psql('postgres', `create sequence s; select nextval('s'); ${unlogged}`);
  const standby = await startStandby(primary);
  const read = await withSession(standby.env('postgres'), readAll);
  expect(read.map(({ name, reading }) => [name, reading?.lastValue])).toEqual([['s', expect.any(String)]]);
  await standby.stop('immediate');
  await primary.stop('immediate');
});
