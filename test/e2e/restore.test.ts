import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type ActionInputs, type ActionResult, runAction } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, startPostgres } from '../support/servers/postgres.ts';

const DATABASE = 'shop "live"';
const SET = 'shop=20=22live=22';

/** The database as it was when it was backed up. */
const SOURCE = `
create role shop_owner nologin;
create role shop_reader;
create role shop_watcher;
create role "shop app" login in role shop_owner;
create role shop_app_night login in role "shop app";
create role stranger login;
create table orders (id int primary key, total numeric);
alter table orders owner to shop_owner;
grant select on orders to shop_reader;
create policy watched on orders to shop_watcher using (true);
insert into orders select n, n * 1.5 from generate_series(1, 500) n;
alter database "shop ""live""" owner to shop_owner;
alter database "shop ""live""" set search_path = "$user", public;
alter database "shop ""live""" connection limit 40;
comment on database "shop ""live""" is 'orders';
`;

let server: PostgresServer;
let store: StoreFolder;
let id: string;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase(DATABASE);
  await server.psql(DATABASE, SOURCE);
  store = newStoreFolder();
  const backup = await runBackup(backupInputs(server, DATABASE, store));
  expect(backup.exitCode).toBe(0);
  id = backup.outputs.id ?? '';
  await server.psql(DATABASE, 'delete from orders where id > 100');
});

function restore(inputs: ActionInputs, to = server): Promise<ActionResult> {
  const database = { 'database-url': to.url(DATABASE), confirm: DATABASE };
  return runAction({ command: 'restore', store: store.url, name: SET, passphrase: PASSPHRASE, ...database, ...inputs });
}

function databases(of = server): Promise<string> {
  return of.psql(
    'postgres',
    "select string_agg(datname, ', ' order by datname) from pg_database where datname like 'shop%'",
  );
}

const countOrders = (database: string, of = server) => of.psql(database, 'select count(*) from public.orders');

describe('beside the live database', () => {
  afterEach(() => server.dropDatabase(`${DATABASE}_restored_${id}`));

  test('the plan alone changes nothing, and needs no confirmation', async () => {
    const result = await restore({ 'dry-run': 'true', confirm: '', replace: 'true' });
    expect(errorsOf(result)).toEqual([]);
    expect(result.log).toMatch(/\[dry-run\] Restores backup .* into the new database "shop \\"live\\"_restored_/);
    expect(result.log).toMatch(
      /\[dry-run\] When it is proven: ends connections, and in one transaction alter database/,
    );
    expect(await databases()).toBe(DATABASE);
  });

  test('without the right confirmation nothing is touched', async () => {
    const result = await restore({ confirm: 'shop' });
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/^confirm: "shop" is not the database that database-url names/),
      }),
    ]);
    expect(await databases()).toBe(DATABASE);
  });

  test('it is there, proven; the live one is as it was', async () => {
    const result = await restore({});
    expect(errorsOf(result)).toEqual([]);
    expect(result.outputs).toMatchObject({ id, verdict: 'proven' });
    expect(await countOrders(`${DATABASE}_restored_${id}`)).toBe('500');
    expect(await countOrders(DATABASE)).toBe('100');
  });

  test('one of an earlier restore is not written over', async () => {
    await restore({});
    const result = await restore({});
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/Nothing was changed.*is there from an earlier restore/),
      }),
    ]);
  });
});

test('in its place, while an application goes on connecting: the old one is kept under another name', async () => {
  let connects = true;
  const application = (async () => {
    while (connects) await server.psql(DATABASE, 'select pg_sleep(0.3)').catch(() => {});
  })();
  const result = await restore({ replace: 'true' });
  connects = false;
  await application;
  expect(errorsOf(result)).toEqual([]);
  expect(await databases()).toBe(`${DATABASE}, ${DATABASE}_before_${id}`);
  expect(await countOrders(DATABASE)).toBe('500');
  expect(await countOrders(`${DATABASE}_before_${id}`)).toBe('100');
  const facts = `select pg_get_userbyid(datdba), datconnlimit, shobj_description(oid, 'pg_database') from pg_database
    where datname = 'shop "live"'`;
  expect(await server.psql('postgres', facts)).toBe('shop_owner|40|orders');
  expect(await server.psql(DATABASE, 'show search_path')).toBe('"$user", public');
  expect(result.summary).toContain('The old one is');
});

describe('an empty server', () => {
  let fresh: PostgresServer;

  beforeAll(async () => {
    fresh = await startPostgres();
  });

  test('roles that are missing are named before anything is done', async () => {
    const result = await restore({}, fresh);
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(
          /Nothing was changed\. The server lacks the roles shop_owner, shop_reader, shop_watcher\..*create-roles: true/,
        ),
      }),
    ]);
    expect(await databases(fresh)).toBe('');
  });

  test('with its roles the database takes its own name', async () => {
    const result = await restore({ 'create-roles': 'true' }, fresh);
    expect(errorsOf(result)).toEqual([]);
    expect(result.outputs.verdict).toBe('proven');
    expect(await databases(fresh)).toBe(DATABASE);
    expect(await countOrders(DATABASE, fresh)).toBe('500');
    expect(result.summary).toMatch(/Roles that were made and need a password[\s\S]*shop&#95;owner/);
    // They own nothing: their rights come by membership, one of them by another's.
    const members = `select string_agg(m.member::regrole || ' in ' || m.roleid::regrole, ', ' order by m.member::regrole::text)
      from pg_auth_members m where m.roleid::regrole::text !~ '^pg_'`;
    expect(await fresh.psql('postgres', members)).toBe('"shop app" in shop_owner, shop_app_night in "shop app"');
    expect(await fresh.psql('postgres', "select count(*) from pg_roles where rolname = 'stranger'")).toBe('0');
  });
});
