import type { About } from '../report/progress.ts';
import type { MeasuredSet } from './samples.ts';

/** Why the step is red, as its annotation says it. */
export interface Failure {
  title: string;
  message: string;
}

/** What notifiers say of a command's result beside whether it is red. */
export interface ResultFacts {
  /** The id of the backup that the result is about; null: none, or several. */
  backup: string | null;
  /** Of a restore test or a restore; null: there is none. */
  verdict: string | null;
  /** It is good, and the run before this one was not, as a record in the store says. */
  recovered: boolean;
  /** A sentence with the result, for the message that a failure is over; null: the command's name says it. */
  sentence: string | null;
}

export const NO_FACTS: ResultFacts = { backup: null, verdict: null, recovered: false, sentence: null };

/** How a run ended: what webhook, mail, heartbeat and metrics report. */
export interface RunResult {
  command: string;
  /** null: the step is green. */
  failure: Failure | null;
  /** It was cancelled, by a person or by a time limit: the runner does not say which. */
  cancelled: boolean;
  facts: ResultFacts;
  /** What was measured, by set. */
  measured: MeasuredSet[];
  about: About;
  ended: Date;
  /** Milliseconds. */
  duration: number;
}
