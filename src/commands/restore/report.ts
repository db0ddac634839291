import type { RestoreTestReport } from '../restore-test/report.ts';
import type { RestoredPart } from '../shared/backup-selection.ts';

/** What a restore did, or would do; the JSON report is this. Times are milliseconds. */
export interface RestoreReport
  extends Pick<
    RestoreTestReport,
    | 'id'
    | 'name'
    | 'store'
    | 'signatureVerified'
    | 'findings'
    | 'verified'
    | 'notVerified'
    | 'tables'
    | 'started'
    | 'finished'
    | 'duration'
    | 'restoreTime'
    | 'stages'
  > {
  command: 'restore';
  /** The database that was to be restored. */
  target: string;
  /** null: all of the backup. */
  part: RestoredPart | null;
  /** When the backup was begun. */
  created: string;
  serverVersion: string;
  dryRun: boolean;
  /** What was to be done, step by step. */
  plan: string[];
  /** null: nothing was restored. */
  verdict: RestoreTestReport['verdict'] | null;
  /** The name under which what was restored can be found. */
  restoredDatabase: string | null;
  /** The live database was replaced. */
  replaced: boolean;
  /** What the old one is called now. */
  previousDatabase: string | null;
  /** Which of the user's commands after the swap did not do their work, in words. */
  commandFailures: string[];
  createdRoles: string[];
  /** The folder in which the file trees are, each in a folder of its label; null: none was unpacked. */
  filesTo: string | null;
}
