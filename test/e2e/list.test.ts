import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeId } from '../../src/formats/id.ts';
import type { ActionResult } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { createSampleDatabase } from '../support/action/sample-database.ts';
import { filesBelow, newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { ensureCeph } from '../support/servers/ceph.ts';
import { type HttpProxy, startHttpProxy } from '../support/servers/http-proxy.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { s3ClientOf } from '../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../support/servers/s3-server.ts';

const DATABASE = 'listed';
const DAY = 24 * 60 * 60 * 1000;

let postgres: PostgresServer;
let s3: S3Server;
let proxy: HttpProxy;
let folder: StoreFolder;
let inS3: string;
let bucket: string;
/** Of set `shop`: the first was restore-tested, the second was not. Of set `blog`: one, in the folder alone. */
let proven: ActionResult;
let newest: ActionResult;
let blog: ActionResult;

interface Entry {
  store: string;
  name: string;
  id: string;
  [field: string]: unknown;
}

/** The output `backups`. */
function backupsOf({ outputs }: ActionResult): Entry[] {
  return JSON.parse(outputs.backups ?? '');
}

function list(stores: string[], inputs: Record<string, string> = {}): Promise<ActionResult> {
  return runBackup(
    { command: 'list', store: stores.join('\n'), 's3-endpoint': proxy.endpoint, ...inputs },
    { env: awsEnvironment(s3) },
  );
}

function write(store: StoreFolder, key: string, text = 'x'): void {
  const path = join(store.path, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function writeWhole(store: StoreFolder, set: string, id: string): void {
  for (const file of ['schema.dump.zst.gpg', 'data.dump.zst.gpg', 'inventory.json.zst.gpg', 'manifest.json']) {
    write(store, `${set}/${id}/${file}`);
  }
}

/** Names that mean something to the runner, a terminal or a browser, were they shown. */
const ODD_KEYS = [
  'shop/::error::gotcha',
  'shop/##[error]gotcha',
  'shop/line\n::error::gotcha',
  'shop/<img src=x onerror=gotcha>',
  '<b>gotcha</b>/20261121T020000Z-7f3a91c2/manifest.json',
  '\n::error::gotcha/x',
];

beforeAll(async () => {
  [postgres, s3] = await Promise.all([sharedPostgres(), ensureCeph()]);
  await createSampleDatabase(postgres, DATABASE);
  proxy = await startHttpProxy(s3.endpoint);
  bucket = `list-${crypto.randomUUID()}`;
  inS3 = `s3://${bucket}/some/prefix`;
  const client = s3ClientOf(s3);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  folder = newStoreFolder();

  const inputs = backupInputs(postgres, DATABASE, folder);
  const both = { ...inputs, name: 'shop', store: [inS3, folder.url].join('\n'), 's3-endpoint': s3.endpoint };
  const aws = { env: awsEnvironment(s3) };
  proven = await runBackup(both, aws);
  const tested = await runBackup({
    command: 'restore-test',
    name: 'shop',
    store: folder.url,
    passphrase: PASSPHRASE,
  });
  newest = await runBackup(both, aws);
  blog = await runBackup({ ...inputs, name: 'blog' });
  expect([proven, tested, newest, blog].flatMap(errorsOf)).toEqual([]);

  write(folder, `shop/${newest.outputs.id}/hold.json`);
  write(folder, 'lost+found/x');
  for (const key of ODD_KEYS) {
    write(folder, key);
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: `some/prefix/${key}`, Body: 'x' }));
  }
});

afterAll(() => proxy.die());

describe('two stores, each by itself', () => {
  let result: ActionResult;

  beforeAll(async () => {
    proxy.reset();
    result = await list([inS3, folder.url]);
  });

  test('every backup is in the output, the newest of a set first', () => {
    expect(errorsOf(result)).toEqual([]);
    expect(result.exitCode).toBe(0);
    const parts = ['schema', 'data', 'globals', 'inventory'];
    const common = { size: Number(newest.outputs.size), parts, complete: true, missing: [], signed: false };
    const plain = { ...common, size: expect.any(Number), held: false, lastTest: null, newestProven: false };
    const second = { ...plain, ...common, name: 'shop', id: newest.outputs.id, newestComplete: true };
    const first = { ...plain, name: 'shop', id: proven.outputs.id, newestComplete: false };
    const lastTest = { verdict: 'proven', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) };
    expect(backupsOf(result)).toEqual(
      [
        { ...second, store: inS3 },
        { ...first, store: inS3 },
        { ...plain, store: folder.url, name: 'blog', id: blog.outputs.id, newestComplete: true },
        { ...second, store: folder.url, held: true },
        { ...first, store: folder.url, lastTest, newestProven: true },
      ].map((entry) => expect.objectContaining(entry)),
    );
  });

  test('the log says which to use, in aligned text', () => {
    const lines = result.log.split('\n');
    const of = (text: string) => lines.find((line) => line.includes(text)) ?? '';
    expect(result.log).toContain(`Newest complete: ${newest.outputs.id}, 0 min old`);
    expect(result.log).toContain(`Newest proven:   ${proven.outputs.id}, 0 min old`);
    expect(of('<- NEWEST PROVEN')).toMatch(
      new RegExp(`^ +${proven.outputs.id} .* proven, .* UTC +no +no +schema, data`),
    );
    // The columns of each table begin where their heads do.
    for (const [index, head] of lines.entries()) {
      if (!/^ +Backup /.test(head)) continue;
      expect(lines[index + 1]?.search(/\d{8}T/)).toBe(head.indexOf('Backup'));
      expect(lines[index + 1]?.indexOf('schema, data')).toBe(head.indexOf('Parts'));
    }
    expect(lines.filter((line) => /^ +Backup /.test(line))).toHaveLength(3);
  });

  test('the summary marks both', () => {
    expect(result.summary).toContain(`<tr><td>✅</td><td><b><code>${proven.outputs.id}</code></b></td>`);
    expect(result.summary).toContain(`<tr><td>👉</td><td><b><code>${newest.outputs.id}</code></b></td>`);
    expect(result.summary).toContain(`### ${inS3}`);
  });

  test('nothing foreign is shown, only counted', () => {
    for (const shown of [result.stdout, result.summary, result.outputs.backups]) {
      expect(shown).not.toMatch(/gotcha|lost\+found/);
    }
    expect(result.log).toContain("Ignored, for they are not Lifeboat's: 2 other folders, 4 other objects in");
    expect(result.log).toContain("Ignored, for they are not Lifeboat's: 3 other folders, 4 other objects in");
  });

  test('nothing is downloaded, and nothing is written', async () => {
    expect(proxy.requests.length).toBeGreaterThan(1);
    expect(new Set(proxy.requests.map(({ operation }) => operation))).toEqual(new Set(['ListObjects']));
    const before = filesBelow(folder.path);
    await list([folder.url]);
    expect(filesBelow(folder.path)).toEqual(before);
  });

  test('the JSON report has all of it', () => {
    const report = JSON.parse(readFileSync(result.outputs.report ?? '', 'utf8'));
    expect(report).toMatchObject({ command: 'list', name: null, stores: [{ url: inS3 }, { url: folder.url }] });
    const listed = report.stores.flatMap(({ sets }: { sets: { backups: object[] }[] }) => sets);
    expect(listed.flatMap(({ backups }: { backups: object[] }) => backups)).toHaveLength(5);
  });
});

test('with a name: that set alone', async () => {
  const result = await list([inS3, folder.url], { name: 'blog' });
  expect(result.exitCode).toBe(0);
  expect(backupsOf(result).map(({ store, id }) => [store, id])).toEqual([[folder.url, blog.outputs.id]]);
  expect(result.log).toContain('There are no backups of set blog here.');
  expect(result.log).toContain('Sets may be: shop.');
});

test('nothing at all is no error, and is said', async () => {
  const result = await list([newStoreFolder().url]);
  expect(errorsOf(result)).toEqual([]);
  expect(result).toMatchObject({ exitCode: 0, outputs: { backups: '[]' } });
  expect(result.log).toContain('There are no backups here.');
  expect(result.summary).toContain('There are no backups here.');
});

test.each([
  ['a folder that does not exist', () => `${folder.url}-gone`, /-gone" does not exist.*mount the disk/],
  ['a file', () => `${folder.url}/shop/${newest.outputs.id}/manifest.json`, /manifest\.json" is a file/],
  [
    'a bucket that does not exist',
    () => `s3://none-${crypto.randomUUID()}`,
    /^s3:.* does not exist\. Correct its name/,
  ],
])('%s is named and makes the step red; the other stores are shown', async (_, urlOf, says) => {
  const url = urlOf();
  const other = newStoreFolder();
  const id = makeId(new Date(), '0a1b2c3d');
  writeWhole(other, 'shop', id);
  const result = await list([url, other.url]);
  expect(result.exitCode).toBe(1);
  expect(errorsOf(result)).toEqual([
    expect.objectContaining({
      title: 'Lifeboat: a store could not be listed',
      message: expect.stringMatching(says),
    }),
  ]);
  expect(errorsOf(result)[0]?.message.startsWith(`${url}: `)).toBe(true);
  expect(backupsOf(result).map((entry) => [entry.store, entry.id])).toEqual([[other.url, id]]);
  expect(result.summary).toMatch(/^## ❌ 1 of 2 stores could not be listed/);
  expect(result.log).toContain(`${id}, 0 min old`);
  expect(filesBelow(other.path)).toHaveLength(4);
});

test('a server that is not there is said soon', async () => {
  const result = await list([inS3], { 's3-endpoint': 'http://127.0.0.1:1' });
  expect(result.exitCode).toBe(1);
  expect(errorsOf(result)[0]?.message).toMatch(/127\.0\.0\.1:1/);
  expect(result.outputs.backups).toBe('[]');
  expect(result.duration).toBeLessThan(10_000);
});

test('what is not whole, or from the future, is marked and never the one to use', async () => {
  const store = newStoreFolder();
  const [future, begun, cut, old] = [2, -1, -2, -3].map((days) =>
    makeId(new Date(Date.now() + days * DAY), 'aaaaaaaa'),
  );
  for (const id of [future, cut, old]) writeWhole(store, 'shop', id ?? '');
  write(store, `shop/${begun}/data.dump.zst.gpg`);
  write(store, `shop/${cut}/data.dump.zst.gpg.0002`);
  const result = await list([store.url]);
  expect(result.exitCode).toBe(0);
  expect(
    backupsOf(result).map(({ id, complete, fromFuture, newestComplete }) => [id, complete, fromFuture, newestComplete]),
  ).toEqual([
    [future, true, true, false],
    [begun, false, false, false],
    [cut, false, false, false],
    [old, true, false, true],
  ]);
  expect(result.log).toMatch(new RegExp(`${begun} .* not complete: no manifest`));
  expect(result.log).toMatch(new RegExp(`${cut} .* NOT COMPLETE: data.dump.zst.gpg.0001 missing`));
  expect(result.log).toContain('None is proven: no restore test has passed.');
  expect(result.annotations).toEqual([
    expect.objectContaining({
      kind: 'warning',
      message: expect.stringContaining(`backup ${future} of set shop is from the future`),
    }),
  ]);
});

test('the output holds the newest 500 of a set, and says so; the report holds all', async () => {
  const store = newStoreFolder();
  const ids = Array.from({ length: 600 }, (_, age) => makeId(new Date(Date.now() - age * DAY), 'aaaaaaaa'));
  for (const id of ids) write(store, `shop/${id}/manifest.json`);
  // The one to use is far behind: it must not be cut off.
  writeWhole(store, 'shop', ids[599] ?? '');
  const result = await list([store.url]);
  expect(backupsOf(result).map(({ id }) => id)).toEqual([...ids.slice(0, 500), ids[599]]);
  expect(result.log).toContain('The output backups holds the newest 500 of each set');
  expect(result.log).toContain('… and 99 older, see the JSON report.');
  expect(result.summary).toContain('The output backups holds the newest 500 of each set');
  const report = JSON.parse(readFileSync(result.outputs.report ?? '', 'utf8'));
  expect(report.stores[0].sets[0].backups).toHaveLength(600);
});
