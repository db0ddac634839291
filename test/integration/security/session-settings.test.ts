import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readLoginTriggers } from '../../../src/postgres/session/login-triggers.ts';
import { openChecked } from '../../../src/postgres/session/pooler.ts';
import { Session } from '../../../src/postgres/session/session.ts';
import { newestToolset } from '../../../src/postgres/toolset/find-toolset.ts';
import { localToolsets } from '../../../src/postgres/toolset/local-toolsets.ts';
import { backupInputs, errorsOf, runBackup } from '../../support/action/run-backup.ts';
import { expectProven, runRestoreTest } from '../../support/action/run-restore-test.ts';
import { newStoreFolder } from '../../support/action/stored-backup.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { recordedContext } from '../../support/store/context.ts';

const SHOP = `
  create role keeper; create schema app authorization keeper; set role keeper;
  create table app.orders (id int primary key, what text); insert into app.orders select n, repeat('x', 50) from generate_series(1, 200000) n;
  alter table app.orders enable row level security; alter table app.orders force row level security;
  update app.orders set what = '100 €' where id = 7; comment on table app.orders is 'in €';
  reset role; create sequence ids; select lo_from_bytea(0, 'abc'); create materialized view sums as select count(*) as n from app.orders`;

/** Each would end a backup, hide rows from it or change what it reads. */
const SETTINGS = [
  "statement_timeout = '30ms'",
  "lock_timeout = '1ms'",
  "idle_in_transaction_session_timeout = '100ms'",
  "idle_session_timeout = '2s'",
  'role = keeper',
  'default_transaction_isolation = serializable',
  'default_transaction_deferrable = on',
  'default_transaction_read_only = on',
  "client_encoding = 'LATIN1'",
  'row_security = on',
  'jit = on',
  'constraint_exclusion = on',
  'standard_conforming_strings = off',
  'array_nulls = off',
  'transform_null_equals = on',
  'quote_all_identifiers = on',
];

describe('settings of a database and of a role act on no command', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
    await server.createDatabase('shop', 'template template0');
    await server.psql('shop', SHOP);
  });

  afterAll(() => server.stop('immediate'));

  test.each([
    ['of the database', 'alter database shop'],
    ['of the role', 'alter role postgres in database shop'],
  ])('%s', async (_, alter) => {
    const changes = SETTINGS.map((setting) => `${alter} set ${setting};`);
    await server.psql('postgres', changes.join('\n'));
    const store = newStoreFolder();
    const backup = await runBackup({ ...backupInputs(server, 'shop', store), fingerprint: 'content' });
    expect(errorsOf(backup)).toEqual([]);
    expect(backup.outputs).toMatchObject({ rows: '200000' });
    expectProven(await runRestoreTest(store, { jobs: '2' }));
    await server.psql('postgres', 'alter database shop reset all; alter role postgres in database shop reset all');
  });
});

describe('a login event trigger', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres({ major: 17 });
    await server.createDatabase('guarded');
    await server.psql(
      'guarded',
      `create role app login password 'app';
      create function refuse() returns event_trigger language plpgsql as $$
        begin if current_setting('application_name') like 'lifeboat-%' then raise exception 'go away'; end if; end $$;
      create event trigger guard on login execute function refuse()`,
    );
  });

  afterAll(() => server.stop('immediate'));

  const open = async (env: Record<string, string>) => {
    const toolset = await newestToolset([localToolsets]);
    return openChecked({ toolset, connection: env, id: 'login', context: recordedContext() }, 'snapshot');
  };

  test('it keeps no superuser out', async () => {
    const { session, server: reached } = await open(server.env('guarded'));
    expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
    session.kill();
    const another = await Session.open(reached, 'compare');
    expect(await another.query("select current_setting('event_triggers') as is")).toEqual([{ is: 'off' }]);
    another.kill();
  });

  test('one that writes is reported by name', async () => {
    await server.createDatabase('watched');
    await server.psql(
      'watched',
      `create table logins (at timestamptz);
      create function note() returns event_trigger language plpgsql as $$
        begin if not pg_is_in_recovery() then insert into public.logins values (now()); end if; end $$;
      create event trigger watch on login execute function note()`,
    );
    const { session } = await open(server.env('watched'));
    expect(await readLoginTriggers(session)).toEqual([
      expect.stringMatching(/^Login event trigger "watch" ran public\.note\(\) when this run connected\./),
    ]);
    session.kill();
  });

  test('another role is told which function it is', async () => {
    const opening = open({ ...server.env('guarded'), PGUSER: 'app', PGPASSWORD: 'app' });
    await expect(opening).rejects.toThrow(
      /the function (public\.)?refuse\(\) of a login event trigger refused.*go away/s,
    );
  });
});
