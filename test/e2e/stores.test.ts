import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Manifest } from '../../src/formats/manifest.ts';
import type { ActionResult } from '../support/action/harness.ts';
import { backupInputs, errorsOf, runBackup } from '../support/action/run-backup.ts';
import { createSampleDatabase } from '../support/action/sample-database.ts';
import { filesBelow, newStoreFolder, readBackup, type StoreFolder, sha256 } from '../support/action/stored-backup.ts';
import { objectsIn, openUploads } from '../support/action/stored-objects.ts';
import { ensureCeph } from '../support/servers/ceph.ts';
import * as faults from '../support/servers/http-faults.ts';
import { startHttpProxy } from '../support/servers/http-proxy.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { s3ClientOf } from '../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../support/servers/s3-server.ts';

const DATABASE = 'two_stores';

let postgres: PostgresServer;
let s3: S3Server;
let bucket: string;
let folder: StoreFolder;

beforeAll(async () => {
  [postgres, s3] = await Promise.all([sharedPostgres(), ensureCeph()]);
  await createSampleDatabase(postgres, DATABASE);
});

beforeEach(async () => {
  bucket = `e2e-${crypto.randomUUID()}`;
  folder = newStoreFolder();
});

const makeBucket = () => s3ClientOf(s3).send(new CreateBucketCommand({ Bucket: bucket }));

function backUp(stores: string[], inputs: Record<string, string> = {}): Promise<ActionResult> {
  const all = {
    ...backupInputs(postgres, DATABASE, folder),
    store: stores.join('\n'),
    's3-endpoint': s3.endpoint,
    ...inputs,
  };
  return runBackup(all, { env: awsEnvironment(s3) });
}

/** The files of the backup in the folder, by name, each with its digest. */
function filesIn(store: StoreFolder): { key: string; sha256: string }[] {
  return filesBelow(store.path).map((key) => ({ key, sha256: sha256(readFileSync(join(store.path, key))) }));
}

test('two stores get the same parts in one pass, each its own manifest', async () => {
  await makeBucket();
  const inS3 = `s3://${bucket}/some/prefix`;
  const result = await backUp([folder.url, inS3]);
  expect(result).toMatchObject({ exitCode: 0 });
  const { id = '' } = result.outputs;
  const objects = await objectsIn(s3, bucket, 'some/prefix/');
  const isPart = ({ key }: { key: string }) => !key.endsWith('/manifest.json');
  expect(objects.filter(isPart).map(({ key, sha256 }) => ({ key, sha256 }))).toEqual(filesIn(folder).filter(isPart));
  expect(objects.length).toBe(5);
  const { manifest } = readBackup(folder, DATABASE, id);
  expect(JSON.parse(objects.find(({ key }) => key.endsWith('manifest.json'))?.text ?? '')).toEqual(manifest);
  expect(await openUploads(s3, bucket)).toBe(0);
  // As action.yml has it: one URL a line, as in store.
  expect(result.outputs.location?.split('\n')).toEqual([
    `${folder.url}/${DATABASE}/${id}`,
    `${inS3}/${DATABASE}/${id}`,
  ]);
  expect(result.outputs.manifest?.split('\n')).toEqual(
    result.outputs.location?.split('\n').map((location) => `${location}/manifest.json`),
  );
  for (const store of [folder.url, inS3]) expect(result.summary).toContain(`${store}/`);
});

test('each store names the backup before, as it has seen it', async () => {
  await makeBucket();
  const inS3 = `s3://${bucket}`;
  const first = await backUp([inS3]);
  const second = await backUp([folder.url, inS3]);
  expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
  const objects = await objectsIn(s3, bucket, '');
  const manifestOf = ({ outputs }: ActionResult) =>
    objects.find(({ key }) => key === `${DATABASE}/${outputs.id}/manifest.json`);
  expect(JSON.parse(manifestOf(second)?.text ?? '') as Manifest).toMatchObject({
    previous: { id: first.outputs.id, manifestSha256: manifestOf(first)?.sha256 },
    uploaded: 'read-back',
  });
  expect(readBackup(folder, DATABASE, second.outputs.id ?? '').manifest).toMatchObject({
    previous: null,
    noPrevious: 'first',
  });
});

/** What there is when one of two stores has failed: a backup in the folder, a red run that names the other. */
async function expectOnlyTheFolder(result: ActionResult, other: string, says: RegExp): Promise<void> {
  const { id = '' } = result.outputs;
  expect(result.exitCode).toBe(1);
  expect(errorsOf(result)).toEqual([
    {
      kind: 'error',
      title: 'Lifeboat: a store failed',
      message: expect.stringMatching(new RegExp(`^Backup ${id} is complete .*${other}: `, 's')),
    },
  ]);
  expect(errorsOf(result)[0]?.message).toMatch(says);
  expect(readBackup(folder, DATABASE, id).files.length).toBe(5);
  expect(result.outputs.location).toBe(`${folder.url}/${DATABASE}/${id}`);
  expect(result.summary).toMatch(/❌.*missing in 1 of 2 stores/);
  expect(JSON.parse(readFileSync(result.outputs.report ?? '', 'utf8')).stores).toEqual([
    expect.objectContaining({ url: other, error: expect.stringMatching(says) }),
    expect.objectContaining({ url: folder.url, error: null }),
  ]);
}

test('S2: a store that refuses midway is given up alone', async () => {
  await makeBucket();
  const proxy = await startHttpProxy(s3.endpoint);
  proxy.when('PutObject', faults.accessDenied, { after: 1 });
  const result = await backUp([`s3://${bucket}`, folder.url], { 's3-endpoint': proxy.endpoint });
  await expectOnlyTheFolder(result, `s3://${bucket}`, /AccessDenied/);
  expect(await objectsIn(s3, bucket, '')).toEqual([]);
  await proxy.die();
});

test('S2: a store that goes away midway is given up alone, after store-timeout', async () => {
  await makeBucket();
  const proxy = await startHttpProxy(s3.endpoint);
  proxy.when('PutObject', faults.die, { after: 1 });
  const inputs = { 's3-endpoint': proxy.endpoint, 'store-timeout': '2s' };
  const result = await backUp([`s3://${bucket}`, folder.url], inputs);
  await expectOnlyTheFolder(result, `s3://${bucket}`, /did not answer for 2 s.*store-timeout/);
  expect((await objectsIn(s3, bucket, '')).map(({ key }) => key)).not.toContainEqual(
    expect.stringContaining('manifest.json'),
  );
  expect(result.duration).toBeLessThan(20_000);
});

test('a store that cannot be written at all is given up alone', async () => {
  // Nobody can make a folder there, not even root.
  const result = await backUp(['file:///sys/lifeboat', folder.url], { 's3-endpoint': '' });
  await expectOnlyTheFolder(result, 'file:///sys/lifeboat', /\/sys\/lifeboat/);
});

test('a server that is not there is given up alone', async () => {
  const inputs = { 's3-endpoint': 'http://127.0.0.1:1' };
  await expectOnlyTheFolder(await backUp([`s3://${bucket}`, folder.url], inputs), `s3://${bucket}`, /127\.0\.0\.1:1/);
});

test('s3-create-bucket makes the bucket; without it a missing one is an error before anything is dumped', async () => {
  const stores = [`s3://${bucket}/backups`];
  const refused = await backUp(stores);
  expect(refused).toMatchObject({ exitCode: 1, outputs: {} });
  expect(errorsOf(refused)).toEqual([
    expect.objectContaining({ message: expect.stringMatching(new RegExp(`${bucket}.*s3-create-bucket: true`)) }),
  ]);
  expect(refused.log).not.toMatch(/pg_dump/);

  const made = await backUp(stores, { 's3-create-bucket': 'true' });
  expect(made).toMatchObject({ exitCode: 0 });
  expect((await objectsIn(s3, bucket, `backups/${DATABASE}/${made.outputs.id}/`)).map(({ key }) => key)).toEqual([
    'data.dump.zst.gpg',
    'globals.sql.zst.gpg',
    'inventory.json.zst.gpg',
    'manifest.json',
    'schema.dump.zst.gpg',
  ]);
});
