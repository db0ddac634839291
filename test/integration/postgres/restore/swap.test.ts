import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { swapDatabases } from '../../../../src/postgres/restore/swap.ts';
import { Session } from '../../../../src/postgres/session/session.ts';
import { serverTo } from '../../../support/postgres/server-to.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';

const OLD = 'live: old, live_restored: new';
const NEW = 'live: new, live_before: old';
const SWAP = { live: 'live', restored: 'live_restored', before: 'live_before' };

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ settings: { max_prepared_transactions: 2 } });
});

beforeEach(async () => {
  for (const name of ['live', 'live_restored', 'live_before']) await server.dropDatabase(name);
  for (const [name, what] of [
    ['live', 'old'],
    ['live_restored', 'new'],
  ] as const) {
    await server.createDatabase(name);
    await server.psql(name, `create table what as select '${what}' as what`);
  }
});

/** Which databases there are, and what each of them is. */
async function state(): Promise<string> {
  const names = await server.psql('postgres', "select datname from pg_database where datname like 'live%' order by 1");
  const found = names.split('\n').map(async (name) => `${name}: ${await server.psql(name, 'select what from what')}`);
  return (await Promise.all(found)).join(', ');
}

async function swap(timeout: number, at: (step: string) => Promise<void> = async () => {}): Promise<void> {
  const admin = await serverTo(server, 'postgres');
  const session = await Session.open(admin, 'admin');
  try {
    await swapDatabases({ server: admin, session }, SWAP, { timeout, at });
  } finally {
    session.kill();
  }
}

test('both change their names, though somebody is connected to each', async () => {
  const connected = ['live', 'live_restored'].map((name) =>
    server.psql(name, 'select pg_sleep(600)').catch(() => 'ended'),
  );
  const sleeping = "select count(*) from pg_stat_activity where datname like 'live%' and wait_event = 'PgSleep'";
  while ((await server.psql('postgres', sleeping)) !== '2') await new Promise((resolve) => setTimeout(resolve, 50));
  await swap(60_000);
  expect(await Promise.all(connected)).toEqual(['ended', 'ended']);
  expect(await state()).toBe(NEW);
});

test('the second rename fails: the live database is what it was', async () => {
  const hinder = async (step: string) => {
    if (step === 'before rename 2')
      await server.psql('postgres', 'alter database live_restored rename to live_elsewhere');
  };
  await expect(swap(10_000, hinder)).rejects.toThrow(/database "live_restored" does not exist/);
  expect(await state()).toBe('live: old, live_elsewhere: new');
  await server.dropDatabase('live_elsewhere');
});

test('in use until the time is over: nothing has changed, and it is said', async () => {
  await server.psql('live', "begin; create table held (a int); prepare transaction 'held'");
  await expect(swap(1_000)).rejects.toThrow(/"live" was in use all the time for 1 s.*was not replaced.*swap-timeout/);
  await server.psql('live', "rollback prepared 'held'");
  expect(await state()).toBe(OLD);
});

describe('killed, it has done all or nothing', () => {
  async function killed(when: string): Promise<string> {
    const program = join(import.meta.dirname, 'swap-program.ts');
    const args = ['--no-warnings', program, JSON.stringify(server.env('postgres')), when];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    await once(child, 'close');
    const left = "select count(*) from pg_stat_activity where application_name like 'lifeboat-killed-%'";
    while ((await server.psql('postgres', left)) !== '0') await new Promise((resolve) => setTimeout(resolve, 50));
    return state();
  }

  test.each([
    ['before begin', OLD],
    ['before rename 1', OLD],
    ['before rename 2', OLD],
    ['before commit', OLD],
    ['after commit', NEW],
  ])('%s', async (when, expected) => {
    expect(await killed(when)).toBe(expected);
  });

  test('at any moment', async () => {
    const seen = new Set<string>();
    // A busy machine may not be done within the first 120 ms: the moments spread until both ends were seen.
    for (let round = 0; round < 20 || seen.size < 2; round++) {
      const latest = 120 * 2 ** Math.max(0, (round - 20) / 5);
      const found = await killed(String(Math.floor(Math.random() * latest)));
      expect([OLD, NEW]).toContain(found);
      seen.add(found);
      if (found === OLD) continue;
      await server.psql('postgres', 'alter database live rename to live_restored');
      await server.psql('postgres', 'alter database live_before rename to live');
    }
    // Else it was not killed in the middle.
    expect([...seen].sort()).toEqual([NEW, OLD]);
  });
});
