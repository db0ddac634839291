import { readFileSync } from 'node:fs';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { BackupReport } from '../../src/commands/backup/report.ts';
import { makeId } from '../../src/formats/id.ts';
import type { ActionResult } from '../support/action/harness.ts';
import { PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { makeBackup, makeRecord } from '../support/data/made-backup.ts';
import { ensureCeph } from '../support/servers/ceph.ts';
import * as faults from '../support/servers/http-faults.ts';
import { type HttpFault, type HttpProxy, startHttpProxy } from '../support/servers/http-proxy.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { s3ClientOf } from '../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../support/servers/s3-server.ts';

const DATABASE = 'trended';
const DAY = 86_400_000;
const CHART = /^xychart-beta$/gm;

let postgres: PostgresServer;
let s3: S3Server;
let proxy: HttpProxy;
let bucket: string;

beforeAll(async () => {
  [postgres, s3] = await Promise.all([sharedPostgres(), ensureCeph()]);
  await postgres.createDatabase(DATABASE);
  await postgres.psql(DATABASE, 'create table t as select 1 as n');
  proxy = await startHttpProxy(s3.endpoint);
  bucket = `trend-${crypto.randomUUID()}`;
  const client = s3ClientOf(s3);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  for (const age of [3, 2, 1]) {
    const begun = new Date(Date.now() - age * DAY);
    const backup = makeBackup(makeId(begun, '0a1b2c3d'), { set: DATABASE, size: age });
    const record = makeRecord(backup, 'proven', begun, { stages: [{ name: 'restore', milliseconds: age * 1000 }] });
    for (const [Key, Body] of [...backup.files, [record.key, record.bytes] as const]) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    }
  }
});

afterAll(() => proxy.die());

beforeEach(() => proxy.reset());

async function backUp(): Promise<ActionResult & { trend: BackupReport['trend'] }> {
  const result = await runBackup(
    {
      'database-url': postgres.url(DATABASE),
      store: `s3://${bucket}`,
      's3-endpoint': proxy.endpoint,
      passphrase: PASSPHRASE,
    },
    { env: awsEnvironment(s3) },
  );
  expect(result).toMatchObject({
    exitCode: 0,
    annotations: result.annotations.filter(({ kind }) => kind === 'notice'),
  });
  return { ...result, trend: JSON.parse(readFileSync(result.outputs.report ?? '', 'utf8')).trend };
}

/** The fault for what is read once the backup is there. */
function thenWhen(operations: string[], fault: HttpFault): void {
  let isThere = false;
  proxy.when(({ operation, path, method }) => {
    if (method === 'PUT' && path.endsWith('/manifest.json')) isThere = true;
    return isThere && operations.includes(operation);
  }, fault);
}

test('the summary of a backup shows those before it: size, duration and time to restore', async () => {
  const result = await backUp();
  expect(result.summary.match(CHART)).toHaveLength(3);
  expect(result.summary).toContain('### The last 4 backups');
  expect(result.summary).toContain('  y-axis "s" 0 --> 3\n  bar [3, 2, 1]');
  expect(result.trend?.backups.map(({ restoreTime }) => restoreTime)).toEqual([3000, 2000, 1000, null]);
  expect(result.trend?.backups.map(({ duration }) => duration)).toEqual([10000, 10000, 10000, expect.any(Number)]);
  expect(result.trend?.backups.at(-1)).toMatchObject({ id: result.outputs.id, size: Number(result.outputs.size) });
  // No part is fetched for it.
  expect(proxy.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('.gpg'))).toEqual([]);
});

test('credentials that may list and not read: the sizes alone, and no error', async () => {
  proxy.when('GetObject', faults.accessDenied);
  const result = await backUp();
  expect(result.summary.match(CHART)).toHaveLength(1);
  expect(result.summary).toContain('title "Stored, kB');
});

test('credentials that may only write: no chart, and no error', async () => {
  proxy.when(['GetObject', 'HeadObject', 'ListObjects', 'ListMultipartUploads'], faults.accessDenied);
  const result = await backUp();
  expect(result.summary).not.toMatch(CHART);
  expect(result.trend).toBeNull();
});

test('a store that breaks after the backup: no chart, and no error', async () => {
  thenWhen(['ListObjects'], faults.answer(400, 'InvalidRequest'));
  expect((await backUp()).trend).toBeNull();
});

test('a store that falls silent after the backup is waited for ten seconds, and no longer', async () => {
  thenWhen(['ListObjects', 'GetObject'], faults.stall);
  const result = await backUp();
  expect(result.trend).toBeNull();
  expect(result.duration).toBeLessThan(20_000);
});
