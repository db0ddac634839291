import type { TreeCounts } from '../../formats/inventory/file-tree.ts';
import type { Manifest } from '../../formats/manifest.ts';
import type { Trend } from '../../report/trend.ts';
import type { StoreRetention } from '../prune/report.ts';

/** What a finished backup tells people and later steps; the JSON report is this. */
export interface BackupReport {
  command: 'backup';
  id: string;
  name: string;
  database: string;
  serverVersion: string;
  clientVersion: string;
  created: string;
  finished: string;
  /** Milliseconds. */
  duration: number;
  stages: { name: string; milliseconds: number }[];
  /** Bytes, as the server says. */
  databaseSize: number;
  plainSize: number;
  storedSize: number;
  tables: number;
  /** Digits: may be beyond what a number holds. */
  rows: string;
  sequences: number;
  largeObjects: string;
  objects: number;
  /** Most rows first. */
  largestTables: { schema: string; name: string; rows: string | null; bytes: number }[];
  /** Tables that no query may read, because it would run a user's code: their rows were counted in the dump alone. */
  countedInDump: { schema: string; name: string; reason: string }[];
  /** The role that made the backup is a superuser. */
  superuser: boolean;
  parts: { name: string; plain: number; stored: number; volumes: number }[];
  files: (TreeCounts & { label: string /** What is to be said of how it was read. */; notes: string[] })[];
  encryption: Manifest['encryption'];
  signed: boolean;
  notIncluded: string[];
  stores: {
    url: string;
    /** The folder of the backup. */
    location: string;
    manifest: string;
    uploaded: Manifest['uploaded'];
    previous: Manifest['previous'];
    noPrevious: Manifest['noPrevious'];
    lockedUntil: string | null;
    /** Why this store has no backup of this run; null when it has. */
    error: string | null;
    /** What became of older backups; null: no rule is given, or this backup could not be read back. */
    retention: StoreRetention | null;
  }[];
  /** null: it is not known, because these credentials may not list, it took too long, or this backup is the first. */
  trend: Trend | null;
}
