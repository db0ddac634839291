import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as openpgp from 'openpgp';
import { makeId } from '../../src/formats/id.ts';
import { type PruneRecord, serializePruneRecord } from '../../src/formats/prune-record.ts';
import { signDetached } from '../../src/openpgp/sign.ts';
import { type Person, people } from '../support/action/gnupg.ts';
import type { ActionInputs } from '../support/action/harness.ts';
import { backupInputs, errorsOf, runBackup } from '../support/action/run-backup.ts';
import { type Checked, ruleOf, runCheck, wrongRules } from '../support/action/run-check.ts';
import { filesBelow, newStoreFolder, readBackup, type StoreFolder, sha256 } from '../support/action/stored-backup.ts';
import { type MadeBackup, makeBackup, makeRecord, type Wanted } from '../support/data/made-backup.ts';
import { makeTestKeys, type TestKeys } from '../support/data/test-keys.ts';
import { ensureCeph } from '../support/servers/ceph.ts';
import * as faults from '../support/servers/http-faults.ts';
import { type HttpProxy, startHttpProxy } from '../support/servers/http-proxy.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { s3ClientOf } from '../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../support/servers/s3-server.ts';

const DATABASE = 'checked';
const ODD_TABLE = '::error::<b>gotcha</b>|\n::error::gotcha';
const HOUR = 60 * 60 * 1000;

let postgres: PostgresServer;
let s3: S3Server;
let proxy: HttpProxy;
let alice: Person;
let bob: Person;
let signer: Person;
let keys: TestKeys;
/** Two backups, signed and for alice; the first was restore-tested, and its record signed. The same in S3. */
let store: StoreFolder;
let bucket: string;
let inS3: string;
let first: string;
let second: string;

/** Everything that can be asked of it. */
let all: ActionInputs;
const OBJECTIVES = { 'max-age': '1h', 'max-restore-test-age': '1h', 'max-shrink': '40%', 'min-free-space': '1MB' };

beforeAll(async () => {
  [postgres, s3, { alice, bob, signer }, keys] = await Promise.all([
    sharedPostgres(),
    ensureCeph(),
    people(),
    makeTestKeys(),
  ]);
  proxy = await startHttpProxy(s3.endpoint);
  await postgres.createDatabase(DATABASE);
  await postgres.psql(
    DATABASE,
    `create table orders as select n from generate_series(1, 1000) n;
    create table ${JSON.stringify(ODD_TABLE).replaceAll('\\n', '\n')} as select n from generate_series(1, 10) n`,
  );
  store = newStoreFolder();
  bucket = `check-${crypto.randomUUID()}`;
  inS3 = `s3://${bucket}/some/prefix`;
  await s3ClientOf(s3).send(new CreateBucketCommand({ Bucket: bucket }));
  const both = { name: 'shop', store: [store.url, inS3].join('\n'), 's3-endpoint': s3.endpoint };
  first = await backUp(both);
  // A restore test proves the store that it reads.
  for (const url of [store.url, inS3]) {
    const tested = await runBackup(
      {
        ...both,
        store: url,
        command: 'restore-test',
        'scratch-url': postgres.url('postgres'),
        'private-key': alice.secretKey,
        'verification-key': signer.publicKey,
        'signing-key': signer.secretKey,
        ...(url === inS3 ? {} : { 's3-endpoint': '' }),
      },
      { env: awsEnvironment(s3) },
    );
    expect(errorsOf(tested)).toEqual([]);
  }
  second = await backUp(both);
  all = {
    name: 'shop',
    'verification-key': signer.publicKey,
    'private-key': alice.secretKey,
    'public-key': alice.publicKey,
    ...OBJECTIVES,
  };
});

afterAll(() => proxy.die());

async function backUp(inputs: ActionInputs): Promise<string> {
  const result = await runBackup(
    {
      ...backupInputs(postgres, DATABASE, store),
      passphrase: '',
      'public-key': alice.publicKey,
      'signing-key': signer.secretKey,
      ...inputs,
    },
    { env: awsEnvironment(s3) },
  );
  expect(errorsOf(result)).toEqual([]);
  return result.outputs.id ?? '';
}

/** A copy of the folder, in which something is changed. */
function changed(change: (set: string) => void, original = store): StoreFolder {
  const copy = newStoreFolder();
  cpSync(original.path, copy.path, { recursive: true });
  change(join(copy.path, 'shop'));
  return copy;
}

/** A folder of backups that were made without a database, so many hours ago, the newest first. */
function madeStore(
  hours: number[],
  wanted: (index: number) => Wanted = () => ({}),
): StoreFolder & { made: MadeBackup[] } {
  const folder = newStoreFolder();
  const made: MadeBackup[] = [];
  for (const [index, age] of [...hours.entries()].reverse()) {
    const id = makeId(new Date(Date.now() - age * HOUR), '0a1b2c3d');
    made.unshift(makeBackup(id, { previous: made[0] ?? null, ...wanted(index) }));
  }
  for (const { files } of made) for (const [key, bytes] of files) write(folder.path, key, bytes);
  return { ...folder, made };
}

function write(folder: string, key: string, bytes: Uint8Array | string): void {
  const path = join(folder, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

/** Red, with one annotation that says where, which rule and what to do. */
function expectRed(result: Checked, rule: string, says: RegExp): void {
  expect(ruleOf(result, rule)).toMatchObject({ status: 'failed' });
  const [error, ...others] = errorsOf(result);
  expect(others).toEqual([]);
  expect(error).toMatchObject({ title: 'Lifeboat: check failed' });
  expect(error?.message).toMatch(says);
  expect(error?.message).toContain(`${ruleOf(result, rule).where}: ${rule}: `);
  expect(error?.message).toContain(ruleOf(result, rule).next ?? '');
  expect(result).toMatchObject({ exitCode: 1, report: { result: 'failed' } });
  expect(result.summary).toMatch(/^## ❌ /);
  expect(result.summary).toMatch(new RegExp(`<td>❌</td><td>${rule}</td>`));
}

/** Not green, and not red: one annotation that is a warning. */
function expectWarned(result: Checked, rule: string, says: RegExp, status = 'warning'): void {
  expect(result.annotations).toEqual([
    { kind: 'warning', title: 'Lifeboat: check is not green', message: expect.stringMatching(says) },
  ]);
  expect(ruleOf(result, rule)).toMatchObject({ status });
  expect(result).toMatchObject({ exitCode: 0, report: { result: 'warning' } });
  expect(result.summary).toMatch(/^## ⚠️ /);
}

function expectGreen(result: Checked): void {
  expect(wrongRules(result)).toEqual([]);
  expect(result.annotations).toEqual([]);
  expect(result).toMatchObject({ exitCode: 0, report: { result: 'passed' } });
  expect(result.summary).toMatch(/^## ✅ /);
}

describe('healthy, in two stores', () => {
  let result: Checked;
  const RULES = ['restore test', 'size', 'rows', 'manifests', 'parts', 'chain', 'keys', 'recipients', 'clock'];

  beforeAll(async () => {
    proxy.reset();
    const options = { env: awsEnvironment(s3) };
    result = await runCheck([store.url, inS3], { ...all, 's3-endpoint': proxy.endpoint }, options);
  });

  test('every rule is green, for each store by itself', () => {
    expectGreen(result);
    for (const url of [store.url, inS3]) {
      const passed = result.results.filter(({ where, status }) => where === `${url}/shop` && status === 'passed');
      expect(passed.map(({ rule }) => rule)).toEqual(['newest backup', ...RULES]);
    }
    expect(result.results.filter(({ rule }) => rule === 'free space').map(({ status }) => status)).toEqual([
      'passed',
      'off',
    ]);
  });

  test('log, summary, outputs and report tell the same', () => {
    expect(result.outputs).toMatchObject({ id: second, report: expect.stringContaining('lifeboat-check-') });
    const listed: { store: string; id: string }[] = JSON.parse(result.outputs.backups ?? '');
    expect(listed.map(({ store, id }) => [store, id])).toEqual([
      [store.url, second],
      [store.url, first],
      [inS3, second],
      [inS3, first],
    ]);
    const [inFolder] = result.report.stores[0]?.sets ?? [];
    expect(inFolder).toMatchObject({ name: 'shop', newest: second, newestProven: first });
    expect(result.summary).toContain(`<tr><td>✅</td><td>rows</td><td>${store.url}/shop</td>`);
    expect(result.log).toMatch(new RegExp(`^ok +rows +${inS3}/shop +${second} has 1,010 rows in 2 tables`, 'm'));
  });

  test('nothing is written, and of parts only the inventories are read', () => {
    const operations = new Set(proxy.requests.map(({ operation }) => operation));
    expect(operations).toEqual(new Set(['ListObjects', 'GetObject', 'HeadObject']));
    const read = proxy.requests.filter(({ path }) => path.endsWith('.gpg')).map(({ path }) => path.split('/').at(-1));
    expect(new Set(read)).toEqual(new Set(['inventory.json.zst.gpg']));
    expect(filesBelow(store.path).filter((file) => file.includes('restore-tests/'))).toHaveLength(2);
  });

  test('no secret is shown', () => {
    const shown = [result.stdout.replace(/^::add-mask::.*$/gm, ''), result.summary, JSON.stringify(result.report)];
    const body = alice.secretKey.split('\n').filter((line) => /^[A-Za-z0-9+/]{40,}/.test(line));
    for (const line of body) expect(shown.join('\n')).not.toContain(line);
  });
});

test('asked for nothing: what can be seen without is looked at, and the rest is listed', async () => {
  const result = await runCheck([store.url]);
  expectGreen(result);
  expect(result.summary).toMatch(/Not asked for: free space \(min-free-space\); size \(max-shrink\); rows \(/);
  expect(result.results.filter(({ status }) => status === 'passed').map(({ rule }) => rule)).toEqual([
    'newest backup',
    'restore test',
    'manifests',
    'parts',
    'chain',
    'clock',
  ]);
});

describe('newest backup', () => {
  test('too old', async () => {
    const result = await runCheck([store.url], { ...all, 'max-age': '0s' });
    expectRed(result, 'newest backup', new RegExp(`${second} is \\d+ min old\\. At most 0 min is allowed`));
  });

  test('none at all', async () => {
    expectRed(await runCheck([newStoreFolder().url], { name: 'shop' }), 'newest backup', /no backup of set shop/);
  });

  test('the name is misspelt: what there is is said', async () => {
    expectRed(
      await runCheck([store.url], { name: 'shpo' }),
      'newest backup',
      /set shpo\. Sets may be: shop\. Correct name/,
    );
  });

  test('of all sets there is none', async () => {
    const result = await runCheck([newStoreFolder().url]);
    expect(errorsOf(result)[0]?.message).toMatch(/There is no backup in file:/);
    expect(result.exitCode).toBe(1);
  });

  test('what was deleted outside, down to the records of prunes, is a set all the same', async () => {
    const emptied = newStoreFolder();
    write(emptied.path, 'shop/pruned/20261121T020000Z-7f3a91c2.json', '{}');
    expectRed(await runCheck([emptied.url]), 'newest backup', /no backup of set shop/);
  });

  test('one that is forged is not the newest', async () => {
    const forged = changed((set) => {
      const file = join(set, second, 'manifest.json');
      writeFileSync(file, `${readFileSync(file, 'utf8')} `);
    });
    const result = await runCheck([forged.url], all);
    expectRed(result, 'manifests', new RegExp(`${second}: its signature is not good: .*Do not use these`));
    expect(result.outputs.id).toBe(first);
    expect(ruleOf(result, 'newest backup').found.join(' ')).toContain('1 newer do not count');
  });

  test('one that is not signed is not the newest', async () => {
    const unsigned = changed((set) => rmSync(join(set, second, 'manifest.json.asc')));
    const result = await runCheck([unsigned.url], all);
    expectRed(result, 'manifests', /is not signed, and an older one is\. Give signing-key/);
    expect(result.outputs.id).toBe(first);
    // Without verification-key nobody demands it.
    expectGreen(await runCheck([unsigned.url], { name: 'shop', ...OBJECTIVES }));
  });

  test('signed by somebody else', async () => {
    const result = await runCheck([store.url], { ...all, 'verification-key': bob.publicKey });
    expectRed(result, 'newest backup', /None of the newest 2 backups is one with a good signature/);
  });

  test('from the future: it is reported, and not the newest', async () => {
    const ahead = makeBackup(makeId(new Date(Date.now() + 48 * HOUR), '0a1b2c3d'));
    const future = changed((set) => {
      for (const [key, bytes] of ahead.files) write(dirname(set), key, bytes);
    });
    const result = await runCheck([future.url], { name: 'shop', ...OBJECTIVES });
    expectWarned(result, 'clock', new RegExp(`Backup ${ahead.id} is from the future\\. Check the clock`));
    expect(result.outputs.id).toBe(second);
  });
});

test('without a name: every set, each by itself', async () => {
  const folder = madeStore([1, 2]);
  const blog = makeBackup(makeId(new Date(Date.now() - 50 * HOUR), '0a1b2c3d'), { set: 'blog' });
  for (const [key, bytes] of blog.files) write(folder.path, key, bytes);
  write(folder.path, 'lost+found/x', 'x');
  write(folder.path, 'photos/x', 'x');
  const result = await runCheck([folder.url], { 'max-age': '26h' });
  expect(
    result.results.filter(({ rule }) => rule === 'newest backup').map(({ where, status }) => [where, status]),
  ).toEqual([
    [`${folder.url}/blog`, 'failed'],
    [`${folder.url}/shop`, 'passed'],
  ]);
  expect(errorsOf(result)).toEqual([
    expect.objectContaining({ message: expect.stringContaining('/blog: newest backup: ') }),
  ]);
  expect(result.outputs.id?.split('\n')).toEqual([blog.id, folder.made[0]?.id]);
});

describe('restore test', () => {
  test('too long ago', async () => {
    const result = await runCheck([store.url], { ...all, 'max-restore-test-age': '0s' });
    expectRed(result, 'restore test', new RegExp(`of ${first}: proven\\. At most 0 min ago is allowed`));
  });

  test('there was none', async () => {
    const untested = changed((set) => rmSync(join(set, first, 'restore-tests'), { recursive: true }));
    expectRed(await runCheck([untested.url], all), 'restore test', /No backup has been tested by restoring it/);
  });

  test('the newest did not pass, though an older one did', async () => {
    const failing = changed((set) => {
      const { manifest, manifestSha256 } = readBackup({ path: dirname(set), url: '' }, 'shop', second);
      const made = { id: second, manifest, manifestSha256, files: new Map() };
      const { key, bytes } = makeRecord(made, 'failed', new Date());
      write(dirname(set), key, bytes);
    });
    const result = await runCheck([failing.url], { name: 'shop', ...OBJECTIVES });
    expectRed(result, 'restore test', new RegExp(`of ${second}: failed\\. .*Read what it found`));
    // Nobody has signed that: it may be a failure that was changed.
    expectRed(await runCheck([failing.url], all), 'restore test', /Does not count: .*it is not signed/);
  });

  /** The record of the first backup, under the name of a later time, or in the folder of the second. */
  test.each<[string, () => string, RegExp]>([
    ['under another time', () => `${first}/restore-tests/29990101T000000Z-0a1b2c3d-proven.json`, /from the future/],
    ['as of another backup', () => `${second}/restore-tests/NAME`, /it names backup/],
  ])('a signed record that was copied does not count: %s', async (_, target, says) => {
    const copied = changed((set) => {
      const folder = join(set, first, 'restore-tests');
      const name = readdirSync(folder).find((file) => file.endsWith('.json')) ?? '';
      const to = target().replace('NAME', name.replace(/-\w{8}-/, '-ffffffff-'));
      for (const end of ['', '.asc']) write(set, to + end, readFileSync(join(folder, name + end)));
    });
    const result = await runCheck([copied.url], all);
    expect(result.annotations).toEqual([expect.objectContaining({ message: expect.stringMatching(says) })]);
    expect(result.report.stores[0]?.sets[0]).toMatchObject({ newestProven: first });
  });
});

describe('size', () => {
  const sized = (newest: number) => madeStore([1, 2, 3, 4], (index) => ({ size: index === 0 ? newest : 10_000 }));
  const inputs = { 'max-shrink': '40%' };

  test('smaller by more than max-shrink', async () => {
    const result = await runCheck([sized(5_000).url], inputs);
    expectRed(result, 'size', /has 5\.0 kB, 50 % less than the median of the 3 before it \(10\.0 kB\)\. Look whether/);
  });

  test('not that much smaller', async () => expectGreen(await runCheck([sized(7_000).url], inputs)));

  test('larger by as much is reported', async () => {
    expectWarned(await runCheck([sized(20_000).url], inputs), 'size', /100 % more than the median/);
  });

  test('the first is beside nothing', async () => {
    expectWarned(await runCheck([madeStore([1]).url], inputs), 'size', /could not be evaluated/, 'not-evaluated');
  });
});

describe('rows', () => {
  let emptied: StoreFolder;

  beforeAll(async () => {
    emptied = changed(() => {});
    const table = JSON.stringify(ODD_TABLE).replaceAll('\\n', '\n');
    await postgres.psql(DATABASE, `delete from orders where n > 400; truncate ${table}; create table fresh (n int)`);
    await backUp({ name: 'shop', store: emptied.url });
  });

  test('tables that have lost more than max-shrink are named, and their names inject nothing', async () => {
    const result = await runCheck([emptied.url], all);
    expectRed(result, 'rows', /public\.orders had 1,000 rows and has 400/);
    expect(ruleOf(result, 'rows').found).toEqual([
      expect.stringContaining('gotcha'),
      'public.orders had 1,000 rows and has 400.',
      expect.stringMatching(/has 400 rows in 3 tables; \S+, the one before, has 1,010 rows in 2 tables/),
      '1 table is new.',
    ]);
    expect(result.summary).not.toMatch(/<b>gotcha|^::error/m);
    expect(result.log).not.toMatch(/^\s*::error/m);
  });

  test('without max-shrink what was emptied is a warning', async () => {
    const { 'max-shrink': _, ...others } = all;
    const result = await runCheck([emptied.url], others);
    expectWarned(result, 'rows', /gotcha.* had 10 rows and has 0/);
    expect(ruleOf(result, 'rows').found.join()).not.toContain('orders had');
  });

  test('a key that opens nothing, or no earlier backup: not evaluated', async () => {
    const locked = await runCheck([store.url], { ...all, 'private-key': bob.secretKey });
    expectWarned(locked, 'rows', /None of the private keys opens it/, 'not-evaluated');
  });

  test('an inventory that is damaged is red', async () => {
    const damaged = changed((set) => {
      const file = join(set, second, 'inventory.json.zst.gpg');
      const bytes = readFileSync(file);
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      writeFileSync(file, bytes);
    });
    expectRed(await runCheck([damaged.url], all), 'rows', /An inventory cannot be read: .*(sha256|changed)/);
  });
});

describe('parts', () => {
  test.each<[string, (file: string) => void, RegExp]>([
    ['missing', (file) => rmSync(file), /data\.dump\.zst\.gpg is missing/],
    ['truncated', (file) => truncateSync(file, 100), /data\.dump\.zst\.gpg has 100 bytes, the manifest says \d+/],
  ])('%s', async (_, change, says) => {
    const damaged = changed((set) => change(join(set, first, 'data.dump.zst.gpg')));
    expectRed(await runCheck([damaged.url], all), 'parts', says);
  });

  test('a last volume that is missing, which no listing shows', async () => {
    const [made] = madeStore([1]).made;
    if (made === undefined) throw new Error('none');
    const [schema, data, inventory] = made.manifest.parts;
    const volume = { key: 'data.dump.zst.gpg.0001', size: 5, sha256: made.manifestSha256, sums: null };
    const parts = [schema, { ...data, volumes: [...(data?.volumes ?? []), volume] }, inventory];
    const totals = { plain: 1002, stored: 1007 };
    const cut = madeStore([1], () => ({ manifest: { parts: parts as typeof made.manifest.parts, totals } }));
    expectRed(await runCheck([cut.url]), 'parts', /data\.dump\.zst\.gpg\.0001 is missing/);
  });
});

const PRUNE = '20261121T020000Z-7f3a91c2';

/** What a prune has written down that deleted the first backup. */
function pruneRecord(manifestSha256: string): PruneRecord {
  return {
    format: 1,
    id: PRUNE,
    name: 'shop',
    command: 'prune',
    started: new Date().toISOString(),
    rules: 'keep-within 7d',
    overruled: [],
    deleted: [{ id: first, manifestSha256, size: 1000, reason: 'kept by none of keep-within 7d' }],
    leftovers: [],
    lifeboat: '0.1.0',
  };
}

describe('chain', () => {
  /** The first backup is gone; `record`: what a prune wrote down. */
  async function withoutFirst(record: object | null, signed: boolean): Promise<StoreFolder> {
    const { manifestSha256 } = readBackup(store, 'shop', first);
    const folder = changed((set) => rmSync(join(set, first), { recursive: true }));
    if (record === null) return folder;
    const bytes = serializePruneRecord({ ...pruneRecord(manifestSha256), ...record });
    write(folder.path, `shop/pruned/${PRUNE}.json`, bytes);
    if (signed) write(folder.path, `shop/pruned/${PRUNE}.json.asc`, await signDetached(bytes, signer.secretKey, null));
    return folder;
  }

  const plain = { name: 'shop' };
  const verified = () => ({ name: 'shop', 'verification-key': signer.publicKey });

  test('one is missing', async () => {
    const result = await runCheck([(await withoutFirst(null, false)).url], plain);
    expectRed(
      result,
      'chain',
      new RegExp(`${first}, which ${second} names .* deleted or rolled back outside Lifeboat`),
    );
  });

  test('a prune has written down that it deleted it', async () => {
    expectGreen(await runCheck([(await withoutFirst({}, false)).url], plain));
    expectGreen(await runCheck([(await withoutFirst({}, true)).url], verified()));
  });

  test.each<[string, object, boolean, RegExp]>([
    ['not signed', {}, false, /does not count: it is not signed/],
    ['of another set', { name: 'blog' }, true, /is the record of another prune/],
    ['of another version', { format: 2 }, true, /is no prune record: format must be 1/],
    ['of another backup', { deleted: [] }, true, /is missing: deleted or rolled back/],
  ])('a record that is %s explains nothing', async (_, record, signed, says) => {
    expectRed(await runCheck([(await withoutFirst(record, signed)).url], verified()), 'chain', says);
  });

  test('made with credentials that may not list: not evaluated, not red', async () => {
    const blind = madeStore([1, 2], (index) =>
      index === 0 ? { previous: null, manifest: { noPrevious: 'cannot-list' } } : {},
    );
    const result = await runCheck([blind.url]);
    expectWarned(result, 'chain', /chain could not be evaluated: 1 of the newest 2 do not tell/, 'not-evaluated');
    expect(result.summary).toContain('<td>⚠️ not evaluated</td><td>chain</td>');
  });
});

describe('keys', () => {
  const signedStore = () => ({ name: 'shop', 'verification-key': signer.publicKey });

  test('a recipient that expires within 30 days', async () => {
    const result = await runCheck([store.url], { ...signedStore(), 'public-key': keys.expiring });
    expect(ruleOf(result, 'keys')).toMatchObject({ status: 'warning' });
    expect(result.annotations[0]?.message).toMatch(
      /keys: public-key: key [0-9A-F]{40} expires on \d{4}-.*quick-set-exp/,
    );
    expect(result.exitCode).toBe(0);
  });

  test.each(['expired', 'expiredSubkey', 'revoked', 'signOnly'] as const)('a recipient that is %s', async (kind) => {
    const result = await runCheck([store.url], { ...signedStore(), 'public-key': keys[kind] });
    expectRed(result, 'keys', /public-key: key [0-9A-F]{40} (has an|has no|is|expired)/);
  });

  test('the key that signed the newest backup expires within 30 days', async () => {
    const { privateKey, publicKey } = await openpgp.generateKey({
      userIDs: [{ email: 'signs@example.com' }],
      type: 'ecc',
      curve: 'curve25519Legacy',
      keyExpirationTime: 10 * 24 * 3600,
    });
    const folder = madeStore([1]);
    const [{ id } = { id: '' }] = folder.made;
    const manifest = join(folder.path, 'shop', id, 'manifest.json');
    writeFileSync(`${manifest}.asc`, await signDetached(readFileSync(manifest), privateKey, null));
    // The one that it follows never ends, and signs no more.
    const result = await runCheck([folder.url], { 'verification-key': `${signer.publicKey}\n${publicKey}` });
    expectWarned(result, 'keys', /signing-key: key [0-9A-F]{40} expires on \d{4}-\d\d-\d\d\. Extend it/);
  });

  test('the newest proven backup was not made for a recipient of now', async () => {
    const result = await runCheck([store.url], { ...all, 'public-key': `${alice.publicKey}\n${bob.publicKey}` });
    expectWarned(result, 'recipients', new RegExp(`${first}, .* was not made for key ${bob.fingerprint}`));
  });
});

test('a disk with less space than is required', async () => {
  const result = await runCheck([store.url], { ...all, 'min-free-space': '900000TiB' });
  expectRed(result, 'free space', /are free\. At least 9\d\d,?\d* ?PB is required\. Free space there/);
});

describe('S3', () => {
  async function objectBytes(Key: string): Promise<Uint8Array> {
    const { Body } = await s3ClientOf(s3).send(new GetObjectCommand({ Bucket: bucket, Key }));
    return (await Body?.transformToByteArray()) ?? Buffer.of();
  }

  const options = () => ({ env: awsEnvironment(s3) });
  const inputs = () => ({ ...all, 's3-endpoint': proxy.endpoint, 'min-free-space': '' });

  test('credentials that may list and not read: age and size are told by names, the rest is not green', async () => {
    proxy.reset();
    proxy.when('GetObject', faults.accessDenied);
    const demands = { name: 'shop', 's3-endpoint': proxy.endpoint, 'max-age': '1h', 'max-shrink': '40%' };
    const result = await runCheck([inS3], demands, options());
    expectWarned(result, 'manifests', /may not be read: S3 GetObject.*AccessDenied.*s3:GetObject/, 'not-evaluated');
    expect(wrongRules(result)).toEqual(['manifests', 'parts', 'chain']);
    expect(ruleOf(result, 'restore test')).toMatchObject({ status: 'passed' });
    expect(result.outputs.id).toBe(second);
    // What must be signed does not count when nobody can look.
    expectRed(await runCheck([inS3], inputs(), options()), 'newest backup', /None of the newest 2 backups/);
  });

  test('a store that fails while it is read is red, and the other one is checked', async () => {
    proxy.reset();
    proxy.when('GetObject', faults.answer(403, 'InvalidObjectState'));
    const result = await runCheck([inS3, store.url], { ...inputs(), 'min-free-space': '1MB' }, options());
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/^s3:\S+: store: .*archive storage class/) }),
    ]);
    expect(result.report.stores.map(({ error, sets }) => [error === null, sets.length])).toEqual([
      [false, 0],
      [true, 1],
    ]);
  });

  test('a prune at this very moment: what is gone since the listing was pruned', async () => {
    const key = `some/prefix/shop/pruned/${PRUNE}.json`;
    const bytes = await objectBytes(`some/prefix/shop/${first}/manifest.json`);
    const record = serializePruneRecord(pruneRecord(sha256(bytes)));
    await s3ClientOf(s3).send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: record }));
    proxy.reset();
    proxy.when(({ path }) => path.endsWith(`${first}/manifest.json`), faults.notFound);
    const result = await runCheck([inS3], { name: 'shop', 's3-endpoint': proxy.endpoint }, options());
    expectGreen(result);
    expect(ruleOf(result, 'chain').found.join(' ')).toContain('1 of them were pruned');
    expect(ruleOf(result, 'restore test')).toMatchObject({ status: 'off' });
  });

  test('a bucket that is not there', async () => {
    proxy.reset();
    const result = await runCheck([`s3://none-${crypto.randomUUID()}`], inputs(), options());
    expectRed(result, 'store', /does not exist\. Correct its name/);
  });
});
