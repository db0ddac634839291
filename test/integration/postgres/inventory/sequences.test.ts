import { beforeAll, expect, test } from '@jest/globals';
import { mergeSequences, readSequences } from '../../../../src/postgres/inventory/sequences.ts';
import { inSnapshot } from '../../../support/postgres/inventory.ts';
import { type PostgresServer, sharedPostgres, startPostgres, startStandby } from '../../../support/servers/postgres.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await sharedPostgres();
});

async function database(name: string, sql: string): Promise<Record<string, string>> {
  await server.createDatabase(name, 'TEMPLATE template0');
  await server.psql(name, sql);
  return server.env(name);
}

test('C13: every sequence with its value, those of columns too', async () => {
  const connection = await database(
    'sequences',
    `create sequence fresh; create sequence "odd ""one"" \\ 🛟
" start 9223372036854775806; create sequence down increment -3 maxvalue 100 start 100 cycle;
    create table t (a serial, b int generated always as identity); insert into t default values; insert into t default values;
    create temp sequence temporary; select nextval('down'); select setval('fresh', 7, false); create unlogged table u (a serial)`,
  );
  const readings = await inSnapshot(connection, readSequences);
  expect(readings.map(({ oid: _, ...reading }) => reading)).toEqual([
    { schema: 'public', name: 'down', increment: '-3', cycle: true, current: { lastValue: '100', isCalled: true } },
    { schema: 'public', name: 'fresh', increment: '1', cycle: false, current: { lastValue: '7', isCalled: false } },
    {
      schema: 'public',
      name: 'odd "one" \\ 🛟\n',
      increment: '1',
      cycle: false,
      current: { lastValue: '9223372036854775806', isCalled: false },
    },
    { schema: 'public', name: 't_a_seq', increment: '1', cycle: false, current: { lastValue: '2', isCalled: true } },
    { schema: 'public', name: 't_b_seq', increment: '1', cycle: false, current: { lastValue: '2', isCalled: true } },
    { schema: 'public', name: 'u_a_seq', increment: '1', cycle: false, current: { lastValue: '1', isCalled: false } },
  ]);
});

test('the two readings enclose what pg_dump read; one that went in between keeps what is known', async () => {
  const create = Array.from({ length: 450 }, (_, index) => `create sequence s${index};`).join('\n');
  const connection = await database('between', create);
  await inSnapshot(connection, async (session) => {
    const before = await readSequences(session);
    await server.psql(
      'between',
      "select nextval('s7'), nextval('s7'), nextval('s7'); drop sequence s8; alter sequence s9 rename to t9; create sequence late",
    );
    const after = await readSequences(session);
    const merged = mergeSequences(before, after);
    const find = (name: string) => merged.find((sequence) => sequence.name === name);
    const fresh = { lastValue: '1', isCalled: false };
    expect(merged).toHaveLength(450);
    expect(find('s7')).toEqual({
      schema: 'public',
      name: 's7',
      increment: '1',
      cycle: false,
      before: fresh,
      after: { lastValue: '3', isCalled: true },
    });
    expect(find('s8')).toMatchObject({ before: fresh, after: fresh });
    expect(find('s9')).toMatchObject({ before: fresh, after: fresh });
    expect(find('late')).toBeUndefined();
    expect(mergeSequences(after, after)).toHaveLength(448);
    expect(await session.query('select from pg_locks where pid = pg_backend_pid() and relation >= 16384')).toEqual([]);
  });
});

test('one that the role may not read is named, with the mend', async () => {
  const connection = await database(
    'closed',
    "create sequence open; create sequence closed; create role counter login password 'counter'; grant select on sequence open to counter",
  );
  const reading = inSnapshot({ ...connection, PGUSER: 'counter', PGPASSWORD: 'counter' }, readSequences);
  await expect(reading).rejects.toThrow(/^Sequence "public"\."closed" cannot be read: permission denied.*SELECT/s);
});

test('an unlogged one is left out on a standby', async () => {
  const primary = await startPostgres();
  const unlogged = primary.major >= 15 ? 'create unlogged sequence u' : '';
  await primary.psql('postgres', `create sequence s; ${unlogged}`);
  const standby = await startStandby(primary);
  const readings = await inSnapshot(standby.env('postgres'), readSequences);
  expect(readings.map(({ name }) => name)).toEqual(['s']);
  await standby.stop('immediate');
  await primary.stop('immediate');
});
