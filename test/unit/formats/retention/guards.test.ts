import { describe, expect, test } from '@jest/globals';
import { makeId } from '../../../../src/formats/id.ts';
import { mustStay, protectBackups, refuseClock, refuseMany } from '../../../../src/formats/retention/guards.ts';
import type { Plan } from '../../../../src/formats/retention/rules.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const DAY = 86_400_000;

/** The newest first. */
function ids(count: number): string[] {
  return Array.from({ length: count }, (_, age) => makeId(new Date(NOW.getTime() - age * DAY), '00000000'));
}

/** A plan of `all` backups that keeps the newest `keep`. */
function planOf(all: number, keep: number): Plan {
  const [kept, goes] = [ids(all).slice(0, keep), ids(all).slice(keep)];
  return { keep: kept.map((id) => ({ id, reasons: ['a rule'] })), delete: goes };
}

describe('what is protected', () => {
  const [newest = '', second = '', third = '', oldest = ''] = ids(4);

  test('stays, with its reasons, in its place', () => {
    const plan = protectBackups(planOf(4, 1), [
      { id: oldest, reasons: ['held'] },
      { id: second, reasons: ['the newest proven one'] },
      { id: second, reasons: ['held'] },
    ]);
    expect(plan).toEqual({
      keep: [
        { id: newest, reasons: ['a rule'] },
        { id: second, reasons: ['the newest proven one', 'held'] },
        { id: oldest, reasons: ['held'] },
      ],
      delete: [third],
    });
  });

  test('has one reason more when a rule keeps it too', () => {
    expect(protectBackups(planOf(4, 1), [{ id: newest, reasons: ['held'] }]).keep).toEqual([
      { id: newest, reasons: ['a rule', 'held'] },
    ]);
  });

  test('are the newest good one, the newest proven one and those that are held, where a plan would delete all', () => {
    const good = [newest, second, third, oldest].map((id) => ({ id, held: id === oldest }));
    expect(protectBackups(planOf(4, 0), mustStay(good, second))).toEqual({
      keep: [
        { id: newest, reasons: ['the newest good one'] },
        { id: second, reasons: ['the newest proven one'] },
        { id: oldest, reasons: ['held'] },
      ],
      delete: [third],
    });
    expect(mustStay([], null)).toEqual([]);
  });
});

describe('a plan that deletes too much', () => {
  test.each([
    [10, 0],
    [11, 1],
    [20, 10],
    [30, 15],
    [31, 16],
    [1000, 500],
  ])('of %i backups %i may be all that stay', (all, keep) => {
    expect(refuseMany(planOf(all, keep))).toBeNull();
  });

  test.each([
    [11, 0],
    [20, 9],
    [30, 14],
    [31, 15],
    [1000, 499],
  ])('of %i backups %i are too few to stay', (all, keep) => {
    expect(refuseMany(planOf(all, keep))).toMatch(new RegExp(`^it would delete ${all - keep} of ${all} backups`));
  });
});

describe('K2: a clock that is not believed', () => {
  const off = (days: number, more = 0) => new Date(NOW.getTime() + days * DAY + more);
  const object = (modified: Date) => ({ key: 'shop/x', modified });

  test.each([
    ['the store has no clock and no objects', { clock: null, newest: null }],
    ['they agree', { clock: NOW, newest: object(NOW) }],
    ['3 days ahead', { clock: off(3), newest: object(off(3)) }],
    ['3 days behind', { clock: off(-3), newest: object(off(-100)) }],
    ['nothing was stored for a long time', { clock: null, newest: object(off(-100)) }],
  ])('not when %s', (_, dates) => {
    expect(refuseClock(NOW, dates)).toBeNull();
  });

  test.each([
    ['the store is further ahead', { clock: off(3, 1), newest: null }],
    ['the store is further behind', { clock: off(-3, -1), newest: null }],
    ['an object was stored later than that', { clock: null, newest: object(off(3, 1)) }],
    ['an object was stored later than the store says it is', { clock: NOW, newest: object(off(3, 1)) }],
  ])('when %s', (_, dates) => {
    expect(refuseClock(NOW, dates)).toMatch(/^this machine's clock says 2026-11-21T12:00:00.000Z, .*Set the clock/);
  });
});
