import type { RunResult } from './run-result.ts';
import { type Attempt, type Sample, samplesOf, unixSeconds } from './samples.ts';

/**
 * Series that are replaced together: a run replaces every series of its group that has one of the names it writes, and no
 * other. What a failed run has nothing to say about stays as it was.
 */
export interface MetricGroup {
  labels: { set: string; command: string; store?: string };
  samples: Sample[];
}

/** The disk of a file store, in bytes. */
export interface StoreSpace {
  url: string;
  free: number;
  size: number;
}

/** What a run reports: of each set, and of each store by itself. None when no set is known. */
export function metricsOf(result: RunResult, space: StoreSpace[]): MetricGroup[] {
  const { command, about, measured, failure, ended, duration } = result;
  const own: Attempt = { failed: failure !== null, ended, duration };
  return measured.flatMap(({ set = null, attempt = own, samples, stores }): MetricGroup[] => {
    const name = set ?? about.set;
    if (name === null) return [];
    return [
      { labels: { set: name, command }, samples: [...attemptSamples(attempt), ...samples] },
      ...stores.map(({ url, samples }) => ({ labels: { set: name, command, store: url }, samples })),
      ...space.map(({ url, free, size }) => ({
        labels: { set: name, command, store: url },
        samples: samplesOf({ lifeboat_store_free_bytes: free, lifeboat_store_size_bytes: size }),
      })),
    ];
  });
}

function attemptSamples({ failed, ended, duration }: Attempt): Sample[] {
  return samplesOf({
    lifeboat_last_attempt_timestamp_seconds: unixSeconds(ended),
    lifeboat_last_attempt_success: failed ? 0 : 1,
    lifeboat_last_attempt_duration_seconds: Math.round(duration) / 1000,
    lifeboat_last_success_timestamp_seconds: failed ? null : unixSeconds(ended),
  });
}
