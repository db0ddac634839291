import { startOf } from '../formats/id.ts';
import type { ListedBackup, ListedTest } from '../formats/listing.ts';
import type { Manifest } from '../formats/manifest.ts';
import type { RestoreTestRecord, Verdict } from '../formats/restore-test/record.ts';

/** How a set has gone on. Milliseconds, bytes; null: not known. */
export interface Trend {
  /** The newest that are good, oldest first; at most {@link MOST_BACKUPS}. */
  backups: TrendPoint[];
  /** Restore tests of all backups, newest first; at most {@link MOST_TESTS}. */
  tests: TrendTest[];
  /** What is not known, and why; null: all was read. */
  missing: string | null;
}

export interface TrendPoint {
  id: string;
  /** UTC, ISO 8601. */
  created: string;
  size: number;
  /** The newest restore test, of those against whose records nothing is known. */
  lastTest: ListedBackup['lastTest'];
  /** From start to end, as the manifest says. */
  duration: number | null;
  /** Of the newest restore test that proved it. */
  restoreTime: number | null;
  /** From the start of the backup before it to its own: what could have been lost. */
  gap: number | null;
}

export interface TrendTest {
  /** Of the backup. */
  id: string;
  /** UTC, ISO 8601. */
  time: string;
  verdict: Verdict;
  record: { restoreTime: number | null; signatureVerified: boolean; scratchServer: string | null } | null;
  /** Why it does not count; null: nothing is known against it. */
  problem: string | null;
}

/** As many as the manifests that are read of a set. */
export const MOST_BACKUPS = 30;
export const MOST_TESTS = 1000;

/** What was read of a set: manifests by the backup's id, records, and why a record does not count, by {@link testKey}. */
export interface ReadFacts {
  manifests: Map<string, Manifest>;
  records: Map<string, RestoreTestRecord>;
  problems: Map<string, string>;
}

export const NOTHING_READ: ReadFacts = { manifests: new Map(), records: new Map(), problems: new Map() };

export function testKey({ id, file }: ListedTest): string {
  return `${id}/${file}`;
}

/** Of good backups and of all restore tests, each newest first. */
export function trendOf(good: ListedBackup[], tests: ListedTest[], read: ReadFacts, missing: string | null): Trend {
  const backups = good.slice(0, MOST_BACKUPS).map((backup, index): TrendPoint => {
    const { id, created, size } = backup;
    const manifest = read.manifests.get(id);
    return {
      id,
      created,
      size,
      lastTest: lastTestOf(tests, read, id),
      duration: manifest === undefined ? null : durationOf(manifest),
      restoreTime: restoreTimeOf(newestProof(tests, read, id)),
      gap: gapBefore(backup, manifest?.previous?.id ?? null, good[index + 1]),
    };
  });
  return { backups: backups.reverse(), tests: tests.slice(0, MOST_TESTS).map((test) => testOf(test, read)), missing };
}

/** The clock may have been set back between the two. */
function durationOf({ created, finished }: Manifest): number {
  return Math.max(0, Date.parse(finished) - Date.parse(created));
}

function lastTestOf(tests: ListedTest[], { problems }: ReadFacts, id: string): TrendPoint['lastTest'] {
  const last = tests.find((test) => test.id === id && !problems.has(testKey(test)));
  return last ? { verdict: last.verdict, time: last.time } : null;
}

function newestProof(tests: ListedTest[], { records }: ReadFacts, id: string): RestoreTestRecord | undefined {
  const proof = tests.find((test) => test.id === id && test.verdict === 'proven' && records.has(testKey(test)));
  return proof && records.get(testKey(proof));
}

/** Without the comparison, as `restore-time` is measured. */
function restoreTimeOf(record: RestoreTestRecord | undefined): number | null {
  return record?.stages.find(({ name }) => name === 'restore')?.milliseconds ?? null;
}

/** A manifest names the backup before it, also one that was pruned since: what is gone leaves no gap that never was. */
function gapBefore({ created }: ListedBackup, previous: string | null, older: ListedBackup | undefined): number | null {
  const begun = Date.parse(created);
  const before = [previous === null ? null : startOf(previous)?.getTime(), older && Date.parse(older.created)].filter(
    (time): time is number => typeof time === 'number' && time <= begun,
  );
  return before.length === 0 ? null : begun - Math.max(...before);
}

function testOf(test: ListedTest, { records, problems }: ReadFacts): TrendTest {
  const { id, time, verdict } = test;
  const record = records.get(testKey(test));
  return {
    id,
    time,
    verdict,
    record: record
      ? {
          restoreTime: restoreTimeOf(record),
          signatureVerified: record.signatureVerified,
          scratchServer: record.scratchServer,
        }
      : null,
    problem: problems.get(testKey(test)) ?? null,
  };
}

/** The recovery point and the recovery time as they were, in milliseconds; null: not known. */
export interface Measured {
  /** The largest gap, and the backup that ended it. */
  largestGap: { gap: number; id: string } | null;
  /** How many backups have a backup before them that is known. */
  gaps: number;
  /** Of the tests that proved a backup and were read, newest first. */
  restoreTimes: { time: number; test: TrendTest }[];
}

export function measureTrend({ backups, tests }: Pick<Trend, 'backups' | 'tests'>): Measured {
  const gaps = backups.flatMap(({ gap, id }) => (gap === null ? [] : [{ gap, id }]));
  return {
    largestGap: largestBy(gaps, ({ gap }) => gap),
    gaps: gaps.length,
    restoreTimes: tests.flatMap((test) => {
      const time = test.record?.restoreTime ?? null;
      return test.verdict === 'proven' && test.problem === null && time !== null ? [{ time, test }] : [];
    }),
  };
}

export function largestBy<T>(items: T[], of: (item: T) => number): T | null {
  return items.reduce<T | null>((best, item) => (best === null || of(item) > of(best) ? item : best), null);
}
