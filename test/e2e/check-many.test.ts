import { linkSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Checked, ruleOf, runCheck, wrongRules } from '../support/action/run-check.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { history } from '../support/data/history.ts';
import { ensureCeph } from '../support/servers/ceph.ts';
import { fillBucket } from '../support/servers/fill-bucket.ts';
import { countOperations, type HttpProxy, startHttpProxy } from '../support/servers/http-proxy.ts';
import { runFolder } from '../support/servers/run.ts';
import { s3ClientOf } from '../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../support/servers/s3-server.ts';

/* However many backups there are: memory stays small, and requests grow with pages of 1,000 keys alone. */

const OBJECTIVES = { 'max-age': '2h', 'max-restore-test-age': '3h', 'max-shrink': '40%' };

function expectGreen(result: Checked): void {
  expect(wrongRules(result)).toEqual([]);
  expect(result).toMatchObject({ exitCode: 0, annotations: [] });
}

describe('10,000 backups in a folder', () => {
  let store: StoreFolder;
  let result: Checked;

  beforeAll(async () => {
    store = newStoreFolder();
    // What has the same bytes is one file: 10,000 times as many of them would take their time.
    const same = mkdtempSync(join(runFolder(), 'same-'));
    for (const length of [1, 1000]) writeFileSync(join(same, `${length}`), Buffer.alloc(length, 'x'));
    for (const { key, bytes } of history(10_000)) {
      const path = join(store.path, key);
      if (/\/(schema|[\w-]+-proven)\.[^/]*$/.test(key)) mkdirSync(dirname(path), { recursive: true });
      if (key.endsWith('.gpg')) linkSync(join(same, `${bytes.length}`), path);
      else writeFileSync(path, bytes);
    }
    result = await runCheck([store.url], OBJECTIVES);
  });

  test('are checked', () => {
    expectGreen(result);
    expect(result.report.stores[0]?.sets[0]?.backups).toHaveLength(10_000);
    expect(ruleOf(result, 'chain').found).toEqual(['The backups before the newest 30 are known.']);
  });

  test('in less than 300 MB', () => {
    expect(result.peakRss).toBeGreaterThan(20e6);
    expect(result.peakRss).toBeLessThan(300e6);
  });
});

describe('in S3', () => {
  let s3: S3Server;
  let proxy: HttpProxy;
  let bucket: string;

  beforeAll(async () => {
    s3 = await ensureCeph();
    proxy = await startHttpProxy(s3.endpoint);
    bucket = `check-many-${crypto.randomUUID()}`;
    await s3ClientOf(s3).send(new CreateBucketCommand({ Bucket: bucket }));
  });

  afterAll(() => proxy.die());

  /** How many requests a check of so many backups takes, by their operation. */
  async function requestsFor(count: number): Promise<Record<string, number>> {
    await fillBucket(s3ClientOf(s3), bucket, String(count), history(count));
    proxy.reset();
    const options = { env: awsEnvironment(s3) };
    const inputs = { ...OBJECTIVES, name: 'shop', 's3-endpoint': proxy.endpoint };
    expectGreen(await runCheck([`s3://${bucket}/${count}`], inputs, options));
    return countOperations(proxy.requests);
  }

  test('requests grow with pages of 1,000 keys alone', async () => {
    // Of 40 backups there are 200 keys, of 220 there are 1,100. The first request asks whether the bucket is there.
    // Manifests of the newest 30, and of each the record that proves it.
    expect(await requestsFor(40)).toEqual({ ListObjects: 1 + 1, GetObject: 30 + 30 });
    expect(await requestsFor(220)).toEqual({ ListObjects: 1 + 2, GetObject: 30 + 30 });
  });
});
