import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DeletedBackup } from '../../src/commands/prune/report.ts';
import type { ActionOptions, ActionResult } from '../support/action/harness.ts';
import { backupInputs, errorsOf, runBackup } from '../support/action/run-backup.ts';
import { filesBelow, newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { dailyIds, type Special, storeBackup } from '../support/data/sample-set.ts';
import { ensureCeph } from '../support/servers/ceph.ts';
import * as faults from '../support/servers/http-faults.ts';
import { type HttpProxy, startHttpProxy } from '../support/servers/http-proxy.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { s3ClientOf } from '../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../support/servers/s3-server.ts';

/** Also the set's name. */
const DATABASE = 'shop';
const NOW = new Date();

let postgres: PostgresServer;
let folder: StoreFolder;

beforeAll(async () => {
  postgres = await sharedPostgres();
  await postgres.createDatabase(DATABASE);
  await postgres.psql(DATABASE, 'create table t as select 1 as a');
});

afterAll(() => postgres.dropDatabase(DATABASE));

beforeEach(() => {
  folder = newStoreFolder();
});

function backUp(inputs: Record<string, string>): Promise<ActionResult> {
  // On a hosted runner a folder gives a warning of its own.
  const env = { RUNNER_ENVIRONMENT: 'self-hosted' };
  return runBackup({ ...backupInputs(postgres, DATABASE, folder), ...inputs }, { env });
}

function command(name: string, inputs: Record<string, string>): Promise<ActionResult> {
  return runBackup({ command: name, store: folder.url, ...inputs });
}

/** Backups of `days` days, the newest of yesterday. */
async function storeDays(days: number, special: Record<number, Special> = {}, store = folder): Promise<string[]> {
  const ids = dailyIds(NOW, days, 1);
  const put = async (key: string, bytes: Uint8Array) => {
    mkdirSync(dirname(join(store.path, key)), { recursive: true });
    writeFileSync(join(store.path, key), bytes);
  };
  for (const [index, id] of ids.entries()) await storeBackup(put, id, special[index]);
  return ids;
}

/** The ids of the backups that are left, the newest first. */
function left(store = folder): string[] {
  const manifests = filesBelow(store.path).filter((file) => file.endsWith('/manifest.json'));
  return manifests.map((file) => file.split('/')[1] ?? '').reverse();
}

function deletedOf({ outputs }: ActionResult): DeletedBackup[] {
  return JSON.parse(outputs.deleted ?? '');
}

function ofKind({ annotations }: ActionResult, kind: string): string[] {
  return annotations.filter((annotation) => annotation.kind === kind).map(({ message }) => message);
}

describe('after a backup', () => {
  test('what no rule keeps goes, and is told', async () => {
    const ids = await storeDays(4);
    const result = await backUp({ 'keep-last': '3' });
    expect(result).toMatchObject({ exitCode: 0, annotations: [] });
    const own = result.outputs.id ?? '';
    expect(left()).toEqual([own, ids[0], ids[1]]);
    expect(deletedOf(result)).toEqual(
      ids.slice(2).map((id) => ({ store: folder.url, name: DATABASE, id, created: expect.any(String), size: 30 })),
    );
    expect(filesBelow(folder.path).filter((file) => file.startsWith('shop/pruned/'))).toHaveLength(1);
    expect(result.log).toContain(`deleted backup ${ids[3]} of set shop, 30 B.`);
    expect(result.log).toContain('kept 3, deleted 2, 60 B (keep-last 3)');
    expect(result.summary).toMatch(new RegExp(`### Retention.*kept 3, deleted 2.*${ids[2]}`, 's'));
    const { retention } = JSON.parse(readFileSync(result.outputs.report ?? '', 'utf8')).stores[0];
    expect(retention).toMatchObject({ outcome: 'applied', rules: 'keep-last 3' });
  });

  test('without a rule nothing goes', async () => {
    const ids = await storeDays(4);
    const result = await backUp({});
    expect(left()).toEqual([result.outputs.id, ...ids]);
    expect(result.outputs.deleted).toBeUndefined();
    expect(result.summary).not.toContain('### Retention');
  });

  test('a dry run says what would go', async () => {
    const ids = await storeDays(4);
    const result = await backUp({ 'keep-last': '3', 'dry-run': 'true' });
    expect(left()).toEqual(ids);
    expect(result.log).toContain(`[dry-run] ${folder.url}: would keep 2 and delete 2, 60 B (keep-last 3)`);
    expect(result.log).toContain(`[dry-run] ${folder.url}: would delete ${ids[3]}`);
  });

  test('a plan that a guard refuses is a warning with the command to run: the backup is green', async () => {
    const ids = await storeDays(14);
    const result = await backUp({ 'keep-last': '2', 'keep-monthly': '1' });
    expect(result).toMatchObject({ exitCode: 0, outputs: { deleted: '[]' } });
    expect(left()).toEqual([result.outputs.id, ...ids]);
    expect(ofKind(result, 'warning')).toEqual([
      expect.stringMatching(
        /no older one was deleted: it would delete 13 of 15.*command: prune, name: shop, dry-run: true.*keep-last 2, keep-monthly 1.*force: true/,
      ),
    ]);
    expect(result.summary).toMatch(/✅ Backup.*### Retention.*NOT APPLIED: would keep 2 and delete 13/s);
  });
});

describe('prune', () => {
  test('a dry run shows the plan as a table; then it is refused, and forced', async () => {
    const ids = await storeDays(14, { 13: { held: true } });
    const rules = { 'keep-last': '2' };
    const planned = await command('prune', { ...rules, 'dry-run': 'true' });
    expect(planned).toMatchObject({ exitCode: 0, annotations: [] });
    expect(left()).toEqual(ids);
    expect(planned.log).toContain('would keep 3 and delete 11, 330 B (keep-last 2)');
    expect(planned.log).toContain('Against the plan: it would delete 11 of 14 backups');
    const row = planned.log.split('\n').find((line) => line.includes(ids[2] ?? ''));
    expect(row).toMatch(/^ +\d{8}T\d{6}Z-[0-9a-f]{8} +3 d \d+ h +30 B +kept by none of keep-last 2$/);
    expect(planned.summary).toMatch(/^## Dry run: nothing was deleted.*Would be deleted.*Kept.*last 1 of 2.*held/s);
    expect(deletedOf(planned)).toHaveLength(11);

    const refused = await command('prune', rules);
    expect(refused).toMatchObject({ exitCode: 1, outputs: { deleted: '[]' } });
    expect(errorsOf(refused)).toEqual([
      {
        kind: 'error',
        title: 'Lifeboat: retention was not applied',
        message: expect.stringMatching(/nothing was deleted: it would delete 11 of 14 .* run once with force: true/),
      },
    ]);
    expect(left()).toEqual(ids);

    const forced = await command('prune', { ...rules, force: 'true' });
    expect(forced).toMatchObject({ exitCode: 0, annotations: [] });
    expect(left()).toEqual([ids[0], ids[1], ids[13]]);
    expect(deletedOf(forced).map(({ id }) => id)).toEqual(ids.slice(2, 13));
    expect(JSON.parse(readFileSync(forced.outputs.report ?? '', 'utf8'))).toMatchObject({
      command: 'prune',
      dryRun: false,
      stores: [{ outcome: 'applied', record: expect.stringMatching(/^shop\/pruned\//) }],
    });
  });

  test('each store by itself: one that is not there is red and named, the other is pruned', async () => {
    const ids = await storeDays(3);
    const result = await command('prune', { store: `file:///none-such\n${folder.url}`, 'keep-last': '2' });
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)[0]?.message).toMatch(/^file:\/\/\/none-such: .*does not exist/);
    expect(left()).toEqual(ids.slice(0, 2));
    expect(result.summary).toMatch(/^## ❌ 1 of 2 stores were not pruned as planned/);
  });
});

describe('hold and release', () => {
  test('a backup is held in every store that has it, is kept, and goes once it is released', async () => {
    const ids = await storeDays(3);
    const other = newStoreFolder();
    await storeDays(3, {}, other);
    const stores = { store: `${folder.url}\n${other.url}`, backup: ids[2] ?? '' };
    const held = await command('hold', stores);
    expect(held).toMatchObject({ exitCode: 0, annotations: [], outputs: { id: ids[2] } });
    for (const store of [folder, other]) {
      const text = readFileSync(join(store.path, DATABASE, ids[2] ?? '', 'hold.json'), 'utf8');
      expect(JSON.parse(text)).toMatchObject({
        format: 1,
        id: ids[2],
        name: DATABASE,
        since: expect.stringMatching(/Z$/),
        by: 'octocat, https://github.com/octo-org/shop/actions/runs/4242424242',
      });
      expect(held.log).toContain(`${store.url}: backup ${ids[2]} held: no rule deletes it until it is released`);
    }
    expect((await command('hold', stores)).log).toContain('was held already');
    expect((await command('list', {})).log).toMatch(new RegExp(`${ids[2]} .* held `));

    await command('prune', { 'keep-last': '1' });
    expect(left()).toEqual([ids[0], ids[2]]);

    const released = await command('release', stores);
    expect(released).toMatchObject({ exitCode: 0, annotations: [] });
    expect(released.log).toContain('released: the rules apply to it again');
    expect((await command('release', stores)).log).toContain('was not held');
    await command('prune', { 'keep-last': '1' });
    expect(left()).toEqual([ids[0]]);
    expect(left(other)).toEqual(ids);
  });

  test('a store that is not there is red, and named', async () => {
    const ids = await storeDays(1);
    const result = await command('hold', { store: `${folder.url}\nfile:///none-such` });
    expect(result).toMatchObject({ exitCode: 1, outputs: { id: ids[0] } });
    expect(errorsOf(result)[0]?.message).toMatch(/^file:\/\/\/none-such: .*does not exist/);
  });

  test('without an id the latest is held', async () => {
    const ids = await storeDays(2);
    expect((await command('hold', {})).outputs.id).toBe(ids[0]);
  });

  test('a backup that is not there is an error', async () => {
    await storeDays(1);
    const missing = { backup: '20200101T000000Z-0a1b2c3d' };
    const results = [await command('hold', missing), await command('release', { ...missing, name: DATABASE })];
    expect(results.map(({ exitCode }) => exitCode)).toEqual([1, 1]);
    for (const result of results) expect(errorsOf(result)[0]?.message).toMatch(/^There is no backup/);
    expect(filesBelow(folder.path)).toHaveLength(4);
  });
});

describe('on S3', () => {
  let s3: S3Server;
  let proxy: HttpProxy;
  let bucket: string;
  let ids: string[];

  beforeAll(async () => {
    s3 = await ensureCeph();
    proxy = await startHttpProxy(s3.endpoint);
  });

  afterAll(() => proxy.die());

  beforeEach(async () => {
    proxy.reset();
    bucket = `retention-${crypto.randomUUID()}`;
    const client = s3ClientOf(s3);
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    ids = dailyIds(NOW, 3, 1);
    const put = async (Key: string, Body: Uint8Array) => {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    };
    await Promise.all(ids.map((id) => storeBackup(put, id)));
  });

  function backUpThere(options: ActionOptions = {}): Promise<ActionResult> {
    const inputs = {
      ...backupInputs(postgres, DATABASE, folder),
      store: `s3://${bucket}`,
      's3-endpoint': proxy.endpoint,
    };
    return runBackup({ ...inputs, 'keep-last': '2' }, { env: awsEnvironment(s3), ...options });
  }

  const deletions = () => proxy.requests.filter(({ method }) => method === 'DELETE');

  test('nothing is deleted before the backup of this run was read back', async () => {
    const result = await backUpThere();
    expect(result).toMatchObject({ exitCode: 0, annotations: [] });
    expect(deletedOf(result).map(({ id }) => id)).toEqual(ids.slice(1));
    const readBack = proxy.requests.findIndex(
      ({ operation, path }) => operation === 'HeadObject' && path.endsWith(`${result.outputs.id}/manifest.json`),
    );
    expect(readBack).toBeGreaterThan(0);
    expect(proxy.requests.findIndex(({ method }) => method === 'DELETE')).toBeGreaterThan(readBack);
  });

  test('A2: cancelled while older ones are deleted: the backup stays, and is told', async () => {
    const isOfSecond: Parameters<HttpProxy['when']>[0] = ({ operation, path }) =>
      operation === 'DeleteObject' && path.includes(ids[1] ?? '');
    proxy.when(isOfSecond, faults.delay(3_000));
    const result = await backUpThere({ cancelWhen: (printed) => printed.includes('deleted backup') });
    expect(result.exitCode).toBe(0);
    expect(ofKind(result, 'warning')).toEqual([expect.stringMatching(/the backup is good, but .* was cancelled/)]);
    expect(deletedOf(result).map(({ id }) => id)).toEqual(ids.slice(2));
    const { Contents = [] } = await s3ClientOf(s3).send(new ListObjectsV2Command({ Bucket: bucket }));
    const manifests = Contents.map(({ Key = '' }) => Key).filter((key) => key.endsWith('/manifest.json'));
    expect(manifests).toEqual([ids[1], ids[0], result.outputs.id].map((id) => `shop/${id}/manifest.json`));
  });

  test('K6: credentials that may not delete: a notice, and the backup is green', async () => {
    proxy.when('DeleteObject', faults.accessDenied);
    const result = await backUpThere();
    expect(result).toMatchObject({ exitCode: 0, outputs: { deleted: '[]' } });
    expect(ofKind(result, 'warning')).toEqual([]);
    expect(ofKind(result, 'notice')).toEqual([
      expect.stringMatching(
        /no older backup was deleted, for these credentials may not\. .*s3:DeleteObject.*command prune/,
      ),
    ]);
  });

  test('credentials that may only write: nothing is pruned, one notice says so', async () => {
    proxy.when(['GetObject', 'HeadObject', 'ListObjects', 'ListMultipartUploads'], faults.accessDenied);
    const result = await backUpThere();
    expect(result.exitCode).toBe(0);
    expect(ofKind(result, 'notice')).toEqual([expect.stringMatching(/not read back, and nothing was pruned/)]);
    expect(deletions()).toEqual([]);
  });

  test('a backup that goes while it is held is an error', async () => {
    const isManifest = ({ operation, path }: { operation: string; path: string }) =>
      operation === 'HeadObject' && path.endsWith(`${ids[0]}/manifest.json`);
    proxy.when(isManifest, faults.notFound, { after: 1 });
    const inputs = { command: 'hold', store: `s3://${bucket}`, 's3-endpoint': proxy.endpoint };
    const result = await runBackup(inputs, { env: awsEnvironment(s3) });
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)[0]?.message).toMatch(/was being deleted when it was held, and is gone/);
  });

  test('a server that fails then: a warning, and the backup is green', async () => {
    proxy.when(({ method, path }) => method === 'DELETE' && path.endsWith('/manifest.json'), faults.methodNotAllowed);
    const result = await backUpThere();
    expect(result.exitCode).toBe(0);
    expect(ofKind(result, 'warning')).toEqual([
      expect.stringMatching(
        /the backup is good, but older ones were not all deleted that should be\. .*MethodNotAllowed/,
      ),
    ]);
  });
});
