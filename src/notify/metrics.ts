import type { DatabasesReport } from '../commands/backup/databases/report.ts';
import type { BackupReport } from '../commands/backup/report.ts';
import type { ListedStore } from '../commands/list/report.ts';
import type { RestoreTestReport } from '../commands/restore-test/report.ts';
import { startOf } from '../formats/id.ts';
import type { Ending } from '../report/ending.ts';

/** Every metric that is written, all of them gauges, with its HELP. Times are Unix times; an age is `time()` less one of them. */
export const METRICS = {
  lifeboat_last_attempt_timestamp_seconds: 'When the last run ended, however it did.',
  lifeboat_last_attempt_success: 'Whether the last run was green: 1 or 0.',
  lifeboat_last_attempt_duration_seconds: 'How long the last run took.',
  lifeboat_last_success_timestamp_seconds: 'When the last green run ended.',
  lifeboat_stage_duration_seconds: 'How long each stage of the last run with a result took.',
  lifeboat_newest_backup_timestamp_seconds: 'When the newest complete backup was begun; 0: there is none.',
  lifeboat_database_size_bytes: 'What the database took on its server when it was last backed up.',
  lifeboat_backup_dump_bytes: 'The last backup before compression.',
  lifeboat_backup_stored_bytes: 'The last backup as it is stored.',
  lifeboat_backup_tables: 'Tables in the last backup.',
  lifeboat_backup_rows: 'Rows in the last backup.',
  lifeboat_restore_test_proven: 'Whether the last restore test with a verdict said proven: 1 or 0.',
  lifeboat_last_proven_timestamp_seconds: 'When a restore test last said proven.',
  lifeboat_last_proven_backup_timestamp_seconds: 'When the backup was begun that a restore test last proved.',
  lifeboat_restore_duration_seconds: 'How long the last restore took, without the comparison.',
  lifeboat_backups: 'Complete backups that are kept.',
  lifeboat_backups_stored_bytes: 'What all backups of the set take, complete or not.',
  lifeboat_newest_proven_backup_timestamp_seconds: 'When the newest proven backup was begun; 0: there is none.',
  lifeboat_store_free_bytes: 'What is free on the disk of a file store.',
  lifeboat_store_size_bytes: 'The size of the disk of a file store.',
} as const;

export type MetricName = keyof typeof METRICS;

/**
 * Series that are replaced together: a run replaces every series of its group that has one of the names it writes, and no
 * other. What a failed run has nothing to say about stays as it was.
 */
export interface MetricGroup {
  labels: { set: string; command: string; store?: string };
  samples: Sample[];
}

export interface Sample {
  name: MetricName;
  stage?: string;
  /** Rows are digits: may be beyond what a number holds. */
  value: number | string;
}

/** The disk of a file store, in bytes. */
export interface StoreSpace {
  url: string;
  free: number;
  size: number;
}

/** What a run tells: of the set, and of each store by itself. None when no set is known. */
export function metricsOf(ending: Ending, space: StoreSpace[]): MetricGroup[] {
  const { command, about, report } = ending;
  if (report?.command === 'backup-databases') {
    return endingsOf(report, ending).flatMap((one) => metricsOf(one, space));
  }
  const listed = report?.command === 'list' ? report.stores : [];
  const sets = about.set === null ? namesIn(listed) : [about.set];
  return sets.flatMap((set): MetricGroup[] => [
    { labels: { set, command }, samples: [...attempt(ending), ...resultOf(report)] },
    ...inStores(report, set).map(([store, samples]) => ({ labels: { set, command, store }, samples })),
    ...space.map(({ url, free, size }) => ({
      labels: { set, command, store: url },
      samples: samplesOf({ lifeboat_store_free_bytes: free, lifeboat_store_size_bytes: size }),
    })),
  ]);
}

/** One for each database whose backup was begun: its set has metrics of its own. */
function endingsOf({ databases }: DatabasesReport, ending: Ending): Ending[] {
  return databases.flatMap(({ database, name, outcome, error, report, ended, duration }) =>
    outcome === 'not-begun'
      ? []
      : {
          ...ending,
          command: 'backup',
          failure: error === null ? null : { title: '', message: error },
          report,
          about: { set: name, database, backup: report?.id ?? null },
          ended: new Date(ended),
          duration,
        },
  );
}

function namesIn(stores: ListedStore[]): string[] {
  return [...new Set(stores.flatMap(({ sets }) => sets.map(({ name }) => name)))];
}

function attempt({ failure, ended, duration }: Ending): Sample[] {
  return samplesOf({
    lifeboat_last_attempt_timestamp_seconds: seconds(ended),
    lifeboat_last_attempt_success: failure === null ? 1 : 0,
    lifeboat_last_attempt_duration_seconds: Math.round(duration) / 1000,
    lifeboat_last_success_timestamp_seconds: failure === null ? seconds(ended) : null,
  });
}

function resultOf(report: Ending['report']): Sample[] {
  switch (report?.command) {
    case 'backup':
      return [...stages(report), ...backupSamples(report)];
    case 'restore-test':
      return [...stages(report), ...restoreTestSamples(report)];
    case 'restore':
      return [...stages(report), ...restoreDuration(report)];
    default:
      return [];
  }
}

function stages({ stages }: { stages: { name: string; milliseconds: number }[] }): Sample[] {
  // A stage that was gone through twice is one series.
  const sums = new Map<string, number>();
  for (const { name, milliseconds } of stages) sums.set(name, (sums.get(name) ?? 0) + milliseconds);
  return [...sums].map(([stage, milliseconds]) => ({
    name: 'lifeboat_stage_duration_seconds',
    stage,
    value: milliseconds / 1000,
  }));
}

function backupSamples(report: BackupReport): Sample[] {
  return samplesOf({
    lifeboat_database_size_bytes: report.databaseSize,
    lifeboat_backup_dump_bytes: report.plainSize,
    lifeboat_backup_stored_bytes: report.storedSize,
    lifeboat_backup_tables: report.tables,
    lifeboat_backup_rows: report.rows,
  });
}

function restoreTestSamples(report: RestoreTestReport): Sample[] {
  const proven = report.verdict === 'proven';
  return [
    ...restoreDuration(report),
    ...samplesOf({
      lifeboat_restore_test_proven: proven ? 1 : 0,
      lifeboat_last_proven_timestamp_seconds: proven ? seconds(new Date(report.finished)) : null,
      lifeboat_last_proven_backup_timestamp_seconds: proven ? startSeconds(report.id) : null,
    }),
  ];
}

function restoreDuration({ restoreTime }: { restoreTime: number | null }): Sample[] {
  return samplesOf({ lifeboat_restore_duration_seconds: restoreTime === null ? null : restoreTime / 1000 });
}

/** A store that failed has nothing new, so that what was last told of it stays. */
function inStores(report: Ending['report'], set: string): [url: string, samples: Sample[]][] {
  if (report?.command === 'backup') {
    const newest = samplesOf({ lifeboat_newest_backup_timestamp_seconds: startSeconds(report.id) });
    return report.stores.filter(({ error }) => error === null).map(({ url }) => [url, newest]);
  }
  if (report?.command !== 'list') return [];
  return report.stores.filter(({ error }) => error === null).map((store) => [store.url, listed(store, set)]);
}

function listed({ sets }: ListedStore, set: string): Sample[] {
  const backups = sets.find(({ name }) => name === set)?.backups ?? [];
  const newest = backups.find(({ newestComplete }) => newestComplete);
  const proven = backups.find(({ newestProven }) => newestProven);
  return samplesOf({
    lifeboat_backups: backups.filter(({ complete }) => complete).length,
    lifeboat_backups_stored_bytes: backups.reduce((sum, { size }) => sum + size, 0),
    lifeboat_newest_backup_timestamp_seconds: newest === undefined ? 0 : startSeconds(newest.id),
    lifeboat_newest_proven_backup_timestamp_seconds: proven === undefined ? 0 : startSeconds(proven.id),
  });
}

function samplesOf(values: { [N in MetricName]?: Sample['value'] | null }): Sample[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === null ? [] : [{ name: name as MetricName, value }],
  );
}

function seconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

function startSeconds(id: string): number | null {
  const start = startOf(id);
  return start === null ? null : seconds(start);
}
