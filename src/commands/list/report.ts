import type { ListedBackup } from '../../formats/listing.ts';
import type { Trend } from '../../report/trend.ts';

/** What a listing tells people and later steps; the JSON report is this. `duration` is milliseconds, sizes bytes. */
export interface ListReport {
  command: 'list';
  /** The set that was asked for; null: all. */
  name: string | null;
  started: string;
  finished: string;
  duration: number;
  stores: ListedStore[];
}

export interface ListedStore {
  url: string;
  /** Why it could not be listed. */
  error: string | null;
  /** Those that have backups. */
  sets: ListedSet[];
  /** What is not Lifeboat's: folders beside the sets, objects in the sets' folders. */
  ignored: { folders: number; objects: number };
  /** Which folders there are, when the set that was asked for has no backup. */
  otherFolders: string[];
}

export interface ListedSet {
  name: string;
  /** Newest first. */
  backups: ListedBackup[];
  trend: Trend;
}

/** The newest so many, and those that people look for: the newest complete and the newest proven one. */
export function newestOf(backups: ListedBackup[], most: number): ListedBackup[] {
  return backups.filter(({ newestComplete, newestProven }, index) => index < most || newestComplete || newestProven);
}

/** The most backups of a set in the output. */
const MOST = 500;
/** Outputs of a job are limited to 1 MB, counted in UTF-16 (GitHub, "Workflow syntax", jobs.<job_id>.outputs). */
const LONGEST = 400_000;

/** The output `backups`: all stores in one list, newest first in each set. `most`: so many of a set, when some are left out. */
export function backupsOutput({ stores }: { stores: Pick<ListedStore, 'url' | 'sets'>[] }): {
  json: string;
  most: number | null;
} {
  for (let most = MOST; ; most = Math.floor(most / 2)) {
    const sets = stores.flatMap(({ url, sets }) =>
      sets.map((set) => ({ url, ...set, shown: newestOf(set.backups, most) })),
    );
    const json = JSON.stringify(
      sets.flatMap(({ url, name, shown }) =>
        shown.map((backup) => ({ store: url, name, ...backup, parts: backup.parts.map((part) => part.name) })),
      ),
    );
    const isCut = sets.some(({ backups, shown }) => shown.length < backups.length);
    if (json.length <= LONGEST || most === 0) return { json, most: isCut ? most : null };
  }
}
