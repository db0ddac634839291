import { rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { RetentionSettings } from '../../../src/commands/prune/inputs.ts';
import { pruneSet } from '../../../src/commands/prune/prune-set.ts';
import type { StoreRetention } from '../../../src/commands/prune/report.ts';
import { makeId } from '../../../src/formats/id.ts';
import { serializeManifest } from '../../../src/formats/manifest.ts';
import { openFileStore } from '../../../src/store/file/store.ts';
import type { Store } from '../../../src/store/store.ts';
import { runCheck } from '../../support/action/run-check.ts';
import { newStoreFolder, type StoreFolder } from '../../support/action/stored-backup.ts';
import { dailyIds, SET, type Special, sampleManifest, storeBackup } from '../../support/data/sample-set.ts';
import { NO_RULES } from '../../support/data/series.ts';
import { makeTestKeys } from '../../support/data/test-keys.ts';
import { recordedRun } from '../../support/run-context.ts';
import { recordedContext } from '../../support/store/context.ts';
import { idsIn, recordKey, sign, wellFormedRecord, write } from './forge.ts';

/* What prune deletes, when an attacker can add objects and has no key, and when backups are damaged. */

const NOW = new Date();
const DAY = 86_400_000;
const keys = await makeTestKeys();
const signedBy = keys.private;

let folder: StoreFolder;
let store: Store;
/** Keys of what was read. */
let read: string[];

beforeEach(() => {
  folder = newStoreFolder();
  store = openFileStore({ path: folder.path, url: folder.url }, recordedContext());
  read = [];
  const original = store.read.bind(store);
  store.read = (key, range) => {
    read.push(key);
    return original(key, range);
  };
});

function prune(
  rules: Partial<RetentionSettings['rules']>,
  more: Partial<RetentionSettings> = {},
): Promise<StoreRetention> {
  const settings = { verificationKeys: keys.public, signing: null, force: false, dryRun: false, ...more };
  return pruneSet(
    { store, name: SET, own: null },
    { ...settings, rules: { ...NO_RULES, ...rules } },
    recordedRun(() => NOW),
  );
}

async function storeAll(ids: string[], special: (index: number) => Special = () => ({ signedBy })): Promise<void> {
  const put = async (key: string, bytes: Uint8Array) => write(folder, key, bytes);
  for (const [index, id] of ids.entries()) await storeBackup(put, id, special(index));
}

function left(ids: string[]): string[] {
  const there = idsIn(folder, SET);
  return ids.filter((id) => there.includes(id));
}

/** A folder that by its names and sizes is a signed backup. */
function addJunk(id: string): void {
  const files = ['schema.dump.zst.gpg', 'data.dump.zst.gpg', 'inventory.json.zst.gpg'];
  for (const file of [...files, 'manifest.json', 'manifest.json.asc']) write(folder, `${SET}/${id}/${file}`, 'x');
}

/** One late on every day, and as many as were read of the newest right behind the newest. */
function addJunkEverywhere(days: number): void {
  for (let age = 1; age <= days; age++) {
    const midnight = Math.floor(NOW.getTime() / DAY) * DAY;
    addJunk(makeId(new Date(midnight - (age - 1) * DAY - 60_000), 'ffffffff'));
  }
  for (let index = 1; index < 30; index++) addJunk(makeId(new Date(NOW.getTime() - index * 1000), 'ffffffff'));
}

function reasonOf({ backups }: StoreRetention, id: string | undefined): string {
  return backups.find((backup) => backup.id === id)?.reasons.join('; ') ?? '';
}

describe('junk that is only added pushes no signed backup out', () => {
  const ids = dailyIds(NOW, 60);

  beforeEach(async () => {
    await storeAll(ids);
    addJunkEverywhere(60);
  });

  test.each<[string, Partial<RetentionSettings['rules']>]>([
    ['keep-daily', { daily: 90 }],
    ['keep-last', { last: 60 }],
    ['keep-within', { within: 60 * DAY }],
    ['keep-daily and keep-monthly', { daily: 60, monthly: 12 }],
  ])('with %s', async (_, rules) => {
    for (const dryRun of [true, false]) {
      const report = await prune(rules, { dryRun });
      expect(report).toMatchObject({ error: null, refusals: [] });
      expect(report.backups.filter(({ decision }) => decision === 'delete')).toEqual([]);
    }
    expect(left(ids)).toEqual(ids);
  });

  test('nor does it make the set so large that a plan passes that deletes more than half', async () => {
    const report = await prune({ last: 20 });
    expect(report).toMatchObject({
      outcome: 'refused',
      refusals: [expect.stringMatching(/^it would delete 40 of 60 backups/)],
    });
    expect(left(ids)).toEqual(ids);
  });

  test('nor does junk that takes no place of another, because all of its days are kept', async () => {
    const older = dailyIds(NOW, 40, 60);
    await storeAll(older);
    const report = await prune({ within: 44 * DAY + DAY / 2 });
    expect(report.refusals).toEqual([expect.stringMatching(/^it would delete 55 of 1\d\d backups/)]);
    expect(left([...ids, ...older])).toEqual([...ids, ...older]);
  });

  test('what the rules delete of the signed ones goes, and the junk stays', async () => {
    const report = await prune({ daily: 50 });
    expect(report).toMatchObject({ outcome: 'applied', refusals: [] });
    expect(left(ids)).toEqual(ids.slice(0, 50));
    expect(idsIn(folder, SET).filter((id) => id.endsWith('ffffffff'))).toHaveLength(89);
  });
});

describe('damage pushes no good backup out', () => {
  const ids = dailyIds(NOW, 40);

  test.each<[string, (id: string) => void]>([
    ['a manifest that cannot be read', (id) => write(folder, `${SET}/${id}/manifest.json`, 'x')],
    ['a volume that was cut off', (id) => truncateSync(join(folder.path, SET, id, 'data.dump.zst.gpg'), 3)],
    [
      'a last volume that is gone',
      (id) => {
        const manifest = sampleManifest(id);
        const [schema, data, inventory] = manifest.parts;
        if (!schema || !data || !inventory) throw new Error('no parts');
        const volume = { key: 'data.dump.zst.gpg.0001', size: 10, sha256: '0'.repeat(64), sums: null };
        const parts = [schema, { ...data, volumes: [...data.volumes, volume] }, inventory];
        const bytes = serializeManifest({ ...manifest, parts, totals: { plain: 30, stored: 40 } });
        write(folder, `${SET}/${id}/manifest.json`, bytes);
      },
    ],
  ])('of one that is older than the newest 30: %s', async (_, damage) => {
    await storeAll(ids, () => ({}));
    damage(ids[33] ?? '');
    const report = await prune({ last: 36 }, { verificationKeys: null });
    expect(left(ids)).toEqual(ids.slice(0, 37));
    expect(report.backups[33]).toMatchObject({ decision: 'ignored' });
    expect(report.backups[36]).toMatchObject({ decision: 'keep', reasons: ['last 36 of 36'] });
  });
});

describe('a claim that cannot be verified still protects', () => {
  const ids = dailyIds(NOW, 8);

  test('unsigned restore tests, a verification-key: the newest backup that they call proven stays', async () => {
    await storeAll(ids, (index) => ({ signedBy, tests: index >= 5 ? [{ verdict: 'proven' }] : [] }));
    const report = await prune({ last: 2 });
    expect(left(ids)).toEqual([ids[0], ids[1], ids[5]]);
    expect(reasonOf(report, ids[5])).toMatch(/restore test.*proven.*not signed.*signing-key/);
    const checked = await runCheck([folder.url], { name: SET, 'verification-key': keys.public });
    expect(checked.report.stores[0]?.sets[0]?.newestProven).toBeNull();
    expect(checked.exitCode).toBe(1);
  });

  test('signed by a former key', async () => {
    const former = await makeTestKeys();
    const tests = [{ verdict: 'proven' as const, signedBy: former.private }];
    await storeAll(ids, (index) => ({ signedBy, tests: index === 6 ? tests : [] }));
    await prune({ last: 2 });
    expect(left(ids)).toEqual([ids[0], ids[1], ids[6]]);
  });

  test('of a backup that does not count it protects nothing, and an older claim does', async () => {
    const tests = [{ verdict: 'proven' as const }];
    await storeAll(ids, (index) => {
      if (index === 4) return { signedBy, tests, without: ['data.dump.zst.gpg'] };
      return { signedBy, tests: index === 7 ? tests : [] };
    });
    await prune({ last: 2 });
    expect(left(ids)).toEqual([ids[0], ids[1], ids[4], ids[7]]);
  });

  test('not once a restore test is verified', async () => {
    const verified = [{ verdict: 'proven' as const, signedBy }];
    const claimed = [{ verdict: 'proven' as const }];
    await storeAll(ids, (index) => ({ signedBy, tests: index === 6 ? verified : index === 4 ? claimed : [] }));
    await prune({ last: 2 });
    expect(left(ids)).toEqual([ids[0], ids[1], ids[6]]);
  });

  test('a verified failure of the same backup takes its claim away', async () => {
    const tests = [{ verdict: 'proven' as const }, { verdict: 'failed' as const, signedBy }];
    await storeAll(ids, (index) => ({ signedBy, tests: index === 4 ? tests : [] }));
    await prune({ last: 2 });
    expect(left(ids)).toEqual(ids.slice(0, 2));
  });
});

test('a record from the future neither proves a backup nor hides that another test failed', async () => {
  const ids = dailyIds(NOW, 6, 1);
  await storeAll(ids, (index) => ({
    signedBy,
    tests: index === 4 ? [{ verdict: 'proven', signedBy }] : index === 3 ? [{ verdict: 'failed', signedBy }] : [],
  }));
  const ahead = new Date(NOW.getTime() + 9e9);
  const key = recordKey(SET, ids[3] ?? '', ahead, 'proven');
  write(folder, key, wellFormedRecord(folder, [SET, ids[3] ?? ''], 'proven', ahead));
  await sign(folder, key, signedBy);
  await prune({ last: 2 });
  expect(left(ids)).toEqual([ids[0], ids[1], ids[4]]);
});

describe('what is read', () => {
  test('the newest 30, what goes, and what stays in its place: not more', async () => {
    const ids = dailyIds(NOW, 400);
    await storeAll(ids, () => ({}));
    const report = await prune({ within: 399 * DAY - DAY / 2 }, { verificationKeys: null, dryRun: true });
    expect(report.backups.filter(({ decision }) => decision === 'delete').map(({ id }) => id)).toEqual(ids.slice(399));
    expect(new Set(read).size).toBe(31);
    read.length = 0;
    await prune({ last: 399 }, { verificationKeys: null, dryRun: true });
    expect(new Set(read).size).toBe(400);
    // Each once, and what goes once more before it is deleted.
    expect(read.length).toBeLessThanOrEqual(401);
  });

  test('nothing but the newest when nothing goes', async () => {
    await storeAll(dailyIds(NOW, 100), () => ({}));
    await prune({ last: 100 }, { verificationKeys: null });
    expect(read).toHaveLength(30);
  });

  test('a backup that is gone since the listing is no error', async () => {
    const ids = dailyIds(NOW, 40);
    await storeAll(ids, () => ({}));
    const original = store.read.bind(store);
    store.read = async (key, range) => {
      rmSync(join(folder.path, SET, ids[39] ?? ''), { recursive: true, force: true });
      return original(key, range);
    };
    await prune({ last: 35 }, { verificationKeys: null });
    expect(left(ids)).toEqual(ids.slice(0, 35));
  });
});
