import { CreateMultipartUploadCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { BackupSettings } from '../../../src/commands/backup/inputs.ts';
import { openTargets } from '../../../src/commands/backup/stores.ts';
import type { Run } from '../../../src/commands/shared/run.ts';
import type { Manifest } from '../../../src/formats/manifest.ts';
import { type ActionResult, runPost } from '../../support/action/harness.ts';
import { s3Place } from '../../support/faults/places.ts';
import {
  createBulkDatabase,
  expectGreen,
  expectNoBackends,
  expectNothingRuns,
  expectRed,
  processesOf,
  type Rig,
  showHealthy,
  startBackup,
} from '../../support/faults/rig.ts';
import { ensureCeph } from '../../support/servers/ceph.ts';
import * as faults from '../../support/servers/http-faults.ts';
import { type HttpFault, type HttpProxy, startHttpProxy } from '../../support/servers/http-proxy.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';
import { s3ClientOf } from '../../support/servers/s3-client.ts';
import type { S3Server } from '../../support/servers/s3-server.ts';

const DATABASE = 'faults_s3';
/** Of 16 MiB. */
const PARTS = 3;
const DAY = 24 * 3_600_000;

let server: PostgresServer;
let ceph: S3Server;
let proxy: HttpProxy;
let rig: Awaited<ReturnType<typeof newRig>>;
let before: string[];

beforeAll(async () => {
  [server, ceph] = await Promise.all([sharedPostgres(), ensureCeph()]);
  await createBulkDatabase(server, DATABASE, 40);
});

beforeEach(async () => {
  proxy = await startHttpProxy(ceph.endpoint);
  rig = await newRig(proxy);
  before = await showHealthy(rig);
  expect(countOf(proxy, 'UploadPart')).toBe(PARTS);
  proxy.reset();
});

afterEach(() => proxy.die());

async function newRig({ endpoint }: HttpProxy) {
  return { server, database: DATABASE, place: await s3Place(ceph, endpoint) } satisfies Rig;
}

function backUp(inputs: Record<string, string> = {}): Promise<ActionResult> {
  return startBackup({ ...rig, inputs }).finished;
}

function countOf({ requests }: HttpProxy, operation: string, status?: number): number {
  return requests.filter((request) => request.operation === operation && request.status === (status ?? request.status))
    .length;
}

async function expectNewBackup(result: ActionResult): Promise<Manifest> {
  expectGreen(result);
  await expectNothingRuns(rig, result);
  const contents = await rig.place.contents();
  expect(contents).toHaveLength(before.length * 2);
  expect(contents).toEqual(expect.arrayContaining(before));
  return manifestOf(result);
}

async function manifestOf({ outputs }: ActionResult): Promise<Manifest> {
  const Key = `backups/${DATABASE}/${outputs.id}/manifest.json`;
  const { Body } = await s3ClientOf(ceph).send(new GetObjectCommand({ Bucket: rig.place.bucket, Key }));
  return JSON.parse((await Body?.transformToString()) ?? '') as Manifest;
}

describe('S6: what passes is tried again, and the backup is good', () => {
  test.each<[string, HttpFault]>([
    ['500', faults.internalError],
    ['503 SlowDown', faults.slowDown],
    ['connections that drop', faults.drop],
    ['connections that drop in the middle of a part', faults.dropRequestAfter(5_000_000)],
  ])('%s', async (_, fault) => {
    proxy.when('UploadPart', fault, { after: 1, times: 2 });
    for (const operation of [
      'ListObjects',
      'CreateMultipartUpload',
      'CompleteMultipartUpload',
      'PutObject',
      'HeadObject',
    ]) {
      proxy.when(operation, fault, { times: 1 });
    }
    const result = await backUp();
    await expectNewBackup(result);
    expect(countOf(proxy, 'UploadPart')).toBe(PARTS + 2);
    expect(result.log).toMatch(/^Part \d: S3 UploadPart of .* Attempt 2 of \d/m);
  });

  test('an answer to Complete that is an error with status 200', async () => {
    proxy.when('CompleteMultipartUpload', faults.errorWithStatus200, { times: 1 });
    await expectNewBackup(await backUp());
  });

  test('the answer to Complete is lost, and asked again the server knows no such upload: the object itself tells', async () => {
    proxy.when('CompleteMultipartUpload', faults.swallowReply, { times: 1 });
    proxy.when('CompleteMultipartUpload', faults.answer(404, 'NoSuchUpload'));
    await expectNewBackup(await backUp());
    expect(countOf(proxy, 'CompleteMultipartUpload')).toBe(2);
  });
});

describe('what does not pass ends the run, and leaves nothing', () => {
  /** Parts had arrived before the fault came. */
  function expectMidway(): void {
    expect(countOf(proxy, 'UploadPart', 200)).toBeGreaterThanOrEqual(1);
    expect(countOf(proxy, 'UploadPart', 200)).toBeLessThan(PARTS);
  }

  test('S8: the credentials expire midway', async () => {
    proxy.when('UploadPart', faults.expiredToken, { after: 2 });
    await expectRed(rig, await backUp(), before, /UploadPart.*ExpiredToken.*role-duration-seconds/);
    expectMidway();
  });

  test('S4: a refused abort does not hide the first error; post ends the upload', async () => {
    proxy.when('UploadPart', faults.answer(400, 'InvalidRequest'), { after: 2 });
    proxy.when('AbortMultipartUpload', faults.accessDenied);
    const result = await backUp();
    expectMidway();
    expect(result).toMatchObject({ exitCode: 1, signal: null, stderr: '' });
    expect(result.annotations.filter(({ kind }) => kind === 'error')).toEqual([
      { kind: 'error', title: 'Lifeboat: backup failed', message: expect.stringMatching(/UploadPart.*InvalidRequest/) },
    ]);
    expect(result.log).toMatch(/multipart upload is left open.*AbortMultipartUpload.*AccessDenied/);
    expect(processesOf(result)).toEqual([]);
    await expectNoBackends(rig, result);
    const left = (await rig.place.contents()).filter((line) => !before.includes(line));
    expect(left).toEqual([expect.stringMatching(/^upload of .*\/data\.dump\.zst\.gpg \d{8}/)]);
    proxy.reset();
    expect(await runPost(result)).toMatchObject({ exitCode: 0, stderr: '', annotations: [] });
    expect(await rig.place.contents()).toEqual(before);
  });

  test('S3: the server reports another size than was sent', async () => {
    proxy.when('HeadObject', async (exchange) => {
      const reply = await exchange.forward();
      const size = Number(reply.headers['content-length']);
      await exchange.reply(reply, { headers: { 'content-length': String(size + (size > 20_000_000 ? 45 : 0)) } });
    });
    await expectRed(
      rig,
      await backUp(),
      before,
      /data\.dump.* were written to S3, but the server reports \d+:.*Use another/,
    );
    expect(countOf(proxy, 'UploadPart', 200)).toBe(PARTS);
  });

  test('a server that takes no byte for store-timeout', async () => {
    proxy.when('UploadPart', faults.stall, { after: 2 });
    const result = await backUp({ 'store-timeout': '3s' });
    await expectRed(rig, result, before, /did not answer for 3 s.*store-timeout/);
    expect(result.duration).toBeLessThan(15_000);
    expectMidway();
  });

  test('S3: read-back is required of credentials that may not read', async () => {
    proxy.when(['GetObject', 'HeadObject', 'ListObjects', 'ListMultipartUploads'], faults.accessDenied);
    const result = await backUp({ 'read-back': 'required' });
    await expectRed(
      rig,
      result,
      before,
      /may not read it back, and read-back is required.*s3:GetObject.*read-back: auto/,
    );
  });
});

test('credentials that may only write are enough', async () => {
  proxy.when(['GetObject', 'HeadObject', 'ListObjects', 'ListMultipartUploads', 'DeleteObject'], faults.accessDenied);
  const result = await backUp();
  expect(await expectNewBackup(result)).toMatchObject({
    uploaded: 'acknowledged',
    previous: null,
    noPrevious: 'cannot-list',
  });
  // What was not done for lack of rights is told once.
  expect(result.annotations).toEqual([
    { kind: 'notice', title: expect.any(String), message: expect.stringMatching(/may not (read|list)/) },
  ]);
});

describe('S4: uploads that killed runs have left open', () => {
  const openUpload = (key: string) =>
    s3ClientOf(ceph).send(new CreateMultipartUploadCommand({ Bucket: rig.place.bucket, Key: key }));

  /** Opens the store as a backup does that begins at that time. */
  async function openAt(now: Date): Promise<string[]> {
    const lines: string[] = [];
    Object.assign(process.env, rig.place.env);
    const { bucket } = rig.place;
    const settings = {
      stores: [{ kind: 's3', bucket, prefix: 'backups', url: rig.place.url }],
      s3: {
        endpoint: ceph.endpoint,
        storageClass: null,
        objectLock: null,
        sse: null,
        kmsKey: null,
        createBucket: false,
      },
      storeTimeout: 60_000,
      verificationKeys: null,
      signing: null,
    } as unknown as BackupSettings;
    const log = { info: (line: string) => lines.push(line), warning: () => {} };
    const run = { log, now: () => now, track: () => () => {} } as unknown as Run;
    const targets = await openTargets(settings, DATABASE, new AbortController().signal, run);
    for (const { store } of targets) store.close();
    return lines;
  }

  test('those of the set that are older than a day are ended; younger ones and other sets are not touched', async () => {
    const mine = `backups/${DATABASE}/20260101T000000Z-00000000/data.dump.zst.gpg`;
    const other = `backups/${DATABASE}_other/20260101T000000Z-00000000/data.dump.zst.gpg`;
    for (const key of [mine, other]) await openUpload(key);
    await s3ClientOf(ceph).send(new PutObjectCommand({ Bucket: rig.place.bucket, Key: `${mine}.x`, Body: 'x' }));
    const uploads = async () => (await rig.place.contents()).filter((line) => line.startsWith('upload'));
    const both = [`upload of ${mine} 0`, `upload of ${other} 0`];

    const result = await backUp();
    expectGreen(result);
    expect(await uploads()).toEqual(both);
    expect(await openAt(new Date(Date.now() + DAY - 60_000))).toEqual([]);
    expect(await uploads()).toEqual(both);
    // A server cannot be told that an upload is old; that the run begins later is the same.
    expect(await openAt(new Date(Date.now() + DAY + 60_000))).toEqual([
      expect.stringContaining('removed the unfinished'),
    ]);
    expect(await uploads()).toEqual([both[1]]);
  });
});
