import { beforeAll, describe, expect, test } from '@jest/globals';
import { readLargeObjects } from '../../../../src/postgres/inventory/large-objects.ts';
import { copyDatabase, inSnapshot } from '../../../support/postgres/inventory.ts';
import { type PostgresServer, sharedPostgres } from '../../../support/servers/postgres.ts';

let server: PostgresServer;

/** One of 2,500 bytes, one with a hole and zeros at its end, an empty one, and many small ones. */
const OBJECTS = `
  select lo_from_bytea(1001, convert_to(repeat('0123456789', 250), 'UTF8')), lo_create(1002), lo_create(1003);
  select lo_put(1002, 100000, '\\xab00cd0000');
  select lo_from_bytea(0, decode(md5(n::text), 'hex')) from generate_series(1, 1500) n`;
const BYTES = String(2500 + 100_005 + 1500 * 16);

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase('objects', 'TEMPLATE template0');
  await server.psql('objects', OBJECTS);
});

const read = (connection: Record<string, string>, content = true) =>
  inSnapshot(connection, (session) => readLargeObjects(session, { content }));

test('C14: number and size; a digest of the bytes only when asked for', async () => {
  const facts = await read(server.env('objects'), false);
  expect(facts).toEqual({ count: '1503', bytes: BYTES, definitions: expect.any(String), fingerprint: null });
});

test('none', async () => {
  await server.createDatabase('without', 'TEMPLATE template0');
  const none = { count: '0', bytes: '0', definitions: '0', fingerprint: '0' };
  expect(await read(server.env('without'))).toEqual(none);
});

test('are the same on a restored copy, where the hole is filled', async () => {
  await server.createDatabase('objects_copy', 'TEMPLATE template0');
  await server.psql('postgres', 'alter database objects_copy set bytea_output = escape');
  await copyDatabase(server, 'objects', 'objects_copy');
  const pages = 'select count(*) from pg_largeobject where loid = 1002';
  expect(await server.psql('objects', pages)).not.toBe(await server.psql('objects_copy', pages));
  expect(await read(server.env('objects_copy'))).toEqual(await read(server.env('objects')));
});

describe('an ordinary role', () => {
  test('reads the same as the superuser when it may read each', async () => {
    await server.psql(
      'objects',
      `create role reader login password 'reader';
      do $$declare o oid; begin for o in select oid from pg_largeobject_metadata loop
        execute format('grant select on large object %s to reader', o); end loop; end$$`,
    );
    const connection = { ...server.env('objects'), PGUSER: 'reader', PGPASSWORD: 'reader' };
    expect(await read(connection)).toEqual(await read(server.env('objects')));
    expect(await read(connection, false)).toEqual(await read(server.env('objects'), false));
  });

  test('C3: is told which one it may not', async () => {
    await server.psql('objects', "create role blind login password 'blind'");
    const connection = { ...server.env('objects'), PGUSER: 'blind', PGPASSWORD: 'blind' };
    await expect(read(connection)).rejects.toThrow(
      /^The large objects cannot be read: permission denied for large object 1001.*GRANT SELECT ON LARGE OBJECT/s,
    );
  });
});

describe('a change', () => {
  const changes: [sql: string, what: 'definitions' | 'fingerprint'][] = [
    ["select lo_put(1001, 2499, '\\x00')", 'fingerprint'],
    ["select lo_put(1002, 0, '\\x01')", 'fingerprint'],
    ['alter large object 1001 owner to owner', 'definitions'],
    ['grant select on large object 1001 to owner', 'definitions'],
    ["comment on large object 1001 is 'x'", 'definitions'],
  ];
  test.each(changes)('%s', async (sql, what) => {
    await server.psql('postgres', "do $$begin if to_regrole('owner') is null then create role owner; end if; end$$");
    const name = `objects_${changes.findIndex(([change]) => change === sql)}`;
    await server.createDatabase(name, 'TEMPLATE objects');
    const before = await read(server.env(name));
    await server.psql(name, sql);
    const after = await read(server.env(name));
    expect(after).toEqual({ ...before, [what]: after[what] });
    expect(after[what]).not.toBe(before[what]);
    await server.dropDatabase(name);
  });

  test('that is none: a right granted and revoked', async () => {
    const before = await read(server.env('without'));
    await server.createDatabase('revoked', 'TEMPLATE template0');
    await server.psql('revoked', 'select lo_create(5)');
    const granted = await read(server.env('revoked'));
    await server.psql(
      'revoked',
      'grant select on large object 5 to public; revoke select on large object 5 from public',
    );
    expect(await read(server.env('revoked'))).toEqual(granted);
    expect(granted.definitions).not.toBe(before.definitions);
  });
});
