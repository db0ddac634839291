import { expect, test } from '@jest/globals';
import { makeId } from '../../../src/formats/id.ts';
import { type ListedBackup, Listing } from '../../../src/formats/listing.ts';
import type { Manifest } from '../../../src/formats/manifest.ts';
import { measureTrend, NOTHING_READ, trendOf } from '../../../src/report/trend.ts';
import { chartsOf, mermaidCharts } from '../../../src/report/trend-chart.ts';
import { makeBackup } from '../../support/data/made-backup.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;

function id(hoursAgo: number): string {
  return makeId(new Date(NOW.getTime() - hoursAgo * HOUR), '0a1b2c3d');
}

/** Of so many hours ago each, newest first, each stored with so many bytes. */
function backups(ages: number[], size = 1000): ListedBackup[] {
  const listing = new Listing('shop');
  for (const age of ages) {
    for (const key of makeBackup(id(age), { size: 1 }).files.keys()) {
      listing.add({ key, size: key.includes('data') ? size : 1 });
    }
  }
  return listing.backups(NOW);
}

/** Manifests of these, each of which names the backup of so many hours ago as the one before it. */
function manifests(previous: [age: number, previous: number | null][], more: Partial<Manifest> = {}) {
  const of = ([age, before]: [number, number | null]) =>
    makeBackup(id(age), { previous: before === null ? null : makeBackup(id(before)), manifest: more }).manifest;
  return { ...NOTHING_READ, manifests: new Map(previous.map((pair) => [id(pair[0]), of(pair)])) };
}

function gaps(trend: ReturnType<typeof trendOf>): (number | null)[] {
  return trend.backups.map(({ gap }) => (gap === null ? null : gap / HOUR));
}

test('the newest 30, oldest first; the gap before the first of them is known from the one before', () => {
  const trend = trendOf(backups(Array.from({ length: 40 }, (_, age) => age)), [], NOTHING_READ, null);
  expect(trend.backups.map((point) => point.id)).toEqual(Array.from({ length: 30 }, (_, index) => id(29 - index)));
  expect(new Set(gaps(trend))).toEqual(new Set([1]));
});

test('what was pruned leaves no gap that never was; what a manifest cannot name falls back on what is there', () => {
  const stored = backups([0, 24, 72, 100]);
  expect(gaps(trendOf(stored, [], NOTHING_READ, null))).toEqual([null, 28, 48, 24]);
  const read = manifests([
    [0, 1],
    [24, null],
    [72, 73],
    // Of a time after its own: not believed.
    [100, 50],
  ]);
  const trend = trendOf(stored, [], read, null);
  expect(gaps(trend)).toEqual([null, 1, 48, 1]);
  expect(measureTrend(trend)).toMatchObject({ largestGap: { gap: 48 * HOUR, id: id(24) }, gaps: 3, restoreTimes: [] });
});

test('a clock that was set back is no negative duration', () => {
  const read = manifests([[0, null]], { created: '2026-11-21T02:00:00Z', finished: '2026-11-21T01:00:00Z' });
  expect(trendOf(backups([0]), [], read, null).backups[0]?.duration).toBe(0);
});

test('one backup is no trend, and nothing is drawn of what nobody knows', () => {
  expect(mermaidCharts(trendOf(backups([0]), [], NOTHING_READ, null))).toEqual([]);
  expect(chartsOf(trendOf(backups([0, 1]), [], NOTHING_READ, null)).map(({ title }) => title)).toEqual(['Stored']);
});

test.each([
  [0, 'B', 2],
  [999, 'kB', 1.001],
  [1_234_567_890, 'GB', 1.235],
  [5e16, 'PB', 50],
])('%d bytes are said in %s', (size, unit, value) => {
  const [chart] = chartsOf(trendOf(backups([0, 1], size), [], NOTHING_READ, null));
  expect(chart).toMatchObject({ unit, values: [value, value], from: '2026-11-21', to: '2026-11-21' });
});

test('Mermaid is given numbers, days and words of ours only', () => {
  const read = manifests([
    [0, 1],
    [1, 2],
  ]);
  const charts = mermaidCharts(trendOf(backups([0, 1], 5), [], read, 'gotcha')).join('\n');
  expect(charts).not.toMatch(/gotcha|shop|\de[-+]?\d/);
  expect(charts).toContain('title "Duration of the backup, s: 2 backups, 2026-11-21 to 2026-11-21"');
  expect(charts).toContain('  y-axis "s" 0 --> 10\n  bar [10, 10]');
});
