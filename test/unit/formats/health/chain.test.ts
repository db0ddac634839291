import { describe, expect, test } from '@jest/globals';
import { brokenLinks, chain } from '../../../../src/formats/health/chain.ts';
import type { ChainFacts } from '../../../../src/formats/health/facts.ts';
import type { Outcome } from '../../../../src/formats/health/rule.ts';
import type { ManifestState } from '../../../../src/formats/state.ts';
import { type MadeBackup, makeBackup } from '../../../support/data/made-backup.ts';
import { factsOf, idOf, madeBackups, NOTHING_ASKED, NOW } from './facts.ts';
import { randomOf } from './random.ts';

function judge(
  made: MadeBackup[],
  more: Partial<ChainFacts> = {},
  states: Record<string, ManifestState> = {},
): Outcome {
  const facts = factsOf(made, states, { chain: { pruned: [], uncounted: [], unread: null, ...more } });
  return chain.judge(facts, NOTHING_ASKED, NOW);
}

const [NEW, MIDDLE, OLD] = madeBackups([1, 2, 3]) as [MadeBackup, MadeBackup, MadeBackup];
const pruned = ({ id, manifestSha256 }: MadeBackup) => ({ id, manifestSha256 });

test('every backup before another is there', () => {
  expect(judge([NEW, MIDDLE, OLD])).toMatchObject({ status: 'passed' });
});

test('one is missing, and nobody wrote down that it was pruned', () => {
  expect(judge([NEW, OLD])).toEqual({
    status: 'failed',
    found: [
      `${idOf(2)}, which ${idOf(1)} names as the one before it, is missing: deleted or rolled back outside Lifeboat.`,
    ],
    next: expect.stringContaining('log of the bucket'),
  });
});

test('its folder is there, and not its manifest', () => {
  const files = new Map([...MIDDLE.files].filter(([key]) => !key.endsWith('manifest.json')));
  const facts = factsOf([NEW, { ...MIDDLE, files }, OLD]);
  const newest = facts.newest.filter(({ listed }) => listed.id !== MIDDLE.id);
  expect(chain.judge({ ...facts, newest }, NOTHING_ASKED, NOW)).toMatchObject({ status: 'failed' });
});

test('it was pruned', () => {
  expect(judge([NEW, OLD], { pruned: [pruned(MIDDLE)] })).toEqual({
    status: 'passed',
    found: ['The backups before the newest 2 are known; 1 of them were pruned.'],
    next: null,
  });
});

test('a record that names another manifest under this id explains nothing', () => {
  const other = { id: MIDDLE.id, manifestSha256: OLD.manifestSha256 };
  expect(judge([NEW, OLD], { pruned: [other] })).toMatchObject({ status: 'failed' });
});

test('a record that does not count explains nothing, and is named', () => {
  const outcome = judge([NEW, OLD], { uncounted: ['pruned/x.json does not count: it is not signed.'] });
  expect(outcome.status).toBe('failed');
  expect(outcome.found.at(-1)).toContain('it is not signed');
});

test('records that may not be read: nobody knows, which is not green and not red', () => {
  expect(judge([NEW, OLD], { unread: 'They may not be read.' })).toMatchObject({
    status: 'not-evaluated',
    found: [expect.stringContaining('is missing'), 'They may not be read.'],
  });
});

test('another backup lies in its place: no prune explains that', () => {
  const other = makeBackup(MIDDLE.id, { size: 5 });
  const outcome = judge([NEW, other, OLD], { pruned: [pruned(MIDDLE)], unread: 'They may not be read.' });
  expect(outcome).toMatchObject({
    status: 'failed',
    found: [expect.stringContaining('is not the one that was there')],
  });
});

describe('made with credentials that may not list or not read', () => {
  test.each(['cannot-list', 'cannot-read'] as const)('%s: not evaluated, not red', (noPrevious) => {
    const made = [makeBackup(idOf(1), { manifest: { noPrevious } }), OLD];
    expect(judge(made)).toMatchObject({
      status: 'not-evaluated',
      found: ['1 of the newest 2 do not tell which backup was before them.'],
    });
  });

  test('what is missing beside them is red all the same', () => {
    const made = [makeBackup(idOf(0), { manifest: { noPrevious: 'cannot-list' } }), NEW, OLD];
    expect(judge(made)).toMatchObject({ status: 'failed' });
  });
});

test('what a manifest says that does not count or may not be read is not taken', () => {
  const gone = [NEW, OLD];
  expect(judge(gone, {}, { [NEW.id]: { kind: 'invalid', what: 'content', why: 'forged' } })).toMatchObject({
    status: 'passed',
  });
  expect(judge(gone, {}, { [NEW.id]: { kind: 'denied', why: 'AccessDenied.' } })).toMatchObject({
    status: 'not-evaluated',
  });
});

test('only the newest 30 are asked', () => {
  const made = madeBackups(Array.from({ length: 40 }, (_, index) => index));
  expect(judge(made.filter((_, index) => index !== 30))).toMatchObject({ status: 'failed' });
  expect(judge(made.filter((_, index) => index !== 31))).toMatchObject({ status: 'passed' });
});

/* Whatever is made, pruned, deleted and rolled back: red when, and only when, one of the newest misses what nobody pruned. */
test('random histories of a store', () => {
  const random = randomOf(42);
  const outcomes: Record<string, number> = { passed: 0, failed: 0 };
  for (let round = 0; round < 300; round++) {
    let store: MadeBackup[] = [];
    const records: ReturnType<typeof pruned>[] = [];
    const lost = new Set<string>();
    // The oldest first: ages fall.
    for (let age = 60; age > 0; age--) {
      store = [makeBackup(idOf(age), { previous: store[0] ?? null }), ...store];
      const event = random(20);
      const victim = store[1 + random(store.length)];
      if (victim === undefined) continue;
      if (event < 8) records.push(pruned(victim));
      else if (event === 8) lost.add(victim.id);
      else if (event === 9) for (const { id } of store.slice(0, random(3))) lost.add(id);
      else continue;
      store = store.filter(({ id }) => !lost.has(id) && !records.some((record) => record.id === id));
    }
    const facts = factsOf(store, {}, { chain: { pruned: records, uncounted: [], unread: null } });
    const missed = store.slice(0, 30).filter(({ manifest }) => lost.has(manifest.previous?.id ?? ''));
    const { status, found } = chain.judge(facts, NOTHING_ASKED, NOW);
    expect([round, status]).toEqual([round, missed.length > 0 ? 'failed' : 'passed']);
    if (status === 'failed') expect(found).toHaveLength(missed.length);
    expect(brokenLinks(facts).every(({ replaced }) => !replaced)).toBe(true);
    outcomes[status] = (outcomes[status] ?? 0) + 1;
  }
  expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(30);
});
