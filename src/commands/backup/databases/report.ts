import { firstNames } from '../../../report/escape.ts';
import type { BackupReport } from '../report.ts';

/** What a backup of several databases tells people and later steps; the JSON report is this. */
export interface DatabasesReport {
  command: 'backup-databases';
  started: string;
  finished: string;
  /** Milliseconds. */
  duration: number;
  /** In the order in which they were backed up, or were to be. */
  databases: DatabaseResult[];
  /** Those that only a glob named, and that hold nothing: `postgres`, as a new server has it. */
  leftOut: string[];
}

/** What the backup of one of several databases came to. */
export interface DatabaseResult {
  database: string;
  /** Its set. */
  name: string;
  /** `incomplete`: not in every store. `cancelled`: when it was under way; those after it were not begun. */
  outcome: 'complete' | 'incomplete' | 'failed' | 'cancelled' | 'not-begun';
  /** Why it is not complete. */
  error: string | null;
  /** null: there is no backup of this run. */
  report: BackupReport | null;
  /** When this one's run ended. */
  ended: string;
  /** Milliseconds. */
  duration: number;
}

/** Failures beyond these are in the summary alone: a message for people has an end. */
const MOST_TOLD = 20;

/** Which databases have no backup, or not in every store, and why; null: each has. */
export function databasesMessage({ databases }: DatabasesReport): string | null {
  const good = databases.filter(({ outcome }) => outcome === 'complete');
  const bad = databases.filter(({ outcome }) => outcome !== 'complete' && outcome !== 'not-begun');
  const notBegun = databases.filter(({ outcome }) => outcome === 'not-begun').map(({ database }) => database);
  if (good.length === databases.length) return null;
  const more = bad.length > MOST_TOLD ? [`And ${bad.length - MOST_TOLD} more, see the job summary.`] : [];
  return [
    `${good.length} of ${databases.length} databases were backed up.`,
    ...bad.slice(0, MOST_TOLD).map(({ database, error }) => `${JSON.stringify(database)}: ${error}`),
    ...more,
    ...(notBegun.length === 0 ? [] : [`Not begun: ${firstNames(notBegun.map((name) => JSON.stringify(name)))}.`]),
  ].join('\n');
}

/** The output `backups`: what each database came to. */
export function databasesOutput({ databases }: DatabasesReport): string {
  return JSON.stringify(
    databases.map(({ database, name, outcome, report, duration }) => ({
      database,
      name,
      outcome,
      id: report?.id ?? null,
      size: report?.storedSize ?? null,
      databaseSize: report?.databaseSize ?? null,
      tables: report?.tables ?? null,
      rows: report?.rows ?? null,
      durationSeconds: Math.round(duration / 1000),
    })),
  );
}

/** The sums of what was backed up. */
export function totalsOf({ databases }: DatabasesReport): {
  storedSize: number;
  databaseSize: number;
  tables: number;
  /** Digits: may be beyond what a number holds. */
  rows: string;
} {
  const reports = reportsOf(databases);
  const sum = (of: (report: BackupReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  return {
    storedSize: sum(({ storedSize }) => storedSize),
    databaseSize: sum(({ databaseSize }) => databaseSize),
    tables: sum(({ tables }) => tables),
    rows: reports.reduce((total, { rows }) => total + BigInt(rows), 0n).toString(),
  };
}

/** Of the databases that have a backup. */
export function reportsOf(databases: DatabaseResult[]): BackupReport[] {
  return databases.flatMap(({ report }) => report ?? []);
}
