import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { backupInputs, runBackup } from '../../support/action/run-backup.ts';
import { expectProven, runRestoreTest } from '../../support/action/run-restore-test.ts';
import { newStoreFolder } from '../../support/action/stored-backup.ts';
import { filePlace } from '../../support/faults/places.ts';
import {
  createBulkDatabase,
  expectGreen,
  expectRed,
  type Rig,
  showHealthy,
  startBackup,
  untilStored,
} from '../../support/faults/rig.ts';
import { notRun } from '../../support/servers/not-run.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';
import { runFolder } from '../../support/servers/run.ts';

const DATABASE = 'faults_disk';
const MEGABYTE = 1024 * 1024;
const isRoot = process.getuid?.() === 0;

let server: PostgresServer;

beforeAll(async () => {
  server = await sharedPostgres();
  await createBulkDatabase(server, DATABASE, 40);
});

function rigAt(folder?: string): Rig & { place: ReturnType<typeof filePlace> } {
  return { server, database: DATABASE, place: filePlace(folder) };
}

describe('a file system of its own', () => {
  const sudo = isRoot ? [] : ['sudo', '--non-interactive'];
  const mayMount = isRoot || spawnSync('sudo', ['--non-interactive', 'true']).status === 0;
  if (!mayMount) notRun('a disk that is full, or read-only', 'this user may not mount a file system');
  const testOnMount = mayMount ? test : test.skip;
  let mount: string;

  function asRoot(...words: string[]): void {
    const [command = '', ...args] = [...sudo, ...words];
    execFileSync(command, args);
  }

  function tmpfs(options: string): void {
    asRoot('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', mount);
  }

  beforeEach(() => {
    mount = mkdtempSync(join(runFolder(), 'mount-'));
    if (mayMount) tmpfs('size=300m,mode=1777');
  });

  afterEach(() => {
    if (mayMount) asRoot('umount', '--lazy', mount);
  });

  testOnMount('T2: full midway: what is needed, what is free; nothing is left', async () => {
    const rig = rigAt(join(mount, 'backups'));
    const before = await showHealthy(rig);
    tmpfs(`remount,size=${(await rig.place.bytes()) + 20 * MEGABYTE}`);
    const run = startBackup(rig);
    await untilStored(rig, run, 8 * MEGABYTE, before);
    const says = /data\.dump\.zst\.gpg.*ENOSPC.*\d+ bytes were to be written; \d+ bytes are free\. Free space there/;
    await expectRed(rig, await run.finished, before, says);
  });

  testOnMount('no file can be made any more: nothing is dumped', async () => {
    const rig = rigAt(join(mount, 'backups'));
    const before = await showHealthy(rig);
    tmpfs(`remount,nr_inodes=${before.length + 2}`);
    const result = await startBackup(rig).finished;
    await expectRed(rig, result, before, /ENOSPC.*Free space there/);
    expect(result.log).not.toMatch(/^Attempt|schema/m);
  });

  testOnMount('read-only: nothing is dumped', async () => {
    const rig = rigAt(join(mount, 'backups'));
    const before = await showHealthy(rig);
    tmpfs('remount,ro');
    const result = await startBackup(rig).finished;
    await expectRed(rig, result, before, /EROFS.*read-only: name another folder/);
  });

  testOnMount('A10: no room to keep parts for the Actions cache: the restore test is proven without', async () => {
    await server.createDatabase('faults_disk_small');
    await server.psql('faults_disk_small', 'create table t as select md5(n::text) from generate_series(1, 5000) n');
    const store = newStoreFolder();
    expectGreen(await runBackup(backupInputs(server, 'faults_disk_small', store)));
    tmpfs('remount,size=100k');
    const inputs = { cache: 'true', 'scratch-url': server.url('postgres') };
    const result = await runRestoreTest(store, inputs, { env: { RUNNER_TEMP: mount } });
    expectProven(result);
    expect(result.annotations).toEqual([
      expect.objectContaining({ kind: 'notice', message: expect.stringMatching(/its folder should have .* are free/) }),
    ]);
    expect(readdirSync(mount)).toEqual([`lifeboat-restore-test-${result.report.id}.json`]);
  });
});

// Root may write wherever the file system lets it.
if (!isRoot) {
  test('a folder that this user may not write: nothing is dumped', async () => {
    const rig = rigAt();
    const before = await showHealthy(rig);
    chmodSync(rig.place.folder, 0o500);
    const result = await startBackup(rig).finished;
    chmodSync(rig.place.folder, 0o700);
    await expectRed(rig, result, before, /EACCES.*Give the user of this run rights to it/);
  });
}

test.each([
  ['is removed', () => {}],
  ['is replaced by another, which stays empty', mkdirSync],
])('T7: the folder %s midway', async (_, andThen) => {
  const rig = rigAt();
  const before = await showHealthy(rig);
  const run = startBackup(rig);
  await untilStored(rig, run, 8 * MEGABYTE, before);
  rmSync(rig.place.folder, { recursive: true });
  andThen(rig.place.folder);
  // What, and after it what to do.
  await expectRed(
    rig,
    await run.finished,
    [],
    /is not the folder that it was when this run began: .* Mount the right disk, and run again\./,
  );
});
