import type { Failure, ResultFacts } from '../../notify/run-result.ts';
import type { MeasuredSet } from '../../notify/samples.ts';

/** Everything that a command shows and outputs when it has come to a result. */
export interface Presentation {
  /** What the step comes to. */
  status: 'good' | 'failed' | 'could-not-verify' | 'cancelled';
  /** The annotation: an error, or a warning when the status is good. null: there is nothing to say. */
  problem: Failure | null;
  /** For later steps, by name. */
  outputs: Record<string, string | number>;
  /** For the log, as plain text. */
  lines: string[];
  /** Markdown for the job summary. */
  summary: string;
  /** The JSON report and where it is written; null: there is none. */
  report: { path: string; content: object } | null;
  /** The page that `report-html` asks for. */
  page: { path: string; html: string } | null;
  facts: ResultFacts;
  measured: MeasuredSet[];
}

/** What `present` may need beside the result. */
export interface PresentContext<S> {
  settings: S;
  /** Whether the run has been cancelled meanwhile. */
  cancelled: boolean;
  version: string;
  /** Where a JSON report of this name is written. */
  reportPath(name: string): string;
}

/** A point in time, as a part of a file's name. */
export function fileTime(time: string): string {
  return time.replace(/[-:.]/g, '');
}

/** Milliseconds as the whole seconds of an output; empty when they are not known. */
export function secondsOutput(milliseconds: number | null): number | string {
  return milliseconds === null ? '' : Math.round(milliseconds / 1000);
}

/** Each store that failed with its error, in one line; null: none did. */
export function failedStores(stores: { url: string; error: string | null }[]): string | null {
  const failures = stores.filter(({ error }) => error !== null);
  return failures.length === 0 ? null : failures.map(({ url, error }) => `${url}: ${error}`).join(' ');
}
