import type { BackupReport } from './backup-report.ts';
import type { CheckReport } from './check-report.ts';
import type { DatabasesReport } from './databases-report.ts';
import type { HoldReport } from './hold-report.ts';
import type { ListReport } from './list-report.ts';
import type { About } from './progress.ts';
import type { PruneReport } from './prune-report.ts';
import type { RestoreReport } from './restore-report.ts';
import type { RestoreTestReport } from './restore-test-report.ts';

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
