import { copyFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { RetentionSettings } from '../../../../src/commands/prune/inputs.ts';
import { type OwnBackup, pruneSet } from '../../../../src/commands/prune/prune-set.ts';
import type { StoreRetention } from '../../../../src/commands/prune/report.ts';
import { makeId } from '../../../../src/formats/id.ts';
import { readPruneRecord } from '../../../../src/formats/prune-record.ts';
import { verifyDetached } from '../../../../src/openpgp/verify.ts';
import { openFileStore } from '../../../../src/store/file/store.ts';
import type { Store } from '../../../../src/store/store.ts';
import { filesBelow, newStoreFolder, type StoreFolder } from '../../../support/action/stored-backup.ts';
import {
  dailyIds,
  plainFiles,
  SET,
  type Special,
  sampleManifest,
  storeBackup,
} from '../../../support/data/sample-set.ts';
import { NO_RULES } from '../../../support/data/series.ts';
import { makeTestKeys } from '../../../support/data/test-keys.ts';
import { type RecordedRun, recordedRun } from '../../../support/run-context.ts';
import { recordedContext } from '../../../support/store/context.ts';

const NOW = new Date();
const HOUR = 3_600_000;
const keys = await makeTestKeys();

let folder: StoreFolder;
let store: Store;
let run: RecordedRun;

beforeEach(() => {
  folder = newStoreFolder();
  store = openFileStore({ path: folder.path, url: folder.url }, recordedContext());
  run = recordedRun(() => NOW);
});

/** Without waiting for the disk. */
async function put(key: string, bytes: Uint8Array): Promise<void> {
  const path = join(folder.path, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

const KEEP_TWO: RetentionSettings = {
  rules: { ...NO_RULES, last: 2 },
  verificationKeys: null,
  signing: null,
  force: false,
  dryRun: false,
};

function prune(changed: Partial<RetentionSettings> = {}, own: OwnBackup | null = null): Promise<StoreRetention> {
  return pruneSet({ store, name: SET, own }, { ...KEEP_TWO, ...changed }, run);
}

async function storeAll(ids: string[], special: Record<number, Special> = {}): Promise<void> {
  for (const [index, id] of ids.entries()) await storeBackup(put, id, special[index]);
}

/** The ids of the folders that are left, whole or not, newest first. */
function left(): string[] {
  const ids = filesBelow(join(folder.path, SET)).map((file) => file.split('/')[0] ?? '');
  return [...new Set(ids)].filter((name) => name !== 'pruned').reverse();
}

function decisions({ backups }: StoreRetention): Record<string, string> {
  return Object.fromEntries(backups.map(({ id, decision, reasons }) => [id, `${decision}: ${reasons.join('; ')}`]));
}

/** Makes the files of a folder, or one of them, as old as that. */
function age(hours: number, id: string, file?: string): void {
  const time = new Date(NOW.getTime() - hours * HOUR);
  for (const name of filesBelow(join(folder.path, SET, id))) {
    if (file === undefined || name === file) utimesSync(join(folder.path, SET, id, name), time, time);
  }
}

describe('what no rule keeps', () => {
  test('is written down, and then deleted: what its manifest names and what belongs to it, nothing else', async () => {
    const ids = dailyIds(NOW, 4);
    const [first = '', second = '', third = '', fourth = ''] = ids;
    await storeAll(ids, { 3: { tests: [{ verdict: 'failed' }], foreign: ['notes.txt', 'data.dump.zst.gpg.old'] } });
    const neighbours = ['shop2/x', 'shop/readme', `shop/${fourth}x/manifest.json`];
    for (const key of neighbours) await put(key, Buffer.of());

    const report = await prune();
    expect(report).toMatchObject({ outcome: 'applied', error: null, refusals: [], name: SET, url: folder.url });
    expect(report.backups.map(({ id, decision, deleted }) => [id, decision, deleted])).toEqual([
      [first, 'keep', false],
      [second, 'keep', false],
      [third, 'delete', true],
      [fourth, 'delete', true],
    ]);
    expect(report.backups[3]).toMatchObject({ size: 30, reasons: ['kept by none of keep-last 2'] });
    expect(report.backups[3]?.notes).toEqual([expect.stringMatching(/^kept 2 other objects in its folder/)]);
    const foreign = ['data.dump.zst.gpg.old', 'notes.txt'].map((file) => `shop/${fourth}/${file}`);
    expect(filesBelow(folder.path)).toEqual(
      [...plainFiles(first), ...plainFiles(second), ...foreign, ...neighbours, report.record].sort(),
    );

    const record = readPruneRecord(readFileSync(join(folder.path, report.record ?? '')));
    expect(record).toMatchObject({ format: 1, name: SET, command: 'prune', rules: 'keep-last 2', overruled: [] });
    expect(record.deleted.map(({ id, size, reason }) => [id, size, reason])).toEqual([
      [third, 30, 'kept by none of keep-last 2'],
      [fourth, 30, 'kept by none of keep-last 2'],
    ]);
    for (const { manifestSha256 } of record.deleted) expect(manifestSha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('the second time nothing goes, and nothing is written', async () => {
    await storeAll(dailyIds(NOW, 4));
    await prune();
    const before = filesBelow(folder.path);
    expect(await prune()).toMatchObject({ outcome: 'nothing', record: null });
    expect(filesBelow(folder.path)).toEqual(before);
  });

  test('a dry run changes nothing and says the same', async () => {
    await storeAll(dailyIds(NOW, 4));
    const before = filesBelow(folder.path);
    const planned = await prune({ dryRun: true });
    expect(planned).toMatchObject({ outcome: 'planned', record: null });
    expect(filesBelow(folder.path)).toEqual(before);
    expect(decisions(await prune())).toEqual(decisions(planned));
  });

  test('the record is signed when there is a key', async () => {
    await storeAll(dailyIds(NOW, 3));
    const { record } = await prune({ signing: { key: keys.private, passphrase: null } });
    const [bytes, signature] = [record, `${record}.asc`].map((key) => readFileSync(join(folder.path, key ?? '')));
    expect(await verifyDetached(bytes as Buffer, String(signature), keys.public, NOW)).toBeNull();
  });
});

describe('guards: never deleted', () => {
  test('K1: the newest proven backup, however old; one whose later test failed is not proven', async () => {
    const ids = dailyIds(NOW, 6);
    await storeAll(ids, {
      3: { tests: [{ verdict: 'proven' }, { verdict: 'failed' }] },
      4: { tests: [{ verdict: 'could-not-verify' }, { verdict: 'proven' }] },
      5: { tests: [{ verdict: 'proven' }] },
    });
    const report = await prune();
    expect(left()).toEqual([ids[0], ids[1], ids[4]]);
    expect(decisions(report)[ids[4] ?? '']).toBe('keep: the newest proven one');
  });

  test('K1: with a verification-key records that it did not sign neither prove nor hide', async () => {
    const ids = dailyIds(NOW, 6);
    const signedBy = keys.private;
    const signed = { verdict: 'proven' as const, signedBy };
    await storeAll(ids, {
      0: { signedBy },
      1: { signedBy },
      // Forged, or of another backup.
      2: { signedBy, tests: [{ verdict: 'proven' }, { verdict: 'proven', manifestSha256: '0'.repeat(64), signedBy }] },
      // Really proven; somebody says otherwise, and cannot sign.
      3: { signedBy, tests: [signed, { verdict: 'failed' }] },
      4: { signedBy, tests: [signed] },
      5: { signedBy },
    });
    const report = await prune({ verificationKeys: keys.public });
    expect(report).toMatchObject({ outcome: 'applied' });
    expect(left()).toEqual([ids[0], ids[1], ids[3]]);
    expect(decisions(report)[ids[3] ?? '']).toBe('keep: the newest proven one');
  });

  test('K1: an old record that was signed does not become the newest under another name', async () => {
    const ids = dailyIds(NOW, 4);
    const signedBy = keys.private;
    const tests = [
      { verdict: 'failed' as const, signedBy },
      { verdict: 'proven' as const, signedBy },
    ];
    await storeAll(ids, { 0: { signedBy }, 1: { signedBy }, 2: { signedBy }, 3: { signedBy, tests } });
    const records = join(folder.path, SET, ids[3] ?? '', 'restore-tests');
    const failed = filesBelow(records).find((name) => name.endsWith('-failed.json')) ?? '';
    const later = failed.replace(/^\d{8}/, '29991231');
    for (const end of ['', '.asc']) copyFileSync(join(records, failed + end), join(records, later + end));
    await prune({ verificationKeys: keys.public });
    expect(left()).toEqual([ids[0], ids[1], ids[3]]);
  });

  test('without a key a record that names another manifest proves nothing', async () => {
    const ids = dailyIds(NOW, 4);
    await storeAll(ids, { 3: { tests: [{ verdict: 'proven', manifestSha256: '0'.repeat(64) }] } });
    await prune();
    expect(left()).toEqual([ids[0], ids[1]]);
  });

  test('what is held', async () => {
    const ids = dailyIds(NOW, 4);
    await storeAll(ids, { 3: { held: true } });
    expect(decisions(await prune())[ids[3] ?? '']).toBe('keep: held');
    expect(left()).toEqual([ids[0], ids[1], ids[3]]);
  });

  test('what is held at the last moment', async () => {
    const ids = dailyIds(NOW, 4);
    await storeAll(ids);
    const remove = store.remove.bind(store);
    store.remove = async (key) => {
      if (key.startsWith(`shop/${ids[3]}/`)) await put(`shop/${ids[2]}/hold.json`, Buffer.of());
      await remove(key);
    };
    const report = await prune();
    expect(left()).toEqual([ids[0], ids[1], ids[2]]);
    expect(decisions(report)[ids[2] ?? '']).toBe('keep: held');
  });

  test('from the future: they stay and stand for no other', async () => {
    const ids = [makeId(new Date(NOW.getTime() + 9e9), '0a1b2c3d'), ...dailyIds(NOW, 3)];
    await storeAll(ids);
    expect(decisions(await prune())[ids[0] ?? '']).toMatch(/^ignored: from the future/);
    expect(left()).toEqual(ids.slice(0, 3));
  });
});

describe('K1: what is no good backup counts for nothing, and is not deleted', () => {
  const other = { ...sampleManifest('20200101T000000Z-0a1b2c3d') };

  test.each<[string, Special, RegExp]>([
    ['a volume is missing', { without: ['data.dump.zst.gpg'] }, /not complete: data.dump.zst.gpg missing/],
    [
      'a manifest that cannot be read',
      { manifest: '{"format": 1}' },
      /is not the manifest of backup .*id must be text/,
    ],
    ['a manifest of another backup', { manifest: JSON.stringify(other) }, /it names backup "20200101T000000Z/],
    ['a last volume is missing', { foreign: ['data.dump.zst.gpg.0001'] }, /its parts are not those of its manifest/],
  ])('%s', async (_, special, why) => {
    const ids = dailyIds(NOW, 4);
    await storeAll(ids, { 0: special });
    const report = await prune();
    expect(decisions(report)[ids[0] ?? '']).toMatch(why);
    expect(left()).toEqual(ids.slice(0, 3));
    expect(decisions(report)[ids[1] ?? '']).toMatch(/^keep: last 1 of 2/);
  });

  test('with a verification-key: what is not signed, or by another', async () => {
    const ids = dailyIds(NOW, 6);
    const signed = { signedBy: keys.private };
    await storeAll(ids, { 1: signed, 2: signed, 3: signed, 4: signed, 5: signed });
    // A manifest that is not the one that was signed, and what is no signature at all.
    await put(`shop/${ids[1]}/manifest.json`, Buffer.from(JSON.stringify(sampleManifest(ids[1] ?? ''))));
    await put(`shop/${ids[2]}/manifest.json.asc`, Buffer.from('x'));
    const report = await prune({ verificationKeys: keys.public });
    const found = decisions(report);
    expect(found[ids[0] ?? '']).toBe('ignored: not signed');
    expect(found[ids[1] ?? '']).toMatch(/^ignored: its manifest does not count: /);
    expect(found[ids[2] ?? '']).toMatch(/^ignored: its manifest does not count: /);
    expect(left()).toEqual(ids.slice(0, 5));
  });

  test('an old one that is found bad only when it would go', async () => {
    const ids = dailyIds(NOW, 34);
    await storeAll(ids, { 32: { manifest: 'x' } });
    const report = await prune({ force: true });
    expect(decisions(report)[ids[32] ?? '']).toMatch(/^keep: shop\/.*it is not JSON/);
    expect(left()).toEqual([ids[0], ids[1], ids[32]]);
  });

  test('the newest good one is found though the newest 30 are bad', async () => {
    const ids = dailyIds(NOW, 35);
    await storeAll(ids, Object.fromEntries(ids.slice(0, 31).map((_, index) => [index, { manifest: 'x' }])));
    const report = await prune();
    expect(report.backups.filter(({ decision }) => decision === 'ignored')).toHaveLength(31);
    expect(left()).toEqual(ids.slice(0, 33));
  });
});

describe('guards: not applied', () => {
  test('a plan that deletes more than half; with force it is', async () => {
    const ids = dailyIds(NOW, 14);
    await storeAll(ids);
    const refused = await prune();
    expect(refused).toMatchObject({ outcome: 'refused', record: null });
    expect(refused.refusals).toEqual([expect.stringMatching(/^it would delete 12 of 14 backups/)]);
    expect(left()).toEqual(ids);
    const forced = await prune({ force: true });
    expect(forced).toMatchObject({ outcome: 'applied', refusals: refused.refusals });
    expect(left()).toEqual(ids.slice(0, 2));
    const { overruled } = readPruneRecord(readFileSync(join(folder.path, forced.record ?? '')));
    expect(overruled).toEqual(refused.refusals);
  });

  test('force overrules neither hold nor proof nor the newest', async () => {
    const ids = dailyIds(NOW, 16);
    await storeAll(ids, { 14: { held: true }, 15: { tests: [{ verdict: 'proven' }] } });
    await prune({ force: true });
    expect(left()).toEqual([ids[0], ids[1], ids[14], ids[15]]);
  });

  test('K2: a machine that believes in 2038, after it has made a backup', async () => {
    await storeAll(dailyIds(NOW, 6));
    const later = new Date('2038-01-19T03:14:07Z');
    run = recordedRun(() => later);
    const own = makeId(later, '0a1b2c3d');
    await storeBackup(put, own);
    const rules = { ...NO_RULES, within: 30 * 24 * HOUR };
    const report = await prune({ rules }, { id: own, isStored: true });
    expect(report).toMatchObject({ outcome: 'refused' });
    expect(report.refusals).toEqual([expect.stringMatching(/^this machine's clock says 2038-01-19T03:14:07.000Z/)]);
    expect(left()).toHaveLength(7);
  });

  test('K2: a machine whose clock went back', async () => {
    const ids = dailyIds(NOW, 4);
    await storeAll(ids);
    run = recordedRun(() => new Date(NOW.getTime() - 4 * 24 * HOUR));
    expect(await prune()).toMatchObject({
      outcome: 'refused',
      refusals: [expect.stringMatching(/in the store "shop\/.*" is of 20/)],
    });
    expect(left()).toEqual(ids);
  });

  test('S10: a listing that does not show the backup of this run', async () => {
    const ids = dailyIds(NOW, 4);
    await storeAll(ids);
    const own = { id: makeId(NOW, 'ffffffff'), isStored: true };
    const report = await prune({}, own);
    expect(report.refusals).toEqual([`the store does not list the backup of this run yet, ${own.id}`]);
    expect(left()).toEqual(ids);
  });

  test('a backup of this run that does not count', async () => {
    const ids = dailyIds(NOW, 4);
    await storeAll(ids, Object.fromEntries(ids.slice(1).map((_, index) => [index + 1, { signedBy: keys.private }])));
    const own = { id: ids[0] ?? '', isStored: true };
    const report = await prune({ verificationKeys: keys.public }, own);
    expect(report.refusals).toEqual(['the backup of this run does not count: not signed']);
    expect(left()).toEqual(ids);
  });
});

test('S14: what is billed all the same is said of a backup that goes', async () => {
  const ids = dailyIds(NOW, 3);
  await storeAll(ids);
  const list = store.list.bind(store);
  store.list = async function* (prefix) {
    for await (const object of list(prefix)) yield { ...object, storageClass: 'GLACIER_IR' };
  };
  const { backups } = await prune({ dryRun: true });
  const end = new Date(NOW.getTime() + 90 * 24 * HOUR).toISOString().slice(0, 10);
  expect(backups.map(({ notes }) => notes)).toEqual([[], [], [`still billed until ${end}, by its storage class`]]);
});

test('a set in which nothing counts is an error, or it would grow for ever: the key may be the wrong one', async () => {
  const ids = dailyIds(NOW, 3);
  await storeAll(ids);
  const report = await prune({ verificationKeys: keys.public });
  expect(report).toMatchObject({
    outcome: 'failed',
    error: `None of the 3 backups of set "shop" in ${folder.url} counts. The newest, ${ids[0]}: not signed.`,
  });
  expect(left()).toEqual(ids);
});

test('a set that has no backups is an error: its name may be misspelt', async () => {
  await storeAll(dailyIds(NOW, 1));
  const report = await pruneSet({ store, name: 'shpo', own: null }, KEEP_TWO, run);
  expect(report).toMatchObject({
    outcome: 'failed',
    error: expect.stringMatching(/no backups of set "shpo".*Correct "name" or "store"/),
  });
});

describe('K4: leftovers', () => {
  const begun = makeId(new Date(NOW.getTime() - 50 * HOUR), 'bbbbbbbb');
  const WITHOUT_MANIFEST: Special = { without: ['manifest.json'] };

  beforeEach(async () => {
    await storeAll(dailyIds(NOW, 2));
  });

  test('of a killed run: gone once nothing was written to it for a day', async () => {
    await storeBackup(put, begun, WITHOUT_MANIFEST);
    age(23, begun);
    expect((await prune()).leftovers).toEqual([
      expect.objectContaining({ id: begun, deleted: false, whyNot: expect.stringContaining('a run may be under way') }),
    ]);
    age(25, begun);
    expect((await prune({ dryRun: true })).leftovers).toEqual([
      expect.objectContaining({ id: begun, deleted: false, whyNot: null }),
    ]);
    expect(left()).toContain(begun);
    const report = await prune();
    expect(report).toMatchObject({ outcome: 'applied', leftovers: [{ id: begun, size: 30, deleted: true }] });
    expect(left()).not.toContain(begun);
    const record = readPruneRecord(readFileSync(join(folder.path, report.record ?? '')));
    expect(record).toMatchObject({ deleted: [], leftovers: [{ id: begun, files: expect.any(Array) }] });
    expect(record.leftovers[0]?.files).toHaveLength(3);
  });

  test('not while a file is being written', async () => {
    await storeBackup(put, begun, WITHOUT_MANIFEST);
    age(25, begun);
    const upload = await store.create(`shop/${begun}/data.dump.zst.gpg.0001`);
    await upload.write(Buffer.from('x'));
    expect((await prune()).leftovers).toMatchObject([{ deleted: false, whyNot: expect.stringContaining('24 h') }]);
    await upload.abort();
  });

  test('not one that holds a record, a signature, a hold or a file that is not ours', async () => {
    const folders = ['bbbbbbb1', 'bbbbbbb2', 'bbbbbbb3', 'bbbbbbb4'].map((tail) => makeId(NOW, tail));
    const special: Special[] = [
      { tests: [{ verdict: 'proven' }] },
      { signedBy: keys.private },
      { held: true },
      { foreign: ['notes.txt'] },
    ];
    for (const [index, id] of folders.entries()) {
      await storeBackup(put, id, { ...special[index], ...WITHOUT_MANIFEST });
      age(100, id);
    }
    const { leftovers } = await prune();
    expect(leftovers.map(({ id, whyNot }) => [id, /^it holds /.test(whyNot ?? '')]).sort()).toEqual(
      folders.map((id) => [id, true]),
    );
    expect(left()).toEqual(expect.arrayContaining(folders));
  });

  test("not this run's own", async () => {
    const own = makeId(NOW, 'ffffffff');
    await storeBackup(put, own, WITHOUT_MANIFEST);
    age(100, own);
    expect((await prune({}, { id: own, isStored: false })).leftovers).toEqual([]);
  });

  test("only the store's dates tell an age: a clock that is two days ahead sweeps nothing", async () => {
    await storeBackup(put, begun, WITHOUT_MANIFEST);
    run = recordedRun(() => new Date(NOW.getTime() + 48 * HOUR));
    expect((await prune()).leftovers).toMatchObject([{ deleted: false, whyNot: expect.stringContaining('24 h') }]);
  });

  test('a prune that was interrupted is carried to its end by a later one, and only for what it had written down', async () => {
    const [goes = '', untouched = ''] = dailyIds(NOW, 2, 5);
    await storeAll(dailyIds(NOW, 2), { 0: { signedBy: keys.private }, 1: { signedBy: keys.private } });
    await storeBackup(put, goes, { signedBy: keys.private, tests: [{ verdict: 'failed', signedBy: keys.private }] });
    const remove = store.remove.bind(store);
    store.remove = async (key) => {
      if (key.includes('restore-tests')) run.cancel();
      if (run.signal.aborted) throw new Error('killed');
      await remove(key);
    };
    expect(await prune()).toMatchObject({ outcome: 'failed', backups: { 2: { id: goes, deleted: true } } });
    store.remove = remove;
    run = recordedRun(() => NOW);
    await storeBackup(put, untouched, { ...WITHOUT_MANIFEST, tests: [{ verdict: 'failed' }] });
    for (const id of [goes, untouched]) age(30, id);
    expect(left()).toContain(goes);
    // Without its signature the record of that prune is not believed.
    expect(
      (await prune({ verificationKeys: keys.public, dryRun: true })).leftovers.map(({ whyNot }) => whyNot),
    ).toEqual([expect.stringMatching(/^it holds /), expect.stringMatching(/^it holds /)]);
    expect((await prune()).leftovers).toMatchObject([
      { id: goes, deleted: true },
      { id: untouched, deleted: false },
    ]);
    expect(left()).toEqual([...dailyIds(NOW, 2), untouched]);
  });
});

test('A2: cancelled between two backups: the rest stays, and it says so', async () => {
  const ids = dailyIds(NOW, 5);
  await storeAll(ids);
  const remove = store.remove.bind(store);
  store.remove = async (key) => {
    await remove(key);
    if (key.endsWith('/inventory.json.zst.gpg')) run.cancel();
  };
  const report = await prune();
  expect(report).toMatchObject({ outcome: 'failed', error: expect.stringContaining('cancelled') });
  expect(report.backups.map(({ deleted }) => deleted)).toEqual([false, false, false, false, true]);
  expect(left()).toEqual(ids.slice(0, 4));
});
