import { startOf } from '../formats/id.ts';

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

export interface Sample {
  name: MetricName;
  stage?: string;
  /** Rows are digits: may be beyond what a number holds. */
  value: number | string;
}

/** When and how something was last tried. */
export interface Attempt {
  failed: boolean;
  ended: Date;
  /** Milliseconds. */
  duration: number;
}

/** What a command measured of one set. */
export interface MeasuredSet {
  /** null: the set that the run is about. */
  set: string | null;
  /** When it was not the run's own. */
  attempt?: Attempt;
  samples: Sample[];
  /** What is said of one store. */
  stores: { url: string; samples: Sample[] }[];
}

/** Of a run that measured nothing but when it was tried, and how that ended. */
export const ATTEMPT_ONLY: MeasuredSet = { set: null, samples: [], stores: [] };

export function stageSamples(stages: { name: string; milliseconds: number }[]): Sample[] {
  // A stage that was gone through twice is one series.
  const sums = new Map<string, number>();
  for (const { name, milliseconds } of stages) sums.set(name, (sums.get(name) ?? 0) + milliseconds);
  return [...sums].map(([stage, milliseconds]) => ({
    name: 'lifeboat_stage_duration_seconds',
    stage,
    value: milliseconds / 1000,
  }));
}

/** `restoreTime` is milliseconds; null: nothing was restored. */
export function restoreSamples(restoreTime: number | null): Sample[] {
  return samplesOf({ lifeboat_restore_duration_seconds: restoreTime === null ? null : restoreTime / 1000 });
}

/** Those that are known. */
export function samplesOf(values: { [N in MetricName]?: Sample['value'] | null }): Sample[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === null ? [] : [{ name: name as MetricName, value }],
  );
}

export function unixSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

/** When the backup with this id was begun, as a Unix time; null: the id does not say. */
export function startSeconds(id: string): number | null {
  const start = startOf(id);
  return start === null ? null : unixSeconds(start);
}
