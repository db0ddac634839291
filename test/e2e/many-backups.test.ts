import { expect, test } from '@jest/globals';
import { makeId } from '../../src/catalog/id.ts';
import { serializeManifest } from '../../src/catalog/manifest.ts';
import { MANIFEST_FILE } from '../../src/catalog/names.ts';
import { SET, sampleManifest } from '../commands/sample-set.ts';
import { type ListedBucket, startListedBucket } from '../servers/listed-bucket.ts';
import { awsEnvironment } from '../servers/s3-server.ts';
import type { ActionResult } from './harness.ts';
import { errorsOf, runBackup } from './run-backup.ts';

const HOUR = 3_600_000;
const FILES = ['data.dump.zst.gpg', 'inventory.json.zst.gpg', MANIFEST_FILE, 'schema.dump.zst.gpg'];

/** A set of so many backups, one an hour until now. */
function setOf(count: number): Promise<ListedBucket> {
  const now = Date.now();
  const ids = Array.from({ length: count }, (_, index) => makeId(new Date(now - (count - index) * HOUR), '0a1b2c3d'));
  const objects = ids.flatMap((id) => FILES.map((file) => ({ key: `${SET}/${id}/${file}`, size: 10 })));
  return startListedBucket(objects, (key) => {
    const [, id = '', file] = key.split('/');
    return file === MANIFEST_FILE ? serializeManifest(sampleManifest(id)).toString('utf8') : null;
  });
}

function run({ server, bucket }: ListedBucket, inputs: Record<string, string>): Promise<ActionResult> {
  const common = { store: `s3://${bucket}`, name: SET, 's3-endpoint': server.endpoint };
  return runBackup({ ...common, ...inputs }, { env: awsEnvironment(server) });
}

const MEMORY = 300 * 1024 ** 2;

test('10,000 backups are listed and planned in 300 MB, with requests that grow only with pages of 1,000 keys', async () => {
  const asked: Record<string, number>[] = [];
  for (const count of [1_000, 10_000]) {
    const listed = await setOf(count);
    const planned = await run(listed, { command: 'prune', 'keep-last': String(count - 1), 'dry-run': 'true' });
    expect(errorsOf(planned)).toEqual([]);
    expect(JSON.parse(planned.outputs.deleted ?? '')).toHaveLength(1);
    expect(planned.peakRss).toBeGreaterThan(20 * 1024 ** 2);
    expect(planned.peakRss).toBeLessThan(MEMORY);
    asked.push({ ...listed.requests });
    listed.close();
  }
  const [few = {}, many = {}] = asked;
  // Each time: whether the bucket is there, and the folder of the one that goes.
  expect([few.ListObjects, many.ListObjects]).toEqual([2 + 4, 2 + 40]);
  expect({ ...many, ListObjects: 0 }).toEqual({ ...few, ListObjects: 0 });
  // The newest 30 manifests, and that of the one that goes.
  expect(many).toEqual({ ListObjects: 42, GetObject: 31, GetObjectLockConfiguration: 1 });

  const all = await setOf(10_000);
  const result = await run(all, { command: 'list' });
  expect(errorsOf(result)).toEqual([]);
  expect(all.requests).toEqual({ ListObjects: 1 + 40 });
  expect(result.peakRss).toBeLessThan(MEMORY);
  all.close();
}, 120_000);
