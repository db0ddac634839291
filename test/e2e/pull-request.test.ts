import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { REPOSITORY } from '../support/action/action-definition.ts';
import { people } from '../support/action/gnupg.ts';
import type { ActionInputs } from '../support/action/harness.ts';
import { backupInputs, errorsOf, runBackup } from '../support/action/run-backup.ts';
import { expectProven, runRestoreTest, type TestedBackup } from '../support/action/run-restore-test.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type ActionsCache, startActionsCache } from '../support/servers/actions-cache.ts';
import { execute } from '../support/servers/execute.ts';
import { type PostgresServer, sharedPostgres, startPostgres } from '../support/servers/postgres.ts';
import { runFolder } from '../support/servers/run.ts';

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, string | boolean>;
  env?: Record<string, string>;
}

interface Job {
  if: string;
  environment?: string;
  env?: Record<string, string>;
  steps: Step[];
}

interface Workflow {
  on: Record<string, unknown>;
  permissions: Record<string, string>;
  env?: Record<string, string>;
  jobs: Record<'not-tried' | 'migrations', Job>;
}

const text = readFileSync(join(REPOSITORY, 'examples', 'pull-request-check.yml'), 'utf8');
const workflow = parse(text) as Workflow;
const { migrations, 'not-tried': notTried } = workflow.jobs;
const stepOf = (part: string) => migrations.steps.findIndex((step) => JSON.stringify(step).includes(part));
const restore = migrations.steps[stepOf('OWNER/lifeboat')] as Step;

describe('the example', () => {
  test('gives pull requests no rights, and the private key to the restore alone', () => {
    expect(Object.keys(workflow.on)).toEqual(['pull_request']);
    expect(workflow.permissions).toEqual({ contents: 'read' });
    expect([workflow.env, migrations.env]).toEqual([undefined, undefined]);
    const withSecrets = migrations.steps.filter((step) => JSON.stringify(step).includes('secrets.'));
    expect(withSecrets).toEqual([restore]);
    expect(migrations.environment).toBe('pull-request-restore');
  });

  test("has the pull request's code on the machine only when the restore is over, and the masking from elsewhere", () => {
    const ofPullRequest = migrations.steps.findIndex(({ with: inputs }) => inputs?.path === 'change');
    expect(ofPullRequest).toBeGreaterThan(stepOf('OWNER/lifeboat'));
    const ofDefaultBranch = migrations.steps.find(({ with: inputs }) => inputs?.path === 'default-branch');
    expect(ofDefaultBranch?.with?.ref).toContain('github.event.repository.default_branch');
    expect(restore.with?.['after-restore']).toMatch(/^default-branch\//);
    expect(stepOf('npm run migrate')).toBeGreaterThan(ofPullRequest);
  });

  test('says why nothing is tried, in every case in which nothing is', () => {
    const opposite = migrations.if.replace('==', '!=').replace('&&', '||').replace("!= 'dependabot", "== 'dependabot");
    expect(notTried.if).toBe(opposite);
    expect(notTried.steps[0]?.run).toContain('::notice');
  });
});

/** Objects of the source that undo a masking, or keep what was there before it. Each real value begins with "Real". */
const WHAT_UNDOES_MASKING = `
  create table orders (customer int references customers on update cascade);
  insert into orders select id from customers;
  create function undo() returns trigger language plpgsql as $$
    begin return case when old::text like '%Real%' then old else new end; end $$;
  create trigger undo_always before update on customers for each row execute function undo();
  alter table customers enable always trigger undo_always;

  create table phones (number text);
  insert into phones select 'Real ' || n from generate_series(1, 100) n;
  create trigger undo_replica before update on phones for each row execute function undo();
  alter table phones enable replica trigger undo_replica;

  create table copies (text text);
  create function copy() returns trigger language plpgsql as 'begin insert into public.copies values (old.body); return null; end';
  create table letters (body text);
  insert into letters select 'Real ' || n from generate_series(1, 100) n;
  create trigger copy after update on letters for each row execute function copy();
  create trigger off after update on letters for each row execute function copy();
  alter table letters disable trigger off;

  create table addresses (line text, ssn text);
  insert into addresses select 'Real ' || n, 'Real ' || n from generate_series(1, 100) n;
  create rule undo as on update to addresses do instead nothing;
  create rule copy as on delete to addresses do also insert into copies values (old.line);

  create table visits (day int, guest text) partition by range (day);
  create table visits_1 partition of visits for values from (1) to (60);
  create table visits_2 partition of visits for values from (60) to (200);
  insert into visits select n, 'Real ' || n from generate_series(1, 100) n;
  create trigger undo before update on visits for each row execute function undo();
  alter table visits_1 enable always trigger undo;
  alter table visits_2 disable trigger undo;

  create table sessions (token text);
  insert into sessions select 'Real ' || n from generate_series(1, 100) n;

  create materialized view names as select name from customers;
  create materialized view longest as select max(name) from names;
  create materialized view never as select name from customers with no data;

  create function note() returns event_trigger language plpgsql as $$ begin insert into public.copies values ('Real' || ' event'); end $$;
  create event trigger note on ddl_command_end when tag in ('ALTER TABLE') execute function note();
  alter event trigger note enable always`;

/** As people write it, with what is to keep triggers from firing, and does not. Statistics are those that autovacuum makes. */
const MASK = `
  analyze;
  set local session_replication_role = replica;
  update phones set number = 'masked';
  set local session_replication_role = origin;
  update customers set id = id + 1000, name = 'masked', email = case when email > '' then id || '@masked.invalid' end;
  update letters set body = 'masked';
  delete from addresses where line like '%7';
  update addresses set line = 'masked';
  alter table addresses drop column ssn;
  update visits set guest = 'masked';
  delete from sessions`;

const STATES = `
  select string_agg(concat_ws(' ', name, state), ', ' order by name) from (
    select tgrelid::regclass || '.' || tgname, tgenabled from pg_trigger where not tgisinternal
    union all select ev_class::regclass || '.' || rulename, ev_enabled from pg_rewrite where rulename <> '_RETURN'
      and ev_class::regclass::text = 'addresses'
    union all select evtname, evtenabled from pg_event_trigger) states (name, state)`;

describe('its inputs', () => {
  const DATABASE = 'shop_of_pull_requests';
  let server: PostgresServer;
  let cache: ActionsCache;
  let store: StoreFolder;
  let given: ActionInputs;
  /** Of the nightly restore test, whose records count only when they are signed. */
  let signingKey: string;
  const kept: string[] = [];

  beforeAll(async () => {
    [server, cache] = await Promise.all([sharedPostgres(), startActionsCache()]);
    const { alice, signer } = await people();
    signingKey = signer.secretKey;
    await server.createDatabase(DATABASE);
    await server.psql(
      DATABASE,
      `create table customers (id int primary key, name text not null, email text);
      insert into customers select n, 'Real ' || n, case when n % 10 > 0 then n || '@example.com' end from generate_series(1, 100) n;
      ${WHAT_UNDOES_MASKING}`,
    );
    store = newStoreFolder();
    const keys = { passphrase: '', 'public-key': alice.publicKey, 'signing-key': signer.secretKey };
    const inputs = { ...backupInputs(server, DATABASE, store), ...keys, name: 'shop' };
    expect(errorsOf(await runBackup(inputs))).toEqual([]);
    const mask = join(mkdtempSync(join(runFolder(), 'mask-')), 'mask.sql');
    writeFileSync(mask, MASK);
    given = {
      store: store.url,
      'private-key': alice.secretKey,
      'private-key-passphrase': '',
      'verification-key': signer.publicKey,
      'scratch-url': `${server.url('postgres')}?sslmode=disable`,
      'after-restore': mask,
    };
  });

  afterAll(async () => {
    for (const database of kept) await server.dropDatabase(database);
    await cache.stop();
  });

  /** The example's inputs as they are there, but for what is different here. */
  async function restored(inputs: ActionInputs = {}): Promise<TestedBackup> {
    const written = Object.entries(restore.with ?? {}).map(([name, value]) => [name, String(value)] as const);
    const foreign = written.filter(([name, value]) => value.includes('${{') && given[name] === undefined);
    expect(foreign).toEqual([]);
    const env = { ...cache.env, GITHUB_EVENT_NAME: 'pull_request', GITHUB_REF: 'refs/pull/7/merge' };
    const result = await runRestoreTest(store, { ...Object.fromEntries(written), ...given, ...inputs }, { env });
    if (result.report.keptDatabase !== null) kept.push(result.report.keptDatabase);
    return result;
  }

  /** What a pull request's own program does with the URL that it is given. */
  function migrate(url: string, sql: string): Promise<string> {
    return execute('psql', [url, '--no-psqlrc', '--tuples-only', '--no-align', '--set=ON_ERROR_STOP=1', '-c', sql]);
  }

  /** The files of the kept database in which a real value stands: of a table, an index, or a catalog. */
  async function filesWithRealValues(): Promise<string[]> {
    const database = kept.at(-1) ?? '';
    await server.psql(database, 'checkpoint');
    const oid = await server.psql('postgres', `select oid from pg_database where datname = '${database}'`);
    const folder = join(server.dataDir, 'base', oid);
    const files = readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes('Real '));
    const named = files.map((name) =>
      server.psql(database, `select pg_filenode_relation(0, ${Number.parseInt(name, 10)})`),
    );
    return Promise.all(named);
  }

  test('nothing is proven yet: it is red, and nothing is handed out', async () => {
    await expect(restored()).rejects.toThrow(/no backup that a restore test has proven/);
  });

  describe('after the nightly restore test, which has filled the cache', () => {
    let result: TestedBackup;
    let url: string;

    beforeAll(async () => {
      expectProven(
        await restored({ backup: 'latest', 'keep-database': 'false', 'after-restore': '', 'signing-key': signingKey }),
      );
      cache.requests.length = 0;
      result = await restored();
      url = result.outputs['restored-url'] ?? '';
    });

    test('the backup comes from the cache, and is proven', () => {
      expectProven(result);
      expect(cache.requests).toContain('download');
      expect(result.report).toMatchObject({ signatureVerified: true, cachedSize: result.report.storedSize });
    });

    test('it is masked before it is handed out, and the URL is one for other programs', async () => {
      expect(new URL(url).searchParams.get('sslmode')).toBe('disable');
      expect(await migrate(url, 'select distinct name from customers')).toBe('masked\n');
      expect(await migrate(url, "select count(*) from customers where email like '%example.com'")).toBe('0\n');
    });

    test('no unmasked value is left, in no table, view, statistic or file, and no relation is lost', async () => {
      const real = (relation: string, column: string) =>
        migrate(url, `select count(*) from ${relation} where ${column}::text like '%Real %'`).then(Number);
      const columns = { customers: 'name', phones: 'number', letters: 'body', addresses: 'line', visits: 'guest' };
      const others = { copies: 'text', sessions: 'token', names: 'name', longest: 'max', pg_stats: 'pg_stats' };
      const found: Record<string, number> = {};
      for (const [relation, column] of Object.entries({ ...columns, ...others }))
        found[relation] = await real(relation, column);
      expect(found).toEqual(Object.fromEntries(Object.keys(found).map((relation) => [relation, 0])));
      expect(await filesWithRealValues()).toEqual([]);
      expect(await migrate(url, 'select count(*), min(customer) from orders')).toBe('100|1001\n');
      expect(await migrate(url, "select count(*) from names where name = 'masked'")).toBe('100\n');
      expect(await migrate(url, "select relispopulated from pg_class where relname = 'never'")).toBe('f\n');
      expect(await migrate(url, "select count(*) > 0 from pg_stats where tablename = 'customers'")).toBe('t\n');
    });

    test('triggers, rules and event triggers are as they were', async () => {
      expect(await migrate(url, STATES)).toBe(`${await server.psql(DATABASE, STATES)}\n`);
    });

    test('a migration that works on an empty database, and not on this one, fails', async () => {
      const sql = 'alter table customers alter email set not null';
      await expect(migrate(url, sql)).rejects.toThrow(/contains null values/);
    });

    test('one that works, works', async () => {
      await migrate(
        url,
        "update customers set email = '' where email is null; alter table customers alter email set not null",
      );
      expect(await migrate(url, "select count(*) from customers where email = ''")).toBe('10\n');
    });
  });

  test('a masking that fails: nothing is handed out', async () => {
    const mask = join(mkdtempSync(join(runFolder(), 'mask-')), 'mask.sql');
    writeFileSync(mask, 'update customers set nickname = null');
    await expect(restored({ 'after-restore': mask })).rejects.toThrow(
      /after-restore: .*was not handed out and is gone/,
    );
  });

  test('an assertion that does not hold after the masking: nothing is handed out', async () => {
    const assertions = `[{name: masked, sql: "select count(*) from customers where name = 'masked'", expect: {equals: 0}}]`;
    await expect(restored({ assertions })).rejects.toThrow(
      /after-restore: the database was not handed out and is gone, because .* "masked": "0" was expected, the answer is 100/,
    );
    expect(
      await server.psql('postgres', `select datname from pg_database where datname like '${DATABASE}_test%'`),
    ).toBe(kept.join('\n'));
  });

  describe('on a server that cannot forget', () => {
    const unmasked = () => other.psql('postgres', `select count(*) from pg_database where datname like '${DATABASE}%'`);
    let other: PostgresServer;

    beforeAll(async () => {
      other = await startPostgres({ settings: { wal_level: 'logical' } });
    });

    afterAll(() => other.stop('immediate'));

    test('a replication slot keeps old rows: an error before the restore', async () => {
      await other.psql('postgres', "select pg_create_logical_replication_slot('replica_1', 'pgoutput')");
      await expect(restored({ 'scratch-url': `${other.url('postgres')}?sslmode=disable` })).rejects.toThrow(
        /scratch-url: .*replication slot replica_1.* keep old row versions/,
      );
      expect(other.log()).not.toContain('customers');
      expect(await unmasked()).toBe('0');
    });

    test('a role that is not a superuser: an error before the restore', async () => {
      await other.psql('postgres', "create role restorer login createdb createrole password 'restorer'");
      const url = new URL(other.url('postgres'));
      [url.username, url.password] = ['restorer', 'restorer'];
      await expect(restored({ 'scratch-url': `${url.href}?sslmode=disable` })).rejects.toThrow(
        /scratch-url: the role is not a superuser/,
      );
      expect(await unmasked()).toBe('0');
    });
  });

  test('A7: of a fork, where the secrets are empty: it says why', async () => {
    await expect(restored({ 'private-key': '' })).rejects.toThrow(/Secrets are empty for pull requests from forks/);
  });
});
