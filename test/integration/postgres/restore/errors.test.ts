import { createReadStream, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { beforeAll, expect, test } from '@jest/globals';
import { type RestoreError, RestoreErrors } from '../../../../src/postgres/restore/errors.ts';
import { loadArchive } from '../../../../src/postgres/restore/load.ts';
import { serverTo } from '../../../support/postgres/server-to.ts';
import { execute } from '../../../support/servers/execute.ts';
import { type PostgresServer, sharedPostgres, startPostgres } from '../../../support/servers/postgres.ts';
import { localPrograms } from '../../../support/servers/postgres-programs.ts';
import { runFolder } from '../../../support/servers/run.ts';

/* What pg_restore says is made by pg_restore: real archives, restored where something is missing. */
const SOURCE = 'restore_errors';
/** Stands in rows: no message may ever hold it. */
const SECRET = 'iban DE02 1203 0000 0000 2020 51';

let server: PostgresServer;
let archive: string;
let errors: RestoreError[];
let copies = 0;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase(SOURCE);
  await server.psql(
    SOURCE,
    `create role "restore errors owner";
    create extension adminpack;
    create extension pg_trgm;
    create type "a type" as enum ();
    create table lim (most integer);
    insert into lim values (10);
    create function below(integer) returns boolean language sql as 'select $1 < (select max(most) from lim)';
    create table "with spaces" (n integer check (below(n)), secret text);
    insert into "with spaces" values (1, '${SECRET}'), (2, '${SECRET}');
    create schema "a schema";
    create table "a schema"."its ""table" (n integer, secret text);
    insert into "a schema"."its ""table" values (1, '${SECRET}'), (1, '${SECRET}');
    create table dates (day text);
    insert into dates values ('${SECRET}');
    create table owned (secret text);
    alter table owned owner to "restore errors owner";
    create table trigrams (secret text);
    create index "an index" on trigrams using gin (secret gin_trgm_ops);
    create table whole (secret text);
    insert into whole values ('${SECRET}');
    grant select on whole to "restore errors owner"`,
  );
  archive = join(mkdtempSync(join(runFolder(), 'archive-')), 'archive');
  await execute(join(localPrograms()?.binDir ?? '', 'pg_dump'), ['-Fc', '-Z0', '-w', '-f', archive], {
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8', ...server.env(SOURCE) },
  });
  await server.psql(SOURCE, 'drop owned by "restore errors owner"; drop role "restore errors owner"');
  errors = await restored(
    server,
    `create table trigrams (); create type "a type" as enum (); create table dates (day date); create schema "a schema";
    create table "a schema"."its ""table" (n integer, secret text unique)`,
  );
});

/** The errors of the archive, restored into a database where something is in its way. */
async function restored(into: PostgresServer, before = ''): Promise<RestoreError[]> {
  const name = `restore_errors_${++copies}`;
  await into.createDatabase(name, 'template template0');
  if (before !== '') await into.psql(name, before);
  return (await loadArchive(await serverTo(into, name), createReadStream(archive), { args: [] })).errors;
}

test('each error names its object, in the order of the archive', () => {
  expect(errors).toEqual([
    { kind: 'SCHEMA', object: 'a schema', message: 'schema "a schema" already exists' },
    { kind: 'TYPE', object: 'public.a type', message: 'type "a type" already exists' },
    { kind: 'TABLE', object: 'a schema.its "table', message: 'relation "its "table" already exists' },
    { kind: 'TABLE', object: 'public.dates', message: 'relation "dates" already exists' },
    { kind: 'TABLE', object: 'public.owned', message: 'role "restore errors owner" does not exist' },
    { kind: 'TABLE', object: 'public.trigrams', message: 'relation "trigrams" already exists' },
    {
      kind: 'TABLE DATA',
      object: 'a schema.its "table',
      message:
        'COPY failed for table "its "table": duplicate key value violates unique constraint "its "table_secret_key"',
    },
    {
      kind: 'TABLE DATA',
      object: 'public.dates',
      message: 'COPY failed for table "dates": invalid input syntax for type date: (a value, not shown)',
    },
    {
      kind: 'TABLE DATA',
      object: 'public.trigrams',
      message: 'column "secret" of relation "trigrams" does not exist',
    },
    {
      kind: 'TABLE DATA',
      object: 'public.with spaces',
      message: 'COPY failed for table "with spaces": relation "lim" does not exist',
    },
    { kind: 'INDEX', object: 'public.an index', message: 'column "secret" does not exist' },
    { kind: 'ACL', object: 'public.TABLE whole', message: 'role "restore errors owner" does not exist' },
  ]);
});

test('an extension that the server does not have', async () => {
  const newer = await startPostgres({ major: 18 });
  const missing = (await restored(newer)).filter(({ kind }) => kind === 'EXTENSION');
  await newer.stop('immediate');
  expect(missing).toEqual([
    { kind: 'EXTENSION', object: 'adminpack', message: 'extension "adminpack" is not available' },
  ]);
});

test('nothing is wrong: no errors', async () => {
  await server.psql('postgres', 'create role "restore errors owner"');
  const others = (await restored(server)).filter(({ object }) => object !== 'public.with spaces');
  await server.dropDatabase(`restore_errors_${copies}`);
  await server.psql('postgres', 'drop role "restore errors owner"');
  expect(others).toEqual([]);
});

test('R4: of the rows that COPY was given no message shows any', () => {
  expect(JSON.stringify(errors)).not.toMatch(/iban|2020 51|DE02/);
});

test('an error that is not understood is counted all the same', () => {
  const said = new RestoreErrors();
  for (const line of [
    'pg_restore: creating TABLE "public.t"',
    'pg_restore: error: could not execute query: ERROR:  relation "t" already exists',
    'pg_restore: fehler: irgendetwas',
  ])
    said.take(line);
  expect(said.sawEnd()).toBe(false);
  said.take('pg_restore: warning: errors ignored on restore: 3');
  expect(said.sawEnd()).toBe(true);
  expect(said.all()).toEqual([
    { kind: 'TABLE', object: 'public.t', message: 'relation "t" already exists' },
    { kind: null, object: null, message: 'pg_restore counted 3 errors; of 2 it is not known what they are' },
  ]);
});

test('a restore that does not come to its end has no errors to tell: it throws', async () => {
  const { connection, ...to } = await serverTo(server, SOURCE);
  const load = (bytes: AsyncIterable<Uint8Array>, database = SOURCE) =>
    loadArchive({ ...to, connection: { ...connection, PGDATABASE: database } }, bytes, { args: [] });
  await expect(load(createReadStream(archive), 'no such database')).rejects.toThrow(
    /^pg_restore exited with code 1. It said: .*database "no such database" does not exist$/,
  );
  await server.createDatabase('restore_errors_cut', 'template template0');
  await expect(load(createReadStream(archive, { end: 5_000 }), 'restore_errors_cut')).rejects.toThrow(
    /^pg_restore exited with code 1. It said: could not read from input file: end of file$/,
  );
  await expect(load(Readable.from([Buffer.from('no archive')]), 'restore_errors_cut')).rejects.toThrow(
    /^pg_restore exited with code 1. It said: input file/,
  );
});
