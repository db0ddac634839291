import type { Result } from '../../formats/health/examine.ts';
import type { ListedSet } from '../list/report.ts';

/** What a check comes to: every rule passed, or the worst of them. */
export type CheckResult = 'passed' | 'warning' | 'failed';

/** What a check found; the JSON report is this. `duration` is milliseconds. */
export interface CheckReport {
  command: 'check';
  /** `passed`: every rule that was asked for was evaluated, and is satisfied. */
  result: CheckResult;
  /** The set that was asked for; null: all. */
  name: string | null;
  started: string;
  finished: string;
  duration: number;
  stores: CheckedStore[];
}

export interface CheckedStore {
  url: string;
  /** Why it could not be checked. */
  error: string | null;
  results: Result[];
  sets: CheckedSet[];
}

export interface CheckedSet extends ListedSet {
  /** The newest backup that counts, and the newest proven one of those. */
  newest: string | null;
  newestProven: string | null;
  results: Result[];
}

/** A result, and the store or set that it is about. */
export interface PlacedResult extends Result {
  where: string;
}

/** Every result, one that could not be checked among them. */
export function resultsOf(stores: CheckedStore[]): PlacedResult[] {
  return stores.flatMap(({ url, error, results, sets }) => {
    if (error !== null) return [{ where: url, rule: 'store', status: 'failed', found: [error], next: null }];
    const root = url.replace(/\/+$/, '');
    return [
      ...results.map((result) => ({ where: url, ...result })),
      ...sets.flatMap(({ name, results }) => results.map((result) => ({ where: `${root}/${name}`, ...result }))),
    ];
  });
}

export function resultOf(stores: CheckedStore[]): CheckReport['result'] {
  const statuses = resultsOf(stores).map(({ status }) => status);
  if (statuses.includes('failed')) return 'failed';
  return statuses.includes('warning') || statuses.includes('not-evaluated') ? 'warning' : 'passed';
}
