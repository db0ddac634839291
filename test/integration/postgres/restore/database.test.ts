import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DatabaseFacts } from '../../../../src/formats/inventory/inventory.ts';
import { readDatabase } from '../../../../src/postgres/inventory/database.ts';
import { applyDatabaseFacts, createDatabase, dropDatabase } from '../../../../src/postgres/restore/database.ts';
import type { Session } from '../../../../src/postgres/session/session.ts';
import { openSession } from '../../../support/postgres/inventory.ts';
import {
  type PostgresServer,
  quoteIdentifier,
  sharedPostgres,
  startPostgres,
} from '../../../support/servers/postgres.ts';

/* What is read of one database is made again beside it, and is to be read there. */
const ROLES = ['scratch owner', 'scratch "reader"', 'scratch=weird'];

let server: PostgresServer;
let session: Session;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.psql('postgres', ROLES.map((role) => `create role ${quoteIdentifier(role)};`).join('\n'));
  session = await openSession(server.env('postgres'));
});

afterAll(async () => {
  for (const name of ['scratch_source', 'scratch_copy']) await server.dropDatabase(name);
  await server.psql('postgres', ROLES.map((role) => `drop role ${quoteIdentifier(role)};`).join('\n'));
  session.kill();
});

async function factsOf(from: PostgresServer, database: string): Promise<DatabaseFacts> {
  const reading = await openSession(from.env(database));
  try {
    return await readDatabase(reading, from.major * 10_000);
  } finally {
    reading.kill();
  }
}

interface Copied {
  source: DatabaseFacts;
  copy: DatabaseFacts;
  notMade: string[];
}

/** Makes the source with the clause and the statements, and then its copy from what was read of it. */
async function copied(clause: string, statements = '', change: Partial<DatabaseFacts> = {}): Promise<Copied> {
  for (const name of ['scratch_source', 'scratch_copy']) await server.dropDatabase(name);
  await server.createDatabase('scratch_source', `template template0 ${clause}`);
  if (statements !== '') await server.psql('postgres', statements);
  const source = { ...(await factsOf(server, 'scratch_source')), ...change };
  const notCreated = await createDatabase(session, 'scratch_copy', source, server.major * 10_000);
  const notMade = [...notCreated, ...(await applyDatabaseFacts(session, 'scratch_copy', source))];
  return { source, copy: { ...(await factsOf(server, 'scratch_copy')), name: source.name }, notMade };
}

describe('encoding, collation and provider', () => {
  test.each([
    "encoding UTF8 lc_collate 'C' lc_ctype 'C.UTF-8'",
    "encoding SQL_ASCII lc_collate 'C' lc_ctype 'C'",
    "encoding LATIN1 lc_collate 'C' lc_ctype 'C'",
    "encoding UTF8 locale_provider icu icu_locale 'de-u-co-phonebk' lc_collate 'C' lc_ctype 'C'",
    "encoding UTF8 locale_provider icu icu_locale 'und' locale 'C.UTF-8'",
  ])('%s', async (clause) => {
    const { source, copy, notMade } = await copied(clause);
    expect(copy).toEqual(source);
    expect(notMade).toEqual([]);
  });

  test.each([
    { collate: 'sv_SE.utf8', ctype: 'sv_SE.utf8' },
    { provider: 'icu', locale: 'no such locale!' },
    { provider: 'builtin', locale: 'C.UTF-8' },
    { encoding: 'LATIN1', collate: 'C.UTF-8', ctype: 'C.UTF-8' },
  ])('%j is not there: it is C, and that is said', async (change) => {
    const { copy, notMade } = await copied('encoding UTF8', '', change);
    expect(copy).toMatchObject({ collate: 'C', ctype: 'C', provider: 'libc', encoding: change.encoding ?? 'UTF8' });
    expect(notMade).toEqual([
      expect.stringMatching(/^The source's collation \(.*\) is not available here, C was used: /),
    ]);
    expect(notMade[0]).toContain(change.locale ?? change.collate);
  });

  test('what else is wrong is no matter of collation', async () => {
    const facts = await factsOf(server, 'postgres');
    await expect(createDatabase(session, 'postgres', facts, server.major * 10_000)).rejects.toThrow(/already exists/);
  });
});

describe.each([17, 18])('PostgreSQL %i', (major) => {
  test('its own providers and rules', async () => {
    const newer = await startPostgres({ major });
    const admin = await openSession(newer.env('postgres'));
    const clauses = [
      "encoding UTF8 locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'",
      "encoding UTF8 locale_provider icu icu_locale 'en' icu_rules '&a < g' lc_collate 'C' lc_ctype 'C'",
      "encoding UTF8 locale_provider libc lc_collate 'C' lc_ctype 'C.UTF-8'",
    ];
    for (const [index, clause] of clauses.entries()) {
      await newer.createDatabase(`source${index}`, `template template0 ${clause}`);
      const source = await factsOf(newer, `source${index}`);
      expect(await createDatabase(admin, `copy${index}`, source, major * 10_000)).toEqual([]);
      expect(await factsOf(newer, `copy${index}`)).toEqual({ ...source, name: `copy${index}` });
    }
    admin.kill();
    await newer.stop('immediate');
  });
});

describe('what the dump leaves out', () => {
  test('owner, comment, limit and settings', async () => {
    const { source, copy, notMade } = await copied(
      'connection limit 17',
      `alter database scratch_source owner to "scratch owner";
      comment on database scratch_source is 'it''s a \\ comment :"x"
of two lines';
      alter database scratch_source set search_path to "$user", public, "odd, name";
      alter database scratch_source set default_transaction_read_only to on;
      alter database scratch_source set "my.setting" to 'a ''value''';
      alter role "scratch ""reader""" in database scratch_source set work_mem to '64MB';
      alter role "scratch=weird" in database scratch_source set "TimeZone" to 'Europe/Berlin'`,
    );
    expect(source).toMatchObject({ owner: 'scratch owner', connectionLimit: 17 });
    expect(source.settings).toHaveLength(3);
    expect(copy).toEqual(source);
    expect(notMade).toEqual([]);
  });

  test.each([
    ['none', ''],
    ['to a role', 'grant connect, create on database scratch_source to "scratch ""reader"""'],
    ['with grant option', 'grant all on database scratch_source to "scratch=weird" with grant option'],
    ['public may not connect', 'revoke connect on database scratch_source from public'],
    ['public may do nothing', 'revoke all on database scratch_source from public'],
    ['the owner may not create', 'revoke create on database scratch_source from "scratch owner"'],
    ['nobody may do anything', 'revoke all on database scratch_source from public, "scratch owner"'],
    [
      'by another than the owner',
      `grant connect on database scratch_source to "scratch ""reader""" with grant option;
      set role "scratch ""reader"""; grant connect on database scratch_source to "scratch=weird"; reset role`,
    ],
  ])('grants: %s', async (_, statements) => {
    const owned = `alter database scratch_source owner to "scratch owner"; ${statements}`;
    const { source, copy, notMade } = await copied('', owned);
    expect(copy).toEqual(source);
    expect(notMade).toEqual([]);
  });

  test('an owner that is not there is told, and the rest is made', async () => {
    const { copy, notMade } = await copied('', "comment on database scratch_source is 'kept'", {
      owner: 'nobody here',
    });
    expect(notMade).toEqual([expect.stringMatching(/^the database: .*"nobody here" does not exist/)]);
    expect(copy.comment).toBe('kept');
  });
});

test('a database is dropped though somebody is connected, and one that is not there is no error', async () => {
  await copied('');
  const other = await openSession(server.env('scratch_copy'));
  await dropDatabase(session, 'scratch_copy');
  await dropDatabase(session, 'scratch_copy');
  other.kill();
  expect(await server.psql('postgres', "select count(*) from pg_database where datname = 'scratch_copy'")).toBe('0');
});
