import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RoleFacts } from '../../../../src/formats/inventory/inventory.ts';
import { dropRoles, type RecreatedRoles, recreateRoles, setClause } from '../../../../src/postgres/restore/roles.ts';
import { readRoles } from '../../../../src/postgres/session/roles.ts';
import type { Session } from '../../../../src/postgres/session/session.ts';
import { openSession } from '../../../support/postgres/inventory.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';

/* What is read of one server is made on another, and is to be read there again. */

/** Roles as people make them, in SQL that every supported version takes. */
const ROLES = `
create role group_a nologin;
create role group_b nologin noinherit;
create role "odd ""name"" 'x' \\ :colon ; --" login;
create role "Größe 🛟" login connection limit 7 valid until '2031-02-03 04:05:06+00';
create role everything superuser createdb createrole replication bypassrls login;
grant group_a to "Größe 🛟" with admin option;
grant group_a to group_b;
grant group_b to "odd ""name"" 'x' \\ :colon ; --";
grant pg_read_all_data to group_a;
comment on role group_a is 'it''s a \\ comment :"x"
of two lines';
alter role group_a set search_path to "$user", public, "odd, name", "with ""quotes""";
alter role group_a set work_mem to '64MB';
alter role group_a set "my.setting" to 'a "quoted" \\ ''value'', with a comma';
alter role group_b set search_path to '';
alter role group_b set statement_timeout to 0;
alter role group_b set "TimeZone" to 'Europe/Berlin';
alter role everything set datestyle to 'ISO, DMY';
alter role everything set temp_tablespaces to '';
alter role everything set session_preload_libraries to 'auto_explain', "odd lib";
`;

async function rolesOf(session: Session, versionNumber: number): Promise<RoleFacts[]> {
  const roles = await readRoles(session, versionNumber);
  return roles.filter(({ name }) => name !== 'postgres');
}

/** Who granted it is not kept. */
function withoutGrantors(roles: RoleFacts[]): RoleFacts[] {
  return roles.map((role) => ({
    ...role,
    memberOf: role.memberOf.map((membership) => ({ ...membership, grantor: null })),
  }));
}

const MAJORS = [
  { title: 'of this machine', major: null },
  { title: '18', major: 18 },
];

describe.each(MAJORS)('from PostgreSQL $title to another', ({ major }) => {
  let source: PostgresServer;
  let target: PostgresServer;
  let session: Session;
  let roles: RoleFacts[];
  let made: RecreatedRoles;
  let versionNumber: number;

  beforeAll(async () => {
    const options = major === null ? {} : { major };
    [source, target] = await Promise.all([startPostgres(options), startPostgres(options)]);
    versionNumber = source.major * 10_000;
    await source.psql('postgres', ROLES);
    if (source.major >= 16) {
      await source.psql('postgres', 'grant group_a to everything with inherit false, set false');
    }
    const reading = await openSession(source.env('postgres'));
    roles = await rolesOf(reading, versionNumber);
    reading.kill();
    session = await openSession(target.env('postgres'));
    made = await recreateRoles(session, roles, versionNumber);
  });

  afterAll(async () => {
    session.kill();
    await Promise.all([source, target].map((server) => server.stop('immediate')));
  });

  test('they are the same, and nothing was left out', async () => {
    expect(roles.length).toBe(5);
    expect(made).toEqual({ created: roles.map(({ name }) => name), existing: [], notMade: [] });
    expect(withoutGrantors(await rolesOf(session, versionNumber))).toEqual(withoutGrantors(roles));
  });

  test('those that are there already are left as they are', async () => {
    await target.psql('postgres', 'alter role group_a connection limit 3');
    const again = await recreateRoles(session, roles, versionNumber);
    expect(again).toEqual({ created: [], existing: roles.map(({ name }) => name), notMade: [] });
    const [limit] = (await rolesOf(session, versionNumber)).filter(({ name }) => name === 'group_a');
    expect(limit?.connectionLimit).toBe(3);
    await target.psql('postgres', 'alter role group_a connection limit -1');
  });

  test('what the server refuses is told, and the others are made', async () => {
    const base = { attributes: [], connectionLimit: -1, validUntil: null, comment: null, settings: [], memberOf: [] };
    const membership = { grantor: null, admin: false, inherit: null, set: null };
    const { created, notMade } = await recreateRoles(
      session,
      [
        { ...base, name: 'lacking', settings: ['no_such_setting=1'], comment: 'still commented' },
        { ...base, name: 'member', memberOf: [{ ...membership, role: 'no such role' }] },
      ],
      versionNumber,
    );
    expect(created).toEqual(['lacking', 'member']);
    expect(notMade).toEqual([
      expect.stringMatching(/^role "lacking": .*"no_such_setting"/),
      expect.stringMatching(/^role "member": .*"no such role" does not exist/),
    ]);
    const [lacking] = (await rolesOf(session, versionNumber)).filter(({ name }) => name === 'lacking');
    expect(lacking?.comment).toBe('still commented');
    await dropRoles(session, created);
  });

  test('they can be dropped again', async () => {
    await dropRoles(session, made.created);
    expect(await rolesOf(session, versionNumber)).toEqual([]);
  });
});

test.each([
  ['search_path="$user", public', `set "search_path" to '$user', 'public'`],
  ['search_path=public', `set "search_path" to 'public'`],
  ['search_path=""', `set "search_path" to ''`],
  ['search_path="a ""b""", c', `set "search_path" to 'a "b"', 'c'`],
  ['work_mem=64MB', `set "work_mem" to '64MB'`],
  ['a.b=c=d', `set "a"."b" to 'c=d'`],
])('%s is set by: %s', (setting, statement) => {
  expect(setClause(setting)).toBe(statement);
});
