import { beforeAll, describe, expect, test } from '@jest/globals';
import { type FakePgDump, fakePgDump, type MISBEHAVIOURS } from '../../support/faults/fake-pg-dump.ts';
import { filePlace } from '../../support/faults/places.ts';
import {
  createBulkDatabase,
  expectGreen,
  expectNothingRuns,
  expectRed,
  pgDumpOf,
  type Rig,
  showHealthy,
  startBackup,
  terminateBackend,
  untilStored,
} from '../../support/faults/rig.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';

const DATABASE = 'faults_pg_dump';
/** For what does not depend on when it happens. */
const SMALLER = 'faults_pg_dump_smaller';
const MEGABYTE = 1024 * 1024;

let server: PostgresServer;

beforeAll(async () => {
  server = await sharedPostgres();
  await createBulkDatabase(server, DATABASE, 40);
  await createBulkDatabase(server, SMALLER, 10);
});

/** A rig whose pg_dump can misbehave. */
function newFakeRig(): { rig: Rig; fake: FakePgDump } {
  const fake = fakePgDump();
  return { fake, rig: { server, database: SMALLER, place: filePlace(), env: { PATH: fake.path } } };
}

describe.each(['data', 'schema'] as const)('P1: the pg_dump of the %s', (dump) => {
  test.each<[keyof typeof MISBEHAVIOURS | 'is gone' | 'may not be run', RegExp]>([
    ['exits 1 at once', /pg_dump exited with code 1.*out of luck/s],
    ['exits 1 after a second', /pg_dump exited with code 1.*out of luck/s],
    ['writes 1 MB, then exits 1', /pg_dump exited with code 1.*out of luck/s],
    ['writes 1 MB, then is killed', /pg_dump was ended by SIGKILL/],
    ['exits 0 with no bytes', /pg_dump ended with success but wrote nothing/],
    ['is gone', /pg_dump could not be started.*ENOENT.*installed/],
    ['may not be run', /pg_dump could not be started.*EACCES.*may this user run it/],
  ])('%s', async (what, says) => {
    const { rig, fake } = newFakeRig();
    const before = await showHealthy(rig);
    fake.misbehave(dump, what);
    await expectRed(rig, await startBackup(rig).finished, before, says);
  });

  test('P13: warns, and does its work: the backup is good, and the warning is in the log', async () => {
    const { rig, fake } = newFakeRig();
    fake.misbehave(dump, 'warns, and does its work');
    const result = await startBackup(rig).finished;
    expectGreen(result);
    await expectNothingRuns(rig, result);
    expect(result.log).toContain('pg_dump: warning: there are circular foreign-key constraints');
    expect(result.log).toContain('pg_dump: detail: table');
  });
});

/** It takes a while until that is too long; so both run side by side. */
test('P1: a pg_dump closes its output, then hangs', async () => {
  await Promise.all(
    (['data', 'schema'] as const).map(async (dump) => {
      const { rig, fake } = newFakeRig();
      const before = await showHealthy(rig);
      fake.misbehave(dump, 'closes its output, then hangs');
      const result = await startBackup(rig).finished;
      await expectRed(rig, result, before, /pg_dump .*It closed its output, but did not end within 15 s/);
    }),
  );
});

describe('P4: midway', () => {
  test.each<[string, (rig: Rig, pgDump: number) => unknown, RegExp]>([
    ['pg_dump is killed', (_, pgDump) => process.kill(pgDump, 'SIGKILL'), /pg_dump was ended by SIGKILL/],
    [
      'its backend is terminated',
      (rig) => terminateBackend(rig, 'data'),
      /pg_dump exited with code 1.*(closed the|terminating) connection.*run again/s,
    ],
    [
      'the backend of the session that holds the snapshot is terminated',
      (rig) => terminateBackend(rig, 'snapshot'),
      /psql exited with code 2.*(closed the|terminating) connection.*run again/s,
    ],
  ])('%s', async (_, fault, says) => {
    const rig = { server, database: DATABASE, place: filePlace() };
    const before = await showHealthy(rig);
    const run = startBackup(rig);
    await untilStored(rig, run, 8 * MEGABYTE, before);
    await fault(rig, pgDumpOf(run));
    await expectRed(rig, await run.finished, before, says);
  });
});
