import type { DatabasesReport } from '../commands/backup/databases/report.ts';
import type { BackupReport } from '../commands/backup/report.ts';
import type { CheckReport } from '../commands/check/report.ts';
import type { HoldReport } from '../commands/hold/report.ts';
import type { ListReport } from '../commands/list/report.ts';
import type { PruneReport } from '../commands/prune/report.ts';
import type { RestoreReport } from '../commands/restore/report.ts';
import type { RestoreTestReport } from '../commands/restore-test/report.ts';
import type { About } from './progress.ts';

/** What a command tells when it has come to an end; the JSON report is one of these. */
export type Report =
  | BackupReport
  | DatabasesReport
  | RestoreTestReport
  | RestoreReport
  | ListReport
  | CheckReport
  | PruneReport
  | HoldReport;

/** How a run ended: what webhook, heartbeat and metrics tell. */
export interface Ending {
  command: string;
  /** What the step is red for, as its annotation says it; null: it is green. */
  failure: { title: string; message: string } | null;
  /** It was cancelled, by a person or by a time limit: the runner does not say which. */
  cancelled: boolean;
  /** What it came to; null: to nothing. */
  report: Report | null;
  about: About;
  ended: Date;
  /** Milliseconds. */
  duration: number;
}
