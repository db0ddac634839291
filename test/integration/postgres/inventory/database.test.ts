import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readSource } from '../../../../src/postgres/inventory/database.ts';
import { readDefinitions } from '../../../../src/postgres/inventory/read.ts';
import { inSnapshot } from '../../../support/postgres/inventory.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.psql(
    'postgres',
    `create role "odd ""role"" 🛟
" login password 'a-secret' superuser createdb createrole replication bypassrls noinherit connection limit 3 valid until '2030-01-02 03:04:05+00';
    create role team; create role member in role team; grant pg_monitor to member with admin option;
    comment on role team is 'the team'; alter role team set work_mem = '3MB'; alter role team set search_path = a, "$user"`,
  );
  await server.createDatabase('plain', 'TEMPLATE template0');
  await server.createDatabase('special', "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' OWNER team");
  await server.psql(
    'special',
    `alter database special connection limit 9; comment on database special is 'it''s special';
    alter database special set timezone = 'UTC'; alter database special set datestyle = 'German';
    alter role team in database special set work_mem = '4MB'; revoke connect on database special from public`,
  );
});

afterAll(() => server.stop('immediate'));

const definitions = (name: string) =>
  inSnapshot(server.env(name), (session) => readDefinitions(session, { content: false }));

describe('the database', () => {
  test('as CREATE DATABASE leaves it', async () => {
    const { database } = await definitions('plain');
    expect(database).toMatchObject({
      name: 'plain',
      owner: 'postgres',
      encoding: 'UTF8',
      collate: 'C.UTF-8',
      ctype: 'C.UTF-8',
      provider: 'libc',
      locale: null,
      icuRules: null,
      tablespace: 'pg_default',
      connectionLimit: -1,
      acl: null,
      comment: null,
      settings: [],
    });
  });

  test('with everything changed', async () => {
    const { database, server: facts } = await definitions('special');
    expect(database).toMatchObject({
      name: 'special',
      owner: 'team',
      encoding: 'LATIN1',
      collate: 'C',
      ctype: 'C',
      connectionLimit: 9,
      acl: ['=T/team', 'team=CTc/team'],
      comment: "it's special",
      settings: [
        { role: null, settings: ['DateStyle=German', 'TimeZone=UTC'] },
        { role: 'team', settings: ['work_mem=4MB'] },
      ],
    });
    expect(facts).toMatchObject({ standby: false });
    expect(Math.floor(facts.versionNumber / 10000)).toBe(server.major);
  });

  test('its extensions', async () => {
    const { extensions } = await definitions('plain');
    expect(extensions).toEqual([{ name: 'plpgsql', version: '1.0', schema: 'pg_catalog', owner: 'postgres' }]);
  });
});

test('roles, without passwords', async () => {
  const { roles } = await definitions('plain');
  const none = { connectionLimit: -1, validUntil: null, comment: null, memberOf: [], settings: [] };
  const options = server.major >= 16 ? { inherit: true, set: true } : { inherit: null, set: null };
  expect(roles).toEqual([
    {
      ...none,
      name: 'member',
      attributes: ['INHERIT'],
      memberOf: [
        { role: 'pg_monitor', grantor: 'postgres', admin: true, ...options },
        { role: 'team', grantor: 'postgres', admin: false, ...options },
      ],
    },
    {
      ...none,
      name: 'odd "role" 🛟\n',
      attributes: ['SUPERUSER', 'CREATEDB', 'CREATEROLE', 'LOGIN', 'REPLICATION', 'BYPASSRLS'],
      connectionLimit: 3,
      validUntil: '2030-01-02 03:04:05+00',
    },
    {
      ...none,
      name: 'postgres',
      attributes: ['SUPERUSER', 'CREATEDB', 'CREATEROLE', 'INHERIT', 'LOGIN', 'REPLICATION', 'BYPASSRLS'],
    },
    {
      ...none,
      name: 'team',
      attributes: ['INHERIT'],
      comment: 'the team',
      settings: ['search_path=a, "$user"', 'work_mem=3MB'],
    },
  ]);
  const password = await server.psql('postgres', "select rolpassword from pg_authid where rolname like 'odd%'");
  expect(password).toMatch(/^SCRAM-SHA-256/);
  expect(JSON.stringify(roles)).not.toContain('SCRAM');
});

describe('the source', () => {
  const source = (name: string) => inSnapshot(server.env(name), readSource);

  test('stays when the database is renamed, and is another for another database', async () => {
    await server.createDatabase('before', 'TEMPLATE template0');
    const before = await source('before');
    await server.psql('postgres', 'alter database before rename to after');
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    expect(await source('after')).toBe(before);
    expect(await source('plain')).not.toBe(before);
  });

  test('is unknown to a role that may not ask, and its transaction goes on', async () => {
    await server.createDatabase('asking', 'TEMPLATE template0');
    await server.psql(
      'asking',
      `create role asker login password 'asker'; revoke execute on function pg_control_system() from public;
      revoke execute on function pg_control_system() from pg_monitor`,
    );
    await inSnapshot({ ...server.env('asking'), PGUSER: 'asker', PGPASSWORD: 'asker' }, async (session) => {
      expect(await readSource(session)).toBeNull();
      expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
    });
  });
});
