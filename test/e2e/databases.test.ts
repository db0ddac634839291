import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DatabasesReport } from '../../src/commands/backup/databases/report.ts';
import { type ActionInputs, type ActionResult, startAction } from '../support/action/harness.ts';
import { errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type PostgresServer, startPostgres } from '../support/servers/postgres.ts';
import { runFolder } from '../support/servers/run.ts';

/** One that is odd in SQL, in Markdown, in a path and in a URL. */
const ODD = 'odd "<b>| db/ü';
const ODD_SET = 'odd=20=22=3Cb=3E=7C=20db=2F=C3=BC';

let server: PostgresServer;
let store: StoreFolder;

beforeAll(async () => {
  server = await startPostgres();
  for (const [name, rows] of [
    ['shop', 100],
    ['shop_archive', 30],
    [ODD, 7],
  ] as const) {
    await server.createDatabase(name);
    await server.psql(name, `create table t as select n from generate_series(1, ${rows}) n`);
  }
});

beforeEach(() => {
  store = newStoreFolder();
});

const inputs = (more: ActionInputs): ActionInputs => ({
  'database-url': server.url('postgres'),
  store: store.url,
  passphrase: PASSPHRASE,
  ...more,
});

function run(more: ActionInputs): Promise<ActionResult> {
  return runBackup(inputs(more));
}

const sets = () => readdirSync(store.path).sort();

function reportOf({ outputs }: ActionResult): DatabasesReport {
  return JSON.parse(readFileSync(outputs.report ?? '', 'utf8')) as DatabasesReport;
}

const outcomes = (result: ActionResult) =>
  Object.fromEntries(reportOf(result).databases.map(({ database, outcome }) => [database, outcome]));

describe('of several databases', () => {
  test('all: each into its own set, with one summary; an empty postgres is left out', async () => {
    const result = await run({ databases: 'all' });
    expect(errorsOf(result)).toEqual([]);
    expect(sets()).toEqual([ODD_SET, 'shop', 'shop_archive'].sort());
    expect(reportOf(result)).toMatchObject({ leftOut: ['postgres'] });
    expect(result.outputs).toMatchObject({ tables: '3', rows: '137' });
    const backups = JSON.parse(result.outputs.backups ?? '') as { database: string; id: string; rows: string }[];
    expect(backups.map(({ database, rows }) => [database, rows])).toEqual([
      [ODD, '7'],
      ['shop', '100'],
      ['shop_archive', '30'],
    ]);
    expect(result.outputs.id?.split('\n')).toEqual(backups.map(({ id }) => id));
    expect(result.summary).toMatch(/^## ✅ 3 of 3 databases are backed up/);
    expect(result.summary).toContain('odd &#34;&#60;b&#62;&#124; db/ü');
    expect(result.summary).not.toContain('<b>|');
    expect(result.summary.match(/<details><summary>/g)).toHaveLength(3);
  });

  test('those that names and globs choose, less what ! leaves out', async () => {
    const result = await run({ databases: `shop*\n!*_archive\n"${ODD.replace('"', '""')}"` });
    expect(errorsOf(result)).toEqual([]);
    expect(sets()).toEqual([ODD_SET, 'shop'].sort());
  });

  test('dry-run says what each backup would do, and does nothing', async () => {
    const result = await run({ databases: 'shop*', 'dry-run': 'true' });
    expect(errorsOf(result)).toEqual([]);
    for (const name of ['shop', 'shop_archive']) expect(result.log).toContain(`would dump database "${name}"`);
    expect(sets()).toEqual([]);
  });

  test.each([
    ['shpo', /"shpo" is no database of this server\./],
    ['shop\nstock_*', /no database fits "stock_\*"\./],
    ['template1', /"template1" is a template\./],
  ])('%j: what fits nothing is an error before anything is dumped', async (databases, says) => {
    const result = await run({ databases });
    expect(errorsOf(result)).toEqual([expect.objectContaining({ message: expect.stringMatching(says) })]);
    expect(errorsOf(result)[0]?.message).toMatch(/The server has .*"shop", "shop_archive".*Nothing was backed up/);
    expect(sets()).toEqual([]);
  });
});

describe('one that fails', () => {
  beforeAll(async () => {
    await server.createDatabase('empty');
  });

  test('does not stop the others: the run is red and says which, and why', async () => {
    const metrics = join(runFolder(), `${crypto.randomUUID()}.prom`);
    const result = await run({ databases: 'empty\nshop\nshop_archive', 'metrics-file': metrics });
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)).toEqual([
      {
        kind: 'error',
        title: 'Lifeboat: not every database was backed up',
        message: expect.stringMatching(
          /^2 of 3 databases were backed up\.\n"empty": Database "empty" has no tables to dump/,
        ),
      },
    ]);
    expect(sets()).toEqual(['shop', 'shop_archive']);
    expect(outcomes(result)).toEqual({ empty: 'failed', shop: 'complete', shop_archive: 'complete' });
    expect(result.summary).toMatch(/^## ❌ 2 of 3 databases are backed up/);
    expect(result.summary).toMatch(/<td>empty<\/td><td>❌ failed<br>Database &#34;empty&#34; has no tables/);
    const text = readFileSync(metrics, 'utf8');
    expect(text).toMatch(/set="shop"/);
    expect(text).toMatch(/set="empty"/);
  });

  test('cancelled: the one under way is named, and those that were not begun', async () => {
    await server.createDatabase('aaa_locked');
    await server.psql('aaa_locked', 'create table t (n int)');
    const locked = server.psql('aaa_locked', 'begin; lock table t in access exclusive mode; select pg_sleep(120)');
    locked.catch(() => {});
    const running = startAction(inputs({ databases: 'aaa_locked\nshop' }));
    await running.waitFor((printed) => printed.includes('backed off'));
    await running.cancel();
    const result = await running.finished;
    await server.psql(
      'postgres',
      "select pg_terminate_backend(pid) from pg_stat_activity where query ~ 'pg_sleep.120' and pid <> pg_backend_pid()",
    );
    await expect(locked).rejects.toThrow('terminating connection');
    await server.dropDatabase('aaa_locked');
    expect(errorsOf(result)).toEqual([
      {
        kind: 'error',
        title: 'Lifeboat: cancelled',
        message: expect.stringMatching(
          /^0 of 2 databases were backed up\.\n"aaa_locked": cancelled .*\nNot begun: "shop"\.$/,
        ),
      },
    ]);
    expect(outcomes(result)).toEqual({ aaa_locked: 'cancelled', shop: 'not-begun' });
  });
});
