import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ActionResult, type RunningAction, runPost } from '../../support/action/harness.ts';
import { fakePgDump } from '../../support/faults/fake-pg-dump.ts';
import { filePlace, type Place, s3Place } from '../../support/faults/places.ts';
import {
  createBulkDatabase,
  expectCancelled,
  expectNoBackends,
  processesOf,
  type Rig,
  showHealthy,
  startBackup,
  untilStored,
} from '../../support/faults/rig.ts';
import { ensureCeph } from '../../support/servers/ceph.ts';
import * as faults from '../../support/servers/http-faults.ts';
import { type HttpProxy, type RecordedRequest, startHttpProxy } from '../../support/servers/http-proxy.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';
import { waitUntilGone } from '../../support/servers/processes.ts';
import type { S3Server } from '../../support/servers/s3-server.ts';
import { startTcpProxy, type TcpProxy } from '../../support/servers/tcp-proxy.ts';

const DATABASE = 'faults_cancel';
const MEGABYTE = 1024 * 1024;
/** Milliseconds after SIGINT, when the runner sends SIGTERM. */
const SECOND_SIGNAL = 7_500;

let server: PostgresServer;
let ceph: S3Server;
let s3: HttpProxy;
let database: TcpProxy;

beforeAll(async () => {
  [server, ceph] = await Promise.all([sharedPostgres(), ensureCeph()]);
  await createBulkDatabase(server, DATABASE, 40);
});

beforeEach(async () => {
  [s3, database] = await Promise.all([startHttpProxy(ceph.endpoint), startTcpProxy(server)]);
});

afterEach(async () => {
  database.stop();
  await s3.die();
});

/** A rig with a proxy in front of everything. */
async function newRig(kind: string, env: Record<string, string> = {}): Promise<Rig> {
  const url = new URL(server.url(DATABASE));
  url.port = String(database.port);
  const place = kind === 'file' ? filePlace() : kind === 's3' ? await s3Place(ceph, s3.endpoint) : await bothPlaces();
  return { server, database: DATABASE, place, inputs: { 'database-url': url.href }, env };
}

async function bothPlaces(): Promise<Place> {
  const [file, bucket] = [filePlace(), await s3Place(ceph, s3.endpoint)];
  return {
    ...bucket,
    url: `${file.url}\n${bucket.url}`,
    contents: async () => [...(await file.contents()), ...(await bucket.contents())],
  };
}

type Which = (request: RecordedRequest) => boolean;

/** The moments at which a run is cancelled: each resolves when it has come. */
type Moment = (rig: Rig, before: string[]) => Promise<RunningAction>;

const midway: Moment = async (rig, before) => {
  // Slow enough for the rest not to be over before the signal comes.
  s3.when('UploadPart', faults.delay(2_000), { after: 1 });
  const run = startBackup(rig);
  await untilStored(rig, run, 8 * MEGABYTE, before);
  return run;
};

const connecting: Moment = async (rig) => {
  database.when(() => true, 'stall');
  const seen = database.connections.length;
  const run = startBackup(rig);
  while (database.connections.length === seen) await sleep(5);
  return run;
};

const openingTheStore: Moment = async (rig) => {
  s3.when('ListObjects', faults.stall);
  return atRequest(({ operation }) => operation === 'ListObjects', startBackup(rig));
};

const completingAPart: Moment = async (rig) => {
  s3.when('CompleteMultipartUpload', faults.stall);
  return atRequest(({ operation }) => operation === 'CompleteMultipartUpload', startBackup(rig));
};

const committing: Moment = (rig) => atManifest(rig, 'PutObject');
const committedButNotReadBack: Moment = (rig) => atManifest(rig, 'HeadObject');

function atManifest(rig: Rig, operation: string): Promise<RunningAction> {
  const which: Which = (request) => request.operation === operation && request.path.endsWith('/manifest.json');
  s3.when(which, faults.stall);
  return atRequest(which, startBackup(rig));
}

async function atRequest(which: Which, run: RunningAction): Promise<RunningAction> {
  while (!s3.requests.some(which)) {
    if (run.printed().includes('::error')) throw new Error(`ended before that:\n${run.printed()}`);
    await sleep(5);
  }
  return run;
}

async function healthy(rig: Rig): Promise<string[]> {
  const before = await showHealthy(rig);
  s3.reset();
  return before;
}

/** Cancels as the runner does. The first signal must be enough. */
async function cancelled(run: RunningAction): Promise<ActionResult> {
  const start = performance.now();
  await run.cancel();
  expect(performance.now() - start).toBeLessThan(SECOND_SIGNAL);
  const result = await run.finished;
  expect(result.log).toContain('SIGINT: cancelling');
  return result;
}

describe.each<[string, string, Moment]>([
  ['file', 'while it connects', connecting],
  ['file', 'in the middle of the data', midway],
  ['s3', 'while it opens the store', openingTheStore],
  ['s3', 'in the middle of the data', midway],
  ['s3', 'while a part is completed', completingAPart],
  ['s3', 'while it commits', committing],
  ['s3', 'when the manifest is there, and not yet read back', committedButNotReadBack],
  ['file and s3', 'when one has its manifest, and the other not', committing],
])('A2: a backup into %s is cancelled %s', (kind, _, moment) => {
  test('it ends in time, and nothing is left', async () => {
    const rig = await newRig(kind);
    const before = await healthy(rig);
    await expectCancelled(rig, await cancelled(await moment(rig, before)), before);
  });
});

test.each(['file', 's3'])('A2: a backup into %s is cancelled while it waits for locks', async (kind) => {
  const rig = await newRig(kind);
  const before = await healthy(rig);
  const locked = server.psql(DATABASE, 'begin; lock table small in access exclusive mode; select pg_sleep(60)');
  const run = startBackup(rig);
  await run.waitFor((printed) => printed.includes('backed off'));
  const result = await cancelled(run);
  await server.psql(
    'postgres',
    "select pg_terminate_backend(pid) from pg_stat_activity where query ~ '^select pg_sleep.60'",
  );
  await expect(locked).rejects.toThrow('terminating connection');
  await expectCancelled(rig, result, before);
});

test('A2: SIGTERM alone cancels too', async () => {
  const rig = await newRig('s3');
  const before = await healthy(rig);
  const run = await midway(rig, before);
  run.kill('SIGTERM');
  const result = await run.finished;
  expect(result.log).toContain('SIGTERM: cancelling');
  await expectCancelled(rig, result, before);
});

test('A2: cancelled while pg_dump is deaf to SIGTERM', async () => {
  const fake = fakePgDump();
  const rig = await newRig('file', { PATH: fake.path });
  const before = await healthy(rig);
  fake.misbehave('data', 'writes 8 MB, then hangs, deaf to SIGTERM');
  const run = startBackup(rig);
  await untilStored(rig, run, MEGABYTE, before);
  await expectCancelled(rig, await cancelled(run), before);
});

describe('A2: cancelled while nothing answers any more', () => {
  test('the database: nothing is left', async () => {
    const rig = await newRig('s3');
    const before = await healthy(rig);
    database.when(({ application_name = '' }) => application_name.endsWith('-data'), 'stall', {
      afterBytes: 50 * MEGABYTE,
    });
    const run = startBackup(rig);
    await untilStored(rig, run, 16 * MEGABYTE, before);
    database.when(() => true, 'stall');
    const result = await cancelled(run);
    database.stop();
    await expectCancelled(rig, result, before);
  });

  test.each(['the store', 'both'])('%s: it ends in time, and what the store keeps is no backup', async (what) => {
    const rig = await newRig('s3');
    const before = await healthy(rig);
    s3.when('UploadPart', faults.delay(2_000), { after: 1 });
    const run = startBackup(rig);
    await untilStored(rig, run, 16 * MEGABYTE, before);
    s3.reset();
    s3.when(() => true, faults.stall);
    if (what === 'both') database.when(() => true, 'stall');
    const result = await cancelled(run);
    database.stop();
    expect(result).toMatchObject({ exitCode: 1, signal: null, stderr: '', outputs: {} });
    expect(result.annotations).toEqual([
      { kind: 'error', title: 'Lifeboat: cancelled', message: expect.stringContaining('Nothing was kept') },
    ]);
    expect(processesOf(result)).toEqual([]);
    await expectNoBackends(rig, result);
    const left = (await rig.place.contents()).filter((line) => !before.includes(line));
    expect(left).not.toContainEqual(expect.stringContaining('manifest'));

    // The store answers again: post does what main could not.
    s3.reset();
    expect(await runPost(result)).toMatchObject({ exitCode: 0, stderr: '', annotations: [] });
    expect(await rig.place.contents()).not.toContainEqual(expect.stringMatching(/^upload/));
  });
});

describe('main is killed midway, and post cleans up', () => {
  /** What a whole object of the run may be: without a manifest it is no backup. */
  const WHOLE = /^[^ ]+\/schema\.dump\.zst\.gpg \d+$|^[^ ]+Z-[0-9a-f]{8} 0$/;

  async function expectCleanedUp(rig: Rig, killed: ActionResult, before: string[]): Promise<void> {
    expect(killed).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    const unfinished = (contents: string[]) => contents.filter((line) => /^upload|\.part-/.test(line));
    expect(unfinished(await rig.place.contents())).toHaveLength(1);
    for (const time of ['first', 'second']) {
      const post = await runPost(killed);
      expect({ time, ...post }).toMatchObject({ time, exitCode: 0, signal: null, stderr: '', annotations: [] });
      expect(await waitUntilGone(processesOf(killed), 10_000)).toEqual([]);
      expect(post.duration).toBeLessThan(60_000);
      const left = (await rig.place.contents()).filter((line) => !before.includes(line));
      expect(left.filter((line) => !WHOLE.test(line))).toEqual([]);
    }
    await expectNoBackends(rig, killed);
  }

  test.each(['file', 's3'])('%s', async (kind) => {
    const rig = await newRig(kind);
    const before = await healthy(rig);
    const run = await midway(rig, before);
    run.kill('SIGKILL');
    await expectCleanedUp(rig, await run.finished, before);
  });

  test('with a pg_dump that would live on', async () => {
    const fake = fakePgDump();
    const rig = await newRig('file', { PATH: fake.path });
    const before = await healthy(rig);
    fake.misbehave('data', 'writes 8 MB, then hangs, deaf to SIGTERM');
    const run = startBackup(rig);
    await untilStored(rig, run, MEGABYTE, before);
    run.kill('SIGKILL');
    const killed = await run.finished;
    expect(processesOf(killed)).not.toEqual([]);
    await expectCleanedUp(rig, killed, before);
  });

  test('after a healthy run post does nothing and says nothing', async () => {
    const rig = await newRig('s3');
    const result = await startBackup(rig).finished;
    expect(result).toMatchObject({ exitCode: 0 });
    s3.reset();
    const contents = await rig.place.contents();
    const post = await runPost(result);
    expect(post).toMatchObject({ exitCode: 0, stdout: '', stderr: '', annotations: [], summary: '', outputs: {} });
    expect(s3.requests).toEqual([]);
    expect(await rig.place.contents()).toEqual(contents);
  });
});
