import { describe, expect, test } from '@jest/globals';
import { clock } from '../../../../src/formats/health/clock.ts';
import { judgeSet } from '../../../../src/formats/health/examine.ts';
import type { ScannedBackup, SetFacts } from '../../../../src/formats/health/facts.ts';
import { freeSpace } from '../../../../src/formats/health/free-space.ts';
import { keys } from '../../../../src/formats/health/keys.ts';
import { manifests } from '../../../../src/formats/health/manifests.ts';
import { newestBackup } from '../../../../src/formats/health/newest-backup.ts';
import { parts } from '../../../../src/formats/health/parts.ts';
import { recipients } from '../../../../src/formats/health/recipients.ts';
import { restoreTest } from '../../../../src/formats/health/restore-test.ts';
import type {
  Outcome,
  RecipientFacts,
  Requirements,
  Rule,
  SigningKeyFacts,
} from '../../../../src/formats/health/rule.ts';
import { median, size } from '../../../../src/formats/health/size.ts';
import { makeId } from '../../../../src/formats/id.ts';
import type { ListedTest } from '../../../../src/formats/listing.ts';
import type { Verdict } from '../../../../src/formats/restore-test/record.ts';
import type { ManifestState } from '../../../../src/formats/state.ts';
import { factsOf, hoursAgo, idOf, madeBackups, NOTHING_ASKED, NOW } from './facts.ts';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
const DENIED: ManifestState = { kind: 'denied', why: 'AccessDenied.' };
const UNSIGNED: ManifestState = { kind: 'unsigned' };
const FORGED: ManifestState = { kind: 'invalid', what: 'content', why: 'its signature is not good.' };

function judge<F>(rule: Rule<F>, facts: F, demands: Partial<Requirements> = {}): Outcome {
  return rule.judge(facts, { ...NOTHING_ASKED, ...demands }, NOW);
}

/** Status and all words in one line. */
function told({ status, found, next }: Outcome): string {
  return `${status}: ${[...found, next ?? ''].join(' ')}`;
}

describe('newest backup', () => {
  test.each([
    [1, 'passed'],
    [26, 'passed'],
    [27, 'failed'],
  ])('%d hours old, 26 are allowed: %s', (age, status) => {
    expect(judge(newestBackup, factsOf(madeBackups([age, 50])), { maxAge: 26 * HOUR })).toMatchObject({ status });
  });

  test('its age is said, and what was demanded', () => {
    expect(told(judge(newestBackup, factsOf(madeBackups([27])), { maxAge: 26 * HOUR }))).toMatch(
      /^failed: \S+ is 27 h 0 min old\. At most 26 h 0 min is allowed\. Look at the last runs of the backup/,
    );
    expect(told(judge(newestBackup, factsOf(madeBackups([900]))))).toMatch(/^passed: \S+ is 37 d 12 h old/);
  });

  test('none at all is red, whatever was demanded', () => {
    expect(told(judge(newestBackup, factsOf([])))).toMatch(/^failed: There is no backup of set shop\. Look at/);
    expect(told(judge(newestBackup, factsOf([], {}, { otherSets: ['shop-production'] })))).toMatch(
      /^failed: .* Sets may be: shop-production\. Correct name/,
    );
  });

  test('what was begun and never committed is none, and is said', () => {
    const [begun] = madeBackups([1]);
    for (const key of [...(begun?.files.keys() ?? [])]) if (key.endsWith('manifest.json')) begun?.files.delete(key);
    const facts = factsOf(begun ? [begun] : []);
    expect(told(judge(newestBackup, { ...facts, newest: [] }))).toMatch(
      /^failed: .* 1 were begun and have no manifest/,
    );
  });

  test.each<[string, ManifestState, Partial<Requirements>, string | RegExp]>([
    ['forged', FORGED, { signed: true }, 'failed'],
    ['not signed', UNSIGNED, { signed: true }, 'failed'],
    ['no manifest of this backup', FORGED, {}, 'failed'],
    ['not to be read, and to be signed', DENIED, { signed: true }, 'failed'],
    ['not to be read: its name tells its age', DENIED, {}, 'passed'],
  ])('that is %s', (_, state, demands, status) => {
    const facts = factsOf(madeBackups([1, 30]), { [idOf(1)]: state });
    expect(judge(newestBackup, facts, { ...demands, maxAge: 26 * HOUR })).toMatchObject({ status });
  });

  test('one that lost a part does not count, nor does one of another size', () => {
    const [newest, before] = madeBackups([1, 30]);
    if (!newest || !before) throw new Error('none');
    newest.files.set(`shop/${newest.id}/data.dump.zst.gpg`, Buffer.alloc(999));
    expect(told(judge(newestBackup, factsOf([newest, before]), { maxAge: 26 * HOUR }))).toMatch(
      /^failed: \S+ is 30 h 0 min old\. 1 newer do not count/,
    );
    newest.files.delete(`shop/${newest.id}/data.dump.zst.gpg`);
    expect(told(judge(newestBackup, factsOf([newest]), {}))).toMatch(/^failed: The only backup is not one that/);
  });
});

describe('restore test', () => {
  const of = (hours: number, verdict: Verdict): Partial<SetFacts> => {
    const newest: ListedTest = {
      id: idOf(1),
      file: 'restore-tests/x.json',
      verdict,
      time: hoursAgo(hours).toISOString(),
    };
    return { tests: { newest, uncounted: [], fromFuture: [] } };
  };

  test.each<[Verdict, number, number | null, string]>([
    ['proven', 1, null, 'passed'],
    ['proven', 24, DAY, 'passed'],
    ['proven', 25, DAY, 'failed'],
    ['failed', 1, null, 'failed'],
    ['failed', 1, DAY, 'failed'],
    ['could-not-verify', 1, DAY, 'failed'],
  ])('%s, %d h ago, at most %p ms: %s', (verdict, hours, maxRestoreTestAge, status) => {
    const facts = factsOf(madeBackups([1]), {}, of(hours, verdict));
    expect(judge(restoreTest, facts, { maxRestoreTestAge })).toMatchObject({ status });
  });

  test('none: red when one is required, else it says which input requires it', () => {
    const facts = factsOf(madeBackups([1]));
    expect(told(judge(restoreTest, facts, { maxRestoreTestAge: DAY }))).toMatch(/^failed: No backup has been tested/);
    expect(judge(restoreTest, facts)).toMatchObject({ status: 'off' });
  });

  test('a newer record that does not count is said; it is red where records are signed, and alone', () => {
    const uncounted = ['x.json: it is not signed.'];
    const good = factsOf(madeBackups([1]), {}, of(1, 'proven'));
    const facts = { ...good, tests: { ...good.tests, uncounted } };
    const failed = judge(restoreTest, facts, { signed: true });
    expect(told(failed)).toMatch(/^failed: Does not count: x.json: it is not signed\. .*proven\. Give signing-key/);
    expect(told(judge(restoreTest, facts))).toMatch(/^warning: Does not count: x.json: .*proven\. Find out who wrote/);
    const alone = judge(restoreTest, factsOf([], {}, { tests: { newest: null, uncounted, fromFuture: [] } }));
    expect(told(alone)).toMatch(/^failed: Does not count: x.json/);
  });
});

describe('size', () => {
  /** The newest first. */
  const sized = (...sizes: number[]) =>
    factsOf(
      madeBackups(
        sizes.map((_, index) => index + 1),
        (index) => ({ size: (sizes[index] ?? 0) - 2 }),
      ),
    );

  test.each([
    [600, 'passed'],
    [599, 'failed'],
    [1000, 'passed'],
    [1400, 'passed'],
    [1401, 'warning'],
  ])('%d beside a median of 1000, 40 %%: %s', (newest, status) => {
    expect(judge(size, sized(newest, 1000, 500, 3000), { maxShrink: 40 })).toMatchObject({ status });
  });

  test('the median of the ten before it: what is older does not count, and one odd one does no harm', () => {
    const before = [...Array(9).fill(1000), 5, ...Array(15).fill(1_000_000)];
    expect(told(judge(size, sized(900, ...before), { maxShrink: 40 }))).toMatch(
      /^passed: \S+ has 900 B, 10 % less than the median of the 10 before it \(1.0 kB\)/,
    );
  });

  test('a part of the digits is no shrinking', () => {
    expect(judge(size, sized(70, 100), { maxShrink: 30 })).toMatchObject({ status: 'passed' });
    expect(judge(size, sized(57, 100), { maxShrink: 43 })).toMatchObject({ status: 'passed' });
  });

  test('the first backup is beside nothing', () => {
    expect(judge(size, sized(1000), { maxShrink: 40 })).toMatchObject({ status: 'not-evaluated' });
    expect(judge(size, sized(1000))).toMatchObject({ status: 'off' });
  });

  test('those that do not count are not compared with', () => {
    const facts = factsOf(
      madeBackups([1, 2, 3], (index) => ({ size: index === 1 ? 100_000 : 1000 })),
      { [idOf(2)]: FORGED },
    );
    expect(told(judge(size, facts, { maxShrink: 40 }))).toMatch(/^passed: .* as much as the median of the 1 before it/);
  });

  test.each([
    [[], 0],
    [[5], 5],
    [[9, 1], 5],
    [[9, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
  ])('the median of %j is %d', (numbers, expected) => {
    expect(median(numbers)).toBe(expected);
  });
});

describe('manifests', () => {
  const made = madeBackups([1, 2, 3]);
  const signed = { signed: true };

  test('all good', () => {
    expect(told(judge(manifests, factsOf(made)))).toBe(
      'passed: 3 read; who made them is not known without verification-key. ',
    );
    expect(told(judge(manifests, factsOf(made), signed))).toBe('passed: 3 read, each with a good signature. ');
  });

  test('a bad one is red', () => {
    expect(told(judge(manifests, factsOf(made, { [idOf(2)]: FORGED }), signed))).toMatch(
      new RegExp(`^failed: ${idOf(2)}: its signature is not good\\. Do not use these`),
    );
  });

  test('not signed: red when an older one is signed, for signing was not begun since', () => {
    expect(told(judge(manifests, factsOf(made, { [idOf(1)]: UNSIGNED }), signed))).toMatch(
      /^failed: \S+ is not signed, and an older one is/,
    );
    expect(told(judge(manifests, factsOf(made, { [idOf(3)]: UNSIGNED }), signed))).toMatch(
      /^warning: 1 of the newest 3 are not signed, and do not count/,
    );
    const none = Object.fromEntries([1, 2, 3].map((age) => [idOf(age), UNSIGNED]));
    expect(judge(manifests, factsOf(made, none), signed)).toMatchObject({ status: 'failed' });
  });

  test('not to be read', () => {
    expect(told(judge(manifests, factsOf(made, { [idOf(2)]: DENIED })))).toMatch(
      /^not-evaluated: 1 of the newest 3 may not be read: AccessDenied\. Give credentials/,
    );
  });
});

describe('parts', () => {
  test('all there', () => {
    expect(told(judge(parts, factsOf(madeBackups([1, 2]))))).toMatch(/^passed: 6 files of 2 backups/);
  });

  test.each<[string, (files: Map<string, Buffer>, key: string) => void, RegExp]>([
    ['missing', (files, key) => files.delete(key), /data\.dump\.zst\.gpg is missing/],
    ['empty', (files, key) => files.set(key, Buffer.of()), /data\.dump\.zst\.gpg is missing/],
    ['shorter', (files, key) => files.set(key, Buffer.alloc(999)), /has 999 bytes, the manifest says 1000/],
    ['longer', (files, key) => files.set(key, Buffer.alloc(1001)), /has 1001 bytes, the manifest says 1000/],
  ])('one %s', (_, change, says) => {
    const made = madeBackups([1, 2]);
    change(made[1]?.files ?? new Map(), `shop/${idOf(2)}/data.dump.zst.gpg`);
    const outcome = judge(parts, factsOf(made));
    expect(told(outcome)).toMatch(new RegExp(`^failed: ${idOf(2)}: .*Do not use these`));
    expect(told(outcome)).toMatch(says);
  });

  test.each<[string, (files: Map<string, Buffer>, key: string) => void, RegExp]>([
    ['missing', (files, key) => files.delete(key), /data\.sums is missing or empty/],
    ['cut', (files, key) => files.set(key, Buffer.alloc(31)), /data\.sums has 31 bytes, the manifest says 32/],
  ])('a side object that is %s', (_, change, says) => {
    const made = madeBackups([1, 2], () => ({ sideObjects: true }));
    expect(told(judge(parts, factsOf(made)))).toMatch(/^passed: 10 files of 2 backups/);
    change(made[1]?.files ?? new Map(), `shop/${idOf(2)}/data.sums`);
    expect(told(judge(parts, factsOf(made)))).toMatch(says);
  });

  test('of the newest proven one too, however old it is', () => {
    const [old] = factsOf(madeBackups([2000])).newest;
    const facts = factsOf(madeBackups([1]), {}, { proven: { ...(old as ScannedBackup), files: [] } });
    expect(told(judge(parts, facts))).toMatch(new RegExp(`^failed: ${idOf(2000)}: schema.dump.zst.gpg is missing`));
  });

  test('a manifest that may not be read: what the names tell is told, and it is not green', () => {
    const made = madeBackups([1]);
    expect(judge(parts, factsOf(made, { [idOf(1)]: DENIED }))).toMatchObject({ status: 'not-evaluated' });
    made[0]?.files.delete(`shop/${idOf(1)}/data.dump.zst.gpg`);
    expect(judge(parts, factsOf(made, { [idOf(1)]: DENIED }))).toMatchObject({ status: 'failed' });
  });
});

describe('keys', () => {
  const inDays = (days: number) => new Date(NOW.getTime() + days * DAY).toISOString();
  const recipient = (expires: string | null, problem: string | null = null): RecipientFacts => ({
    name: 'key ABC',
    problem,
    expires,
    subkey: 'AB',
  });
  const signer = (keyId: string, expires: string | null): SigningKeyFacts => ({ name: `key ${keyId}`, keyId, expires });
  const signedBy = (keyId: string): SetFacts => {
    const facts = factsOf(madeBackups([1]));
    const [newest] = facts.newest;
    if (newest?.manifest.kind !== 'good') throw new Error('not good');
    return { ...facts, newest: [{ ...newest, manifest: { ...newest.manifest, signer: keyId } }] };
  };

  test.each([
    [null, 'passed', /does not expire/],
    [31, 'passed', /is good until 2026-12-22/],
    [29, 'warning', /expires on 2026-12-20.*quick-set-expire/],
    [-1, 'failed', /expired on 2026-11-20.*quick-set-expire/],
  ])('a recipient that ends in %p days: %s', (days, status, says) => {
    const outcome = judge(keys, factsOf(madeBackups([1])), {
      recipients: [recipient(days === null ? null : inDays(days))],
    });
    expect(outcome).toMatchObject({ status });
    expect(told(outcome)).toMatch(says);
  });

  test('a recipient that cannot be used', () => {
    const demands = { recipients: [recipient(null), recipient(null, 'is revoked.')] };
    expect(told(judge(keys, factsOf(madeBackups([1])), demands))).toMatch(/^failed: public-key: key ABC is revoked\./);
  });

  test('of the keys that may have signed, the one counts that does', () => {
    const signers = [signer('aa', inDays(-1000)), signer('bb', inDays(100)), signer('cc', inDays(10))];
    expect(judge(keys, signedBy('bb'), { signers })).toMatchObject({ status: 'passed' });
    expect(told(judge(keys, signedBy('cc'), { signers }))).toMatch(
      /^warning: signing-key: key cc expires on 2026-12-01/,
    );
    expect(judge(keys, signedBy('aa'), { signers })).toMatchObject({ status: 'failed' });
    expect(judge(keys, signedBy('dd'), { signers })).toMatchObject({ status: 'not-evaluated' });
  });

  test('the worst of several is the result', () => {
    const demands = { recipients: [recipient(null), recipient(inDays(5))], signers: [signer('bb', null)] };
    expect(judge(keys, signedBy('bb'), demands)).toMatchObject({ status: 'warning' });
    expect(judge(keys, signedBy('bb'), demands).found).toHaveLength(3);
  });

  test('nobody asked', () => {
    expect(judge(keys, factsOf(madeBackups([1])))).toMatchObject({ status: 'off' });
  });
});

describe('recipients', () => {
  const asked = (...subkeys: string[]): Partial<Requirements> => ({
    recipients: subkeys.map((subkey) => ({ name: `key of ${subkey}`, problem: null, expires: null, subkey })),
  });
  const provenFor = (...recipients: string[]): SetFacts => {
    const facts = factsOf(madeBackups([1], () => ({ manifest: { encryption: { kind: 'public-key', recipients } } })));
    return { ...facts, proven: facts.newest[0] ?? null };
  };

  test('the present ones are among those that it was made for', () => {
    expect(judge(recipients, provenFor('AA', 'BB'), asked('BB'))).toMatchObject({ status: 'passed' });
    expect(told(judge(recipients, provenFor('AA'), asked('AA', 'BB')))).toMatch(
      /^warning: \S+, the newest proven one, was not made for key of BB\. Run restore-test/,
    );
  });

  test('made with a passphrase', () => {
    const facts = factsOf(madeBackups([1]));
    const proven = facts.newest[0] ?? null;
    expect(told(judge(recipients, { ...facts, proven }, asked('AA')))).toMatch(/^warning: .* with a passphrase/);
  });

  test('none is proven: not looked at', () => {
    expect(judge(recipients, factsOf(madeBackups([1])), asked('AA'))).toMatchObject({ status: 'not-evaluated' });
    expect(judge(recipients, factsOf(madeBackups([1])))).toMatchObject({ status: 'off' });
  });
});

test('clock: what is from the future is named', () => {
  const future = makeId(new Date(NOW.getTime() + 2 * HOUR), '0a1b2c3d');
  expect(judge(clock, factsOf(madeBackups([1])))).toMatchObject({ status: 'passed' });
  expect(told(judge(clock, factsOf(madeBackups([-2, 1]))))).toMatch(
    new RegExp(`^warning: Backup ${future} is from the future\\. Check the clock`),
  );
  const facts = factsOf(madeBackups([1]), {}, { tests: { newest: null, uncounted: [], fromFuture: [idOf(1)] } });
  expect(told(judge(clock, facts))).toMatch(/^warning: A restore test of \S+ is from the future/);
});

test.each([
  [{ bytes: 500 }, 500, 'passed'],
  [{ bytes: 499 }, 500, 'failed'],
  [{ bytes: null }, 500, 'off'],
  [{ problem: 'statfs failed' }, 500, 'not-evaluated'],
  [{ bytes: 0 }, null, 'off'],
])('free space: %j of %p: %s', (space, minFreeSpace, status) => {
  expect(judge(freeSpace, { freeSpace: space }, { minFreeSpace })).toMatchObject({ status });
});

test('of a set without backups only that is said', () => {
  const results = judgeSet(factsOf([]), { ...NOTHING_ASKED, maxAge: HOUR, maxShrink: 40 }, NOW);
  expect(results.map(({ rule, status }) => [rule, status])).toEqual([
    ['newest backup', 'failed'],
    ['clock', 'passed'],
  ]);
});
