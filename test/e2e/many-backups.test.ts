import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ListReport } from '../../src/commands/list/report.ts';
import type { ActionInputs, ActionResult } from '../support/action/harness.ts';
import { errorsOf, runBackup } from '../support/action/run-backup.ts';
import { history, OBJECTS_OF_BACKUP } from '../support/data/history.ts';
import { SET } from '../support/data/sample-set.ts';
import { type ListedBucket, startListedBucket } from '../support/servers/listed-bucket.ts';
import { awsEnvironment } from '../support/servers/s3-server.ts';

const MANY = 10_000;
const PAGES = (MANY * OBJECTS_OF_BACKUP) / 1000;

/** What an S3 server says of a set of so many backups, one an hour, each restore-tested. */
function setOf(count: number): Promise<ListedBucket> {
  const objects = [...history(count)].sort((a, b) => (a.key < b.key ? -1 : 1));
  // Parts are listed, not read.
  const read = objects.filter(({ key }) => !key.endsWith('.gpg'));
  const texts = new Map(read.map(({ key, bytes }) => [key, bytes.toString('utf8')]));
  const listed = objects.map(({ key, bytes }) => ({ key, size: bytes.length }));
  return startListedBucket(listed, (key) => texts.get(key) ?? null);
}

async function run({ server, bucket }: ListedBucket, inputs: ActionInputs): Promise<ActionResult> {
  const common = { store: `s3://${bucket}`, name: SET, 's3-endpoint': server.endpoint };
  const result = await runBackup({ ...common, ...inputs }, { env: awsEnvironment(server) });
  expect(errorsOf(result)).toEqual([]);
  return result;
}

describe('10,000 backups in S3, in less than 300 MB', () => {
  let listed: ListedBucket;

  beforeAll(async () => {
    listed = await setOf(MANY);
  });

  afterAll(() => listed.close());

  async function runSmall(inputs: ActionInputs): Promise<ActionResult> {
    const result = await run(listed, inputs);
    expect(result.peakRss).toBeGreaterThan(20e6);
    expect(result.peakRss).toBeLessThan(300e6);
    return result;
  }

  test('are listed', async () => {
    const { outputs } = await runSmall({ command: 'list' });
    const report = JSON.parse(readFileSync(outputs.report ?? '', 'utf8')) as ListReport;
    expect(report.stores[0]?.sets[0]?.backups).toHaveLength(MANY);
  });

  test('are checked', async () => {
    await runSmall({ command: 'check', 'max-age': '2h', 'max-restore-test-age': '3h', 'max-shrink': '40%' });
  });

  test('are planned', async () => {
    const { outputs } = await runSmall({ command: 'prune', 'keep-within': `${MANY - 1}h`, 'dry-run': 'true' });
    expect(JSON.parse(outputs.deleted ?? '')).toHaveLength(1);
  });
});

/** How many requests a plan takes in which the oldest of so many backups goes, by their operation. */
async function requestsFor(count: number, rule: ActionInputs): Promise<Record<string, number>> {
  const listed = await setOf(count);
  const { outputs } = await run(listed, { command: 'prune', ...rule, 'dry-run': 'true' });
  expect(JSON.parse(outputs.deleted ?? '')).toHaveLength(1);
  listed.close();
  return { ...listed.requests };
}

test('requests grow with pages of 1,000 keys alone', async () => {
  // The newest backup tells what is within these hours: nothing else takes the place of the oldest.
  const within = (count: number) => ({ 'keep-within': `${count - 1}h` });
  const few = await requestsFor(MANY / 10, within(MANY / 10));
  const many = await requestsFor(MANY, within(MANY));
  // Each time: whether the bucket is there, and the folder of the one that goes.
  expect([few.ListObjects, many.ListObjects]).toEqual([2 + PAGES / 10, 2 + PAGES]);
  expect({ ...many, ListObjects: 0 }).toEqual({ ...few, ListObjects: 0 });
});

test('and with what is kept in the place of what goes, which is read once', async () => {
  const count = 500;
  const least = await requestsFor(count, { 'keep-within': `${count - 1}h` });
  const asked = await requestsFor(count, { 'keep-last': String(count - 1) });
  expect(asked.GetObject).toBe((least.GetObject ?? 0) + count - 31);
  expect({ ...asked, GetObject: 0 }).toEqual({ ...least, GetObject: 0 });
});
