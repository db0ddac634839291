import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ActionResult, type RunningAction, runPost, startAction } from '../../support/action/harness.ts';
import { errorsOf, PASSPHRASE } from '../../support/action/run-backup.ts';
import { filePlace, type Place } from '../../support/faults/places.ts';
import { bulkTables, expectGreen, untilStored } from '../../support/faults/rig.ts';
import { whyNoContainers } from '../../support/servers/container-engine.ts';
import { type PostgresContainer, startPostgresContainer } from '../../support/servers/containers.ts';
import { notRun } from '../../support/servers/not-run.ts';
import { localPrograms } from '../../support/servers/postgres-programs.ts';

const why = whyNoContainers();
if (why !== null) notRun('faults of PostgreSQL in a container', why);

const DATABASE = 'bulk';
const MEGABYTE = 1024 * 1024;

(why === null ? describe : describe.skip)('a backup by the programs of a container', () => {
  let postgres: PostgresContainer;
  let place: Place;

  beforeAll(async () => {
    postgres = await startPostgresContainer(localPrograms()?.binDir ?? '');
    await postgres.psql('postgres', `create database ${DATABASE}`);
    await postgres.psql(DATABASE, bulkTables(150));
  });

  afterAll(() => postgres.stop());

  beforeEach(() => {
    place = filePlace();
  });

  function start(): RunningAction {
    const inputs = { 'database-url': postgres.url(DATABASE), store: place.url, passphrase: PASSPHRASE };
    return startAction({ ...inputs, toolset: `container:${postgres.name}` }, { env: postgres.env });
  }

  async function midway(): Promise<RunningAction> {
    const run = start();
    await untilStored({ place }, run, 8 * MEGABYTE, []);
    expect(await postgres.processes()).toMatch(/pg_dump /);
    return run;
  }

  /** Neither a program nor a session of ours, nor a lock. */
  async function expectNothingInside(): Promise<void> {
    expect(await postgres.processes()).not.toMatch(/pg_dump|lifeboat/);
    const sessions = `select count(*) from pg_stat_activity where application_name like 'lifeboat-%'`;
    expect(await postgres.psql('postgres', sessions)).toBe('0');
    const locks = `select count(*) from pg_locks where relation = 'bulk'::regclass`;
    expect(await postgres.psql(DATABASE, locks)).toBe('0');
  }

  function expectNothingKept({ outputs }: ActionResult): Promise<void> {
    expect(outputs).toEqual({});
    return expect(place.contents()).resolves.toEqual([]) as Promise<void>;
  }

  test.each(['SIGINT', 'SIGTERM'] as const)('%s in the middle of the data leaves nothing inside', async (signal) => {
    const run = await midway();
    run.kill(signal);
    const result = await run.finished;
    expect(errorsOf(result)).toEqual([expect.objectContaining({ title: 'Lifeboat: cancelled' })]);
    await expectNothingKept(result);
    await expectNothingInside();
  });

  test('killed, and post ends what runs inside', async () => {
    const run = await midway();
    run.kill('SIGKILL');
    const killed = await run.finished;
    expect(await postgres.processes()).toMatch(/pg_dump /);
    expect(await runPost(killed)).toMatchObject({ exitCode: 0, stderr: '', annotations: [] });
    await expectNothingInside();
  });

  test('a pg_dump that is killed inside makes it red', async () => {
    const run = await midway();
    await postgres.exec('pkill -KILL -x pg_dump');
    const result = await run.finished;
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/pg_dump (exited with code \d+|was ended)/) }),
    ]);
    await expectNothingKept(result);
    await expectNothingInside();
  });

  test('and one that nothing happens to is green', async () => {
    expectGreen(await start().finished);
    await expectNothingInside();
  });
});
