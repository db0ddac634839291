import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { type ActionsCache, startActionsCache } from '../servers/actions-cache.ts';
import { execute } from '../servers/execute.ts';
import { type PostgresServer, sharedPostgres } from '../servers/postgres.ts';
import { runFolder } from '../servers/run.ts';
import { REPOSITORY } from './action-definition.ts';
import { people } from './gnupg.ts';
import type { ActionInputs } from './harness.ts';
import { backupInputs, errorsOf, runBackup } from './run-backup.ts';
import { expectProven, runRestoreTest, type TestedBackup } from './run-restore-test.ts';
import { newStoreFolder, type StoreFolder } from './stored-backup.ts';

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

  test('has the pull request’s code on the machine only when the restore is over, and the masking from elsewhere', () => {
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

describe('its inputs', () => {
  const DATABASE = 'shop_of_pull_requests';
  let server: PostgresServer;
  let cache: ActionsCache;
  let store: StoreFolder;
  let given: ActionInputs;
  const kept: string[] = [];

  beforeAll(async () => {
    [server, cache] = await Promise.all([sharedPostgres(), startActionsCache()]);
    const { alice, signer } = await people();
    await server.createDatabase(DATABASE);
    await server.psql(
      DATABASE,
      `create table customers (id int primary key, name text not null, email text);
      insert into customers select n, 'Name ' || n, case when n % 10 > 0 then n || '@example.com' end from generate_series(1, 100) n`,
    );
    store = newStoreFolder();
    const keys = { passphrase: '', 'public-key': alice.publicKey, 'signing-key': signer.secretKey };
    const inputs = { ...backupInputs(server, DATABASE, store), ...keys, name: 'shop' };
    expect(errorsOf(await runBackup(inputs))).toEqual([]);
    const mask = join(mkdtempSync(join(runFolder(), 'mask-')), 'mask.sql');
    writeFileSync(
      mask,
      "update customers set name = 'masked', email = case when email > '' then id || '@masked.invalid' end",
    );
    given = {
      store: store.url,
      'private-key': alice.secretKey,
      'private-key-passphrase': '',
      'verification-key': signer.publicKey,
      'scratch-url': `${server.url('postgres')}?sslmode=disable`,
      'after-restore': mask,
    };
  }, 120_000);

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

  test('nothing is proven yet: it is red, and nothing is handed out', async () => {
    await expect(restored()).rejects.toThrow(/no backup that a restore test has proven/);
  });

  describe('after the nightly restore test, which has filled the cache', () => {
    let result: TestedBackup;
    let url: string;

    beforeAll(async () => {
      expectProven(await restored({ backup: 'latest', 'keep-database': 'false', 'after-restore': '' }));
      cache.requests.length = 0;
      result = await restored();
      url = result.outputs['restored-url'] ?? '';
    }, 60_000);

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

  test('A7: of a fork, where the secrets are empty: it says why', async () => {
    await expect(restored({ 'private-key': '' })).rejects.toThrow(/Secrets are empty for pull requests from forks/);
  });
});
