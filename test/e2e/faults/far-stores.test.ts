import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ActionResult, type RunningAction, runPost } from '../../support/action/harness.ts';
import { errorsOf } from '../../support/action/run-backup.ts';
import { rclonePlace, sshPlace } from '../../support/faults/places.ts';
import {
  createBulkDatabase,
  expectCancelled,
  expectNoBackends,
  expectRed,
  processesOf,
  type Rig,
  showHealthy,
  startBackup,
  untilStored,
} from '../../support/faults/rig.ts';
import { notRun } from '../../support/servers/not-run.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';
import { childrenOf, signal, waitUntilGone } from '../../support/servers/processes.ts';
import { runFolder } from '../../support/servers/run.ts';
import { type SshServer, startSshd } from '../../support/servers/sshd.ts';

/* What can happen to a backup into a store on another machine, for each kind of such a store. */

const DATABASE = 'faults_far';
const MEGABYTE = 1024 * 1024;
const isRoot = process.getuid?.() === 0;
if (!isRoot) notRun('a full disk of an SSH server', 'this user may not mount a file system');

let server: PostgresServer;
const servers: SshServer[] = [];

beforeAll(async () => {
  server = await sharedPostgres();
  await createBulkDatabase(server, DATABASE, 40);
});

afterAll(() => {
  for (const { pid } of servers) for (const each of [pid, ...childrenOf(pid)]) signal(each, 'SIGKILL');
});

describe.each([
  ['ssh:', sshPlace],
  ['rclone:', rclonePlace],
])('a backup into %s', (kind, placeOn) => {
  let sshd: SshServer;
  let rig: Rig & { place: ReturnType<typeof placeOn> };
  let before: string[];

  const newServer = async () => {
    const started = await startSshd('shell', mkdtempSync(join(runFolder(), 'sshd-')));
    servers.push(started);
    return started;
  };
  const rigOn = (sshd: SshServer) => ({ server, database: DATABASE, place: placeOn(sshd) });
  const midway = async (of = rig, already = before) => {
    const run = startBackup(of);
    await untilStored(of, run, 8 * MEGABYTE, already);
    return run;
  };

  beforeAll(async () => {
    sshd = await newServer();
    rig = rigOn(sshd);
    before = await showHealthy(rig);
  });

  test('the connection is cut midway: the run is red, and nothing is left', async () => {
    const run = await midway();
    for (const pid of childrenOf(sshd.pid)) signal(pid, 'SIGKILL');
    const says = kind === 'ssh:' ? /^The connection to .* failed: .*run again/ : /rclone rcat failed: /;
    await expectRed(rig, await run.finished, before, says);
  });

  test('the server is gone midway: the run is red at once, and what is left there is no backup', async () => {
    const own = await newServer();
    const rig = rigOn(own);
    const run = await midway(rig, []);
    for (const pid of [own.pid, ...childrenOf(own.pid)]) signal(pid, 'SIGKILL');
    const result = await run.finished;
    expect(result).toMatchObject({ exitCode: 1, signal: null, stderr: '', outputs: {} });
    expect(errorsOf(result)).toHaveLength(1);
    expect(result.log).not.toContain('cancelling');
    expect(result.log).toContain('is left behind');
    expect(processesOf(result)).toEqual([]);
    await expectNoBackends(rig, result);
    expect(await rig.place.contents()).not.toContainEqual(expect.stringContaining('manifest'));
    const post = await runPost(result);
    expect(post).toMatchObject({ exitCode: 0, stderr: '' });
    expect(post.annotations).toEqual([
      expect.objectContaining({
        kind: 'warning',
        message: expect.stringMatching(/remove it by hand: upload of .* to /),
      }),
    ]);
  });

  (isRoot ? test : test.skip)('T2: its disk is full midway: the run is red, and nothing is left', async () => {
    const own = await newServer();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=30m', 'tmpfs', own.folder]);
    try {
      const rig = rigOn(own);
      const result = await startBackup(rig).finished;
      const says =
        kind === 'ssh:' ? /\d+ bytes are free there: free space, or use another store/ : /rclone rcat failed: /;
      await expectRed(rig, result, [], says);
    } finally {
      execFileSync('umount', ['--lazy', own.folder]);
    }
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('A2: %s midway: it ends in time, and nothing is left', async (name) => {
    const run = await midway();
    const result = await killed(run, name);
    expect(result.log).toContain(`${name}: cancelling`);
    await expectCancelled(rig, result, before);
  });

  test('main is killed midway: post removes what was not finished', async () => {
    const run = await midway();
    run.kill('SIGKILL');
    const killed = await run.finished;
    const isUnfinished = (line: string) => /\.part \d+$/.test(line);
    expect((await rig.place.contents()).filter(isUnfinished)).toHaveLength(1);
    for (const time of ['first', 'second']) {
      const post = await runPost(killed);
      expect({ time, ...post }).toMatchObject({ time, exitCode: 0, signal: null, stderr: '', annotations: [] });
      expect(await waitUntilGone(processesOf(killed), 10_000)).toEqual([]);
      const left = (await rig.place.contents()).filter((line) => !before.includes(line));
      expect(left.filter(isUnfinished)).toEqual([]);
      expect(left).not.toContainEqual(expect.stringContaining('manifest'));
    }
    await expectNoBackends(rig, killed);
  });
});

describe('a backup by rsync', () => {
  let rig: Rig;
  let before: string[];

  const viaRsync = (sshd: SshServer): Rig => {
    const place = sshPlace(sshd);
    return { server, database: DATABASE, place: { ...place, url: `${place.url}?via=rsync` } };
  };
  const newServer = async () => {
    const started = await startSshd('shell', mkdtempSync(join(runFolder(), 'sshd-')));
    servers.push(started);
    return started;
  };
  /** Folders in the runner's place for temporary files, with key and spool. */
  const spools = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('lifeboat-rsync-'));

  beforeAll(async () => {
    rig = viaRsync(await newServer());
    before = await showHealthy(rig);
  });

  /** Until the data is on its way into the spool: the part before it is stored. */
  async function midway(): Promise<RunningAction> {
    const run = startBackup(rig);
    const stored = async () => (await rig.place.contents()).filter((line) => !before.includes(line)).join();
    while (!/schema\.dump/.test(await stored())) {
      if (run.printed().includes('::error')) throw new Error(`ended before that:\n${run.printed()}`);
      await sleep(20);
    }
    return run;
  }

  test('the server is gone midway: the run is red, and no key stays here', async () => {
    const own = await newServer();
    const rig = viaRsync(own);
    const run = startBackup(rig);
    while ((await rig.place.bytes()) === 0) await sleep(20);
    for (const pid of [own.pid, ...childrenOf(own.pid)]) signal(pid, 'SIGKILL');
    const result = await run.finished;
    expect(result).toMatchObject({ exitCode: 1, signal: null, stderr: '', outputs: {} });
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/\?via=rsync: rsync ended with \d+: /) }),
    ]);
    expect(await rig.place.contents()).not.toContainEqual(expect.stringContaining('manifest'));
    expect(spools(result.runnerTemp)).toEqual([]);
    expect(processesOf(result)).toEqual([]);
  });

  (isRoot ? test : test.skip)('T2: its disk is full: the run is red, and nothing is left', async () => {
    const own = await newServer();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=30m', 'tmpfs', own.folder]);
    try {
      const rig = viaRsync(own);
      await expectRed(rig, await startBackup(rig).finished, [], /No space left.*Free space there/);
    } finally {
      execFileSync('umount', ['--lazy', own.folder]);
    }
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('A2: %s midway: it ends in time, and nothing is left', async (name) => {
    const run = await midway();
    const result = await killed(run, name);
    await expectCancelled(rig, result, before);
  });

  test('main is killed midway: post removes key and spool', async () => {
    const run = await midway();
    run.kill('SIGKILL');
    const killed = await run.finished;
    expect(spools(killed.runnerTemp)).toHaveLength(1);
    expect(await runPost(killed)).toMatchObject({ exitCode: 0, stderr: '', annotations: [] });
    expect(spools(killed.runnerTemp)).toEqual([]);
    const left = (await rig.place.contents()).filter((line) => !before.includes(line));
    expect(left).not.toContainEqual(expect.stringContaining('manifest'));
    await expectNoBackends(rig, killed);
  });
});

/** Ends a run by a signal; it has ended before the runner would send the next one. */
async function killed(run: RunningAction, name: NodeJS.Signals): Promise<ActionResult> {
  const start = performance.now();
  run.kill(name);
  const result = await run.finished;
  expect(performance.now() - start).toBeLessThan(7_500);
  return result;
}
