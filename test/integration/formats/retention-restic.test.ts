import { beforeAll, expect, test } from '@jest/globals';
import { makeId, startOf } from '../../../src/formats/id.ts';
import { type KeepRules, type Kept, planRetention } from '../../../src/formats/retention/rules.ts';
import { NO_RULES, randomSeries } from '../../support/data/series.ts';
import { newResticRepository, type ResticRepository } from '../../support/servers/restic.ts';

const NOW = new Date('2024-11-21T12:00:00Z');
const DAY = 86_400_000;
const SERIES = 20;

let restic: ResticRepository;
const series = new Map<string, Date[]>();

beforeAll(async () => {
  restic = await newResticRepository();
  for (let seed = 1; seed <= SERIES; seed++) {
    const times = randomSeries(seed, NOW);
    series.set(`host-${seed}`, times);
    restic.addSnapshots(`host-${seed}`, times);
  }
});

test('the series are of some hundred backups each, and differ', () => {
  const lengths = [...series.values()].map(({ length }) => length);
  expect(Math.min(...lengths)).toBeGreaterThanOrEqual(100);
  expect(new Set([...series.values()].map((times) => times.at(-1)?.getTime())).size).toBe(SERIES);
});

/** restic keeps the oldest while a rule has some left since 0.16. */
const KEEPS_OLDEST = 0.16;

function isKeptByRestic({ reasons }: Kept): boolean {
  return restic.version >= KEEPS_OLDEST || reasons.some((reason) => !reason.startsWith('oldest'));
}

test.each<[Partial<KeepRules>, string[]]>([
  [{ last: 40 }, ['--keep-last', '40']],
  [{ within: 30 * DAY }, ['--keep-within', '30d']],
  [{ within: 26 * 3_600_000 }, ['--keep-within', '26h']],
  [{ hourly: 24 }, ['--keep-hourly', '24']],
  [{ daily: 30 }, ['--keep-daily', '30']],
  [{ weekly: 8 }, ['--keep-weekly', '8']],
  [{ weekly: 600 }, ['--keep-weekly', '600']],
  [{ monthly: 12 }, ['--keep-monthly', '12']],
  [{ yearly: 20 }, ['--keep-yearly', '20']],
  [{ daily: 30, monthly: 12 }, ['--keep-daily', '30', '--keep-monthly', '12']],
  [{ daily: 30, weekly: 52, monthly: 84 }, ['--keep-daily', '30', '--keep-weekly', '52', '--keep-monthly', '84']],
  [
    { last: 3, within: 7 * DAY, hourly: 12, daily: 5, weekly: 4, monthly: 3, yearly: 2 },
    [
      '--keep-last',
      '3',
      '--keep-within',
      '7d',
      '--keep-hourly',
      '12',
      '--keep-daily',
      '5',
      '--keep-weekly',
      '4',
    ].concat(['--keep-monthly', '3', '--keep-yearly', '2']),
  ],
])('restic keeps the same by %j', async (rules, options) => {
  const kept = await restic.forget(options);
  expect(kept.size).toBe(SERIES);
  for (const [host, times] of series) {
    const ids = times.map((time) => makeId(time, '00000000'));
    const plan = planRetention(ids, { ...NO_RULES, ...rules }, NOW);
    const ours = plan.keep.filter(isKeptByRestic).map(({ id }) => startOf(id));
    expect([host, ours]).toEqual([host, kept.get(host)]);
    expect(plan.keep.length + plan.delete.length).toBe(times.length);
  }
});
