import { isFromFuture, startOf } from '../id.ts';

/** restic's keep-* options. null: the rule is not given. */
export interface KeepRules {
  /** So many of the newest, or of the newest periods that have a backup; Infinity: all of them. */
  last: number | null;
  hourly: number | null;
  daily: number | null;
  weekly: number | null;
  monthly: number | null;
  yearly: number | null;
  /** Milliseconds back from the newest backup. */
  within: number | null;
}

export interface Plan {
  /** Newest first. */
  keep: Kept[];
  /** Ids that no rule keeps, newest first. */
  delete: string[];
}

export interface Kept {
  id: string;
  /** One for each rule that keeps it; never empty. */
  reasons: string[];
}

/**
 * Which backups of a set stay. As restic (0.16 and newer): each rule keeps the newest backup of each of its newest
 * periods that have one, and the oldest of all while there are fewer periods than it keeps. Backups from the future are
 * kept and count for nothing. `ids` are good backups, in any order.
 */
export function planRetention(ids: string[], rules: KeepRules, now: Date): Plan {
  const { future = [], past = [] } = Object.groupBy(ids.toSorted().reverse(), (id) =>
    isFromFuture(id, now) ? 'future' : 'past',
  );
  const keepers = keepersOf(rules, past);
  const plan: Plan = { keep: future.map((id) => ({ id, reasons: ['from the future'] })), delete: [] };
  for (const id of past) {
    const reasons = keepers.flatMap((keeps) => keeps(id) ?? []);
    if (reasons.length > 0) plan.keep.push({ id, reasons });
    else plan.delete.push(id);
  }
  return plan;
}

export function hasRule(rules: KeepRules): boolean {
  return Object.values(rules).some((rule) => rule !== null);
}

/** `keep-daily 7, keep-monthly 12`: as they are written in a workflow. */
export function describeRules(rules: KeepRules): string {
  const givenRules = Object.entries(rules).filter((rule): rule is [string, number] => rule[1] !== null);
  return givenRules
    .map(([name, value]) => `keep-${name} ${name === 'within' ? shownDuration(value) : shownNumber(value)}`)
    .join(', ');
}

function shownNumber(value: number): string {
  return value === Number.POSITIVE_INFINITY ? 'unlimited' : String(value);
}

function shownDuration(milliseconds: number): string {
  const whole = milliseconds / 3_600_000;
  return whole % 24 === 0 ? `${whole / 24}d` : `${whole}h`;
}

/** Asked for each backup, newest first: why a rule keeps it, or null. */
type Keeper = (id: string) => string | null;

function keepersOf(rules: KeepRules, newestFirst: string[]): Keeper[] {
  const oldest = newestFirst.at(-1);
  const periods = (Object.keys(PERIODS) as (keyof typeof PERIODS)[]).flatMap((name) => {
    const most = rules[name];
    return most === null ? [] : [keepPeriods(name, most, oldest)];
  });
  return [
    ...(rules.last === null ? [] : [keepLast(rules.last)]),
    ...(rules.within === null ? [] : [keepWithin(rules.within, newestFirst[0])]),
    ...periods,
  ];
}

function keepLast(most: number): Keeper {
  let taken = 0;
  return () => (taken < most ? `last ${++taken} of ${shownNumber(most)}` : null);
}

function keepWithin(window: number, newest: string | undefined): Keeper {
  const end = timeOf(newest ?? '') - window;
  return (id) => (timeOf(id) > end ? `within ${shownDuration(window)}` : null);
}

function keepPeriods(name: keyof typeof PERIODS, most: number, oldest: string | undefined): Keeper {
  let taken = 0;
  let last = '';
  return (id) => {
    if (taken >= most) return null;
    const period = PERIODS[name](id);
    if (period === last)
      return id === oldest ? `oldest, while there are fewer than ${shownNumber(most)} ${name}` : null;
    last = period;
    taken++;
    return `${name} ${period}`;
  };
}

/** The period that a backup falls into, in UTC: an id begins with it, `20261121T02…`. */
const PERIODS = {
  hourly: (id: string) => `${dayOf(id)}T${id.slice(9, 11)}`,
  daily: dayOf,
  weekly: (id: string) => isoWeek(timeOf(id)),
  monthly: (id: string) => dayOf(id).slice(0, 7),
  yearly: (id: string) => id.slice(0, 4),
};

function dayOf(id: string): string {
  return `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}`;
}

function timeOf(id: string): number {
  return startOf(id)?.getTime() ?? 0;
}

const DAY = 86_400_000;

/** `2026-W53`, ISO 8601: weeks begin on Monday and belong to the year of their Thursday. */
function isoWeek(time: number): string {
  const daysSinceMonday = (new Date(time).getUTCDay() + 6) % 7;
  const thursday = new Date(time + (3 - daysSinceMonday) * DAY);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY)) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}
