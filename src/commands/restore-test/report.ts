import type { Finding } from '../../formats/restore-test/finding.ts';
import type { Verdict } from '../../formats/restore-test/record.ts';

/** What a restore test tells people and later steps; the JSON report is this. Times are milliseconds, sizes bytes. */
export interface RestoreTestReport {
  command: 'restore-test';
  verdict: Verdict;
  /** It is proven, and the set's restore test before this one was red, by its record. */
  recovered: boolean;
  /** Of the backup. */
  id: string;
  name: string;
  database: string | null;
  /** When the backup was begun. */
  created: string | null;
  store: string;
  manifestSha256: string;
  signed: boolean;
  signatureVerified: boolean;
  sourceVersion: string | null;
  scratchServer: string | null;
  /** What stood between the backup's code and the machine; null: a server of scratch-url, or none. */
  isolation: 'container' | 'bubblewrap' | 'another user' | 'none' | null;
  started: string;
  finished: string;
  duration: number;
  restoreTime: number | null;
  stages: { name: string; milliseconds: number }[];
  /** The name of the database that was kept for later steps. */
  keptDatabase: string | null;
  /** Of the stored bytes, how many came from the Actions cache instead of the store. */
  cachedSize: number;
  storedSize: number | null;
  plainSize: number | null;
  /** Worst first. */
  findings: Finding[];
  /** Objectives that were missed, in words: they make the step red, not the backup worse. */
  missed: string[];
  verified: string[];
  notVerified: string[];
  tables: { schema: string; name: string; expected: string | null; restored: string | null; equal: boolean }[];
  /** Where the record was kept, or why not; none when bytes came from the cache, for then it says nothing of the store. */
  records: { url: string; file: string | null; error: string | null }[];
}
