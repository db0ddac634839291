import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { makeId, startOf } from '../../../../src/formats/id.ts';
import { describeRules, type KeepRules, type Plan, planRetention } from '../../../../src/formats/retention/rules.ts';
import { NO_RULES } from '../../../support/data/series.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Ids of backups at these times, `2026-11-21T02:00`. */
function at(...times: string[]): string[] {
  return times.map((time) => makeId(new Date(`${time}:00Z`), '00000000'));
}

function plan(ids: string[], rules: Partial<KeepRules>, now = NOW): Plan {
  return planRetention(ids, { ...NO_RULES, ...rules }, now);
}

/** What is kept, as `2026-11-21T02:00`. */
function kept(ids: string[], rules: Partial<KeepRules>, now = NOW): string[] {
  return plan(ids, rules, now).keep.map(({ id }) => startOf(id)?.toISOString().slice(0, 16) ?? id);
}

describe('what each rule keeps', () => {
  test('keep-last: so many of the newest', () => {
    const ids = at('2026-11-19T02:00', '2026-11-20T02:00', '2026-11-20T02:01', '2026-11-21T02:00');
    expect(plan(ids, { last: 2 })).toEqual({
      keep: [
        { id: ids[3], reasons: ['last 1 of 2'] },
        { id: ids[2], reasons: ['last 2 of 2'] },
      ],
      delete: [ids[1], ids[0]],
    });
  });

  test('keep-within: back from the newest backup, not from now', () => {
    const ids = at('2026-10-01T02:00', '2026-10-02T01:59', '2026-10-02T02:00', '2026-10-02T02:01', '2026-11-01T02:00');
    expect(kept(ids, { within: 30 * DAY })).toEqual(['2026-11-01T02:00', '2026-10-02T02:01']);
    expect(plan(ids, { within: 30 * DAY }).keep[0]?.reasons).toEqual(['within 30d']);
  });

  test('keep-hourly: many in one hour are one', () => {
    const ids = at('2026-11-21T01:59', '2026-11-21T02:00', '2026-11-21T02:30', '2026-11-21T02:59', '2026-11-21T05:00');
    expect(kept(ids, { hourly: 2 })).toEqual(['2026-11-21T05:00', '2026-11-21T02:59']);
  });

  test('keep-daily: days in UTC; those without a backup do not count', () => {
    const ids = at('2026-11-01T00:00', '2026-11-20T00:00', '2026-11-20T23:59', '2026-11-21T00:00');
    expect(kept(ids, { daily: 2 })).toEqual(['2026-11-21T00:00', '2026-11-20T23:59']);
  });

  test('keep-weekly: ISO weeks, from Monday on, over the end of a year', () => {
    // 2026-W53 is 28 December to 3 January; 2025-W01 begins on 30 December 2024.
    const ids = at('2026-12-27T23:59', '2026-12-28T00:00', '2027-01-01T02:00', '2027-01-03T23:59', '2027-01-04T00:00');
    const { keep } = plan(
      [...ids, ...at('2024-12-30T02:00', '2024-12-29T02:00')],
      { weekly: 9 },
      new Date('2027-01-05'),
    );
    expect(keep.map(({ reasons }) => reasons[0])).toEqual([
      'weekly 2027-W01',
      'weekly 2026-W53',
      'weekly 2026-W52',
      'weekly 2025-W01',
      'weekly 2024-W52',
    ]);
    expect(keep[1]?.id).toBe(ids[3]);
  });

  test('keep-monthly: the newest of each month, whatever day that is; leap days, months without any', () => {
    const ids = at('2027-12-31T02:00', '2028-01-31T23:59', '2028-02-28T02:00', '2028-02-29T02:00', '2028-05-01T00:00');
    expect(kept(ids, { monthly: 3 }, new Date('2028-05-02'))).toEqual([
      '2028-05-01T00:00',
      '2028-02-29T02:00',
      '2028-01-31T23:59',
    ]);
  });

  test('keep-yearly', () => {
    const ids = at('2024-12-31T23:59', '2025-01-01T00:00', '2025-12-31T23:59', '2026-01-01T00:00');
    expect(kept(ids, { yearly: 2 })).toEqual(['2026-01-01T00:00', '2025-12-31T23:59']);
  });

  test('unlimited: every period', () => {
    const ids = at('2020-01-01T02:00', '2020-01-01T03:00', '2023-01-01T02:00', '2026-01-01T02:00');
    expect(kept(ids, { yearly: Number.POSITIVE_INFINITY })).toHaveLength(4); // The oldest too.
  });

  test('the oldest stays while there are fewer periods than a rule keeps', () => {
    const ids = at('2026-11-02T02:00', '2026-11-03T02:00', '2026-11-21T02:00');
    expect(plan(ids, { monthly: 2 }).keep).toEqual([
      { id: ids[2], reasons: ['monthly 2026-11'] },
      { id: ids[0], reasons: ['oldest, while there are fewer than 2 monthly'] },
    ]);
    expect(kept(ids, { monthly: 1 })).toEqual(['2026-11-21T02:00']);
  });

  test('a backup is kept when any rule keeps it, and says which', () => {
    const ids = at('2026-11-20T02:00', '2026-11-21T02:00');
    expect(plan(ids, { last: 1, daily: 1, monthly: 1 }).keep).toEqual([
      { id: ids[1], reasons: ['last 1 of 1', 'daily 2026-11-21', 'monthly 2026-11'] },
    ]);
  });
});

describe('K2: a clock that jumped', () => {
  const ids = at('2026-11-19T02:00', '2026-11-20T02:00', '2026-11-21T02:00');
  const future = at('2038-01-19T03:14', '2026-11-21T13:01');

  test('backups from the future stay and stand for no other', () => {
    expect(plan([...ids, ...future], { last: 1 })).toEqual({
      keep: [
        { id: future[0], reasons: ['from the future'] },
        { id: future[1], reasons: ['from the future'] },
        { id: ids[2], reasons: ['last 1 of 1'] },
      ],
      delete: [ids[1], ids[0]],
    });
  });

  test('keep-within does not count from them', () => {
    expect(kept([...ids, ...future], { within: 25 * HOUR })).toContain('2026-11-20T02:00');
  });

  test('years later the same backups are kept', () => {
    const rules = { within: 30 * DAY, daily: 2 };
    expect(plan(ids, rules, new Date('2038-01-19'))).toEqual(plan(ids, rules));
  });
});

test('7 years of hourly backups are planned in under a second', () => {
  const ids = Array.from({ length: 7 * 365 * 24 }, (_, hour) =>
    makeId(new Date(NOW.getTime() - hour * HOUR), '00000000'),
  );
  const amounts = { last: 24, within: 7 * DAY, hourly: 48, daily: 30, weekly: 52, monthly: 84, yearly: 1e9 };
  // The processor's time, and the best of three: a busy machine makes it longer, never shorter.
  const times: number[] = [];
  let { keep, delete: goes } = plan([], amounts);
  do {
    const start = process.cpuUsage();
    ({ keep, delete: goes } = plan(ids, amounts));
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000);
  } while (times.length < 3 && Math.min(...times) >= 1000);
  expect(Math.min(...times)).toBeLessThan(1000);
  expect(keep.length + goes.length).toBe(ids.length);
  // 7 x 24 of a week, 22 more days, and at least 47 weeks and 70 months of those that are older.
  expect(keep.length).toBeGreaterThan(168 + 22 + 47 + 70);
  expect(keep.length).toBeLessThan(168 + 30 + 52 + 84 + 8);
});

test('rules are said as they are written', () => {
  const rules = { ...NO_RULES, last: 3, within: 26 * HOUR, monthly: Number.POSITIVE_INFINITY };
  expect(describeRules(rules)).toBe('keep-last 3, keep-within 26h, keep-monthly unlimited');
});

describe('properties', () => {
  /** Seconds: dense, so that many fall into one period, with jumps over months; month ends and leap days among them. */
  const second = fc.oneof(
    fc.integer({ min: Date.UTC(2026, 9, 1) / 1000, max: Date.UTC(2026, 10, 21, 12) / 1000 }),
    fc.integer({ min: Date.UTC(2019, 0, 1) / 1000, max: Date.UTC(2026, 10, 21, 12) / 1000 }),
    fc
      .tuple(fc.integer({ min: 2019, max: 2026 }), fc.integer({ min: 0, max: 9 }), fc.integer({ min: -2, max: 2 }))
      .map(([year, month, seconds]) => Date.UTC(year, month, 1) / 1000 + seconds),
    fc.integer({ min: -2, max: 86_402 }).map((seconds) => Date.UTC(2024, 1, 29) / 1000 + seconds),
  );
  const idOf = (seconds: number) => makeId(new Date(seconds * 1000), '00000000');
  const pastIds = fc.uniqueArray(second, { maxLength: 60 }).map((seconds) => seconds.map(idOf));
  const futureIds = fc
    .uniqueArray(fc.integer({ min: 3_601, max: 1e9 }), { maxLength: 3 })
    .map((ahead) => ahead.map((seconds) => idOf(NOW.getTime() / 1000 + seconds)));
  const amount = fc.option(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant(Number.POSITIVE_INFINITY)));
  const rules: fc.Arbitrary<KeepRules> = fc
    .record({
      last: amount,
      within: fc.option(fc.integer({ min: 1, max: 2000 }).map((hours) => hours * HOUR)),
      hourly: amount,
      daily: amount,
      weekly: amount,
      monthly: amount,
      yearly: amount,
    })
    .filter((given) => Object.values(given).some((rule) => rule !== null));
  const idsOf = ({ keep }: Plan) => keep.map(({ id }) => id);
  const check = <T>(property: fc.IProperty<T>) => fc.assert(property, { numRuns: 300 });

  test('every backup is kept or deleted, newest first, and each that is kept has a reason', () => {
    check(
      fc.property(pastIds, futureIds, rules, (past, future, given) => {
        const made = planRetention([...past, ...future], given, NOW);
        const newestFirst = [...past, ...future].sort().reverse();
        expect([...idsOf(made), ...made.delete].sort().reverse()).toEqual(newestFirst);
        expect(idsOf(made)).toEqual(newestFirst.filter((id) => !made.delete.includes(id)));
        for (const { reasons } of made.keep) expect(reasons.length).toBeGreaterThan(0);
      }),
    );
  });

  test('the newest is always kept', () => {
    check(
      fc.property(pastIds, rules, (ids, given) => {
        const newest = [...ids].sort().at(-1);
        expect(idsOf(planRetention(ids, given, NOW))[0]).toBe(newest);
      }),
    );
  });

  test('the order does not matter', () => {
    check(
      fc.property(
        pastIds.chain((ids) => fc.tuple(fc.constant(ids), fc.shuffledSubarray(ids, { minLength: ids.length }))),
        rules,
        ([ids, shuffled], given) => {
          expect(planRetention(shuffled, given, NOW)).toEqual(planRetention(ids, given, NOW));
        },
      ),
    );
  });

  test('what is left is left again: the second time nothing goes', () => {
    check(
      fc.property(pastIds, rules, (ids, given) => {
        const first = planRetention(ids, given, NOW);
        const second = planRetention(idsOf(first), given, NOW);
        expect(second.delete).toEqual([]);
      }),
    );
  });

  test('a newer backup brings none back', () => {
    check(
      fc.property(pastIds, second, rules, (ids, more, given) => {
        const newer = idOf(more);
        fc.pre(ids.every((id) => id < newer));
        const before = planRetention(ids, given, NOW);
        const after = planRetention([...ids, newer], given, NOW);
        expect(idsOf(after).filter((id) => before.delete.includes(id))).toEqual([]);
      }),
    );
  });

  test('another rule, or a larger number, deletes no more', () => {
    check(
      fc.property(pastIds, rules, rules, (ids, given, others) => {
        const names = Object.keys(given) as (keyof KeepRules)[];
        const both = Object.fromEntries(
          names.map((name) => [name, given[name] === null ? others[name] : Math.max(given[name], others[name] ?? 0)]),
        ) as unknown as KeepRules;
        const goes = planRetention(ids, given, NOW).delete;
        expect(planRetention(ids, both, NOW).delete.filter((id) => !goes.includes(id))).toEqual([]);
      }),
    );
  });

  test('backups from the future change nothing for the others', () => {
    check(
      fc.property(pastIds, futureIds, rules, (past, future, given) => {
        expect(planRetention([...past, ...future], given, NOW).delete).toEqual(planRetention(past, given, NOW).delete);
      }),
    );
  });

  /** The rules as a person would say them, one by one, by a calendar that is not ours. */
  function isKept(id: string, ids: string[], given: KeepRules): boolean {
    const newestFirst = [...ids].sort().reverse();
    const formats = {
      hourly: { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric' },
      daily: { year: 'numeric', month: 'numeric', day: 'numeric' },
      monthly: { year: 'numeric', month: 'numeric' },
      yearly: { year: 'numeric' },
    } as const;
    const timeOf = (one: string) => startOf(one)?.getTime() ?? 0;
    const periods = {
      ...Object.fromEntries(
        Object.entries(formats).map(([name, format]) => {
          const calendar = new Intl.DateTimeFormat('en', { timeZone: 'UTC', ...format });
          return [name, (one: string) => calendar.format(timeOf(one))];
        }),
      ),
      // The first of January 1970 was a Thursday; weeks begin on Mondays.
      weekly: (one: string) => String(Math.floor((timeOf(one) + 3 * DAY) / (7 * DAY))),
    };
    const byPeriod = Object.entries(periods).some(([name, periodOf]) => {
      const most = given[name as keyof KeepRules] ?? 0;
      const all = [...new Set(newestFirst.map(periodOf))];
      const isNewest = newestFirst.find((other) => periodOf(other) === periodOf(id)) === id;
      return (
        (isNewest && all.slice(0, most).includes(periodOf(id))) || (all.length < most && id === newestFirst.at(-1))
      );
    });
    const within = timeOf(newestFirst[0] ?? '') - timeOf(id) < (given.within ?? 0);
    return byPeriod || within || newestFirst.slice(0, given.last ?? 0).includes(id);
  }

  test('it is what the rules say', () => {
    check(
      fc.property(pastIds, rules, (ids, given) => {
        const expected = [...ids]
          .sort()
          .reverse()
          .filter((id) => isKept(id, ids, given));
        expect(idsOf(planRetention(ids, given, NOW))).toEqual(expected);
      }),
    );
  });
});
