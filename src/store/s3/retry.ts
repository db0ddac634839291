import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryPolicy {
  attempts: number;
  /** Milliseconds, as `longestDelay`. */
  firstDelay: number;
  longestDelay: number;
  signal: AbortSignal;
  isTransient(error: unknown): boolean;
  /** Called before each wait; `next` is the number of the attempt that follows it, from 2 on. */
  onRetry(error: unknown, next: number, delay: number): void;
}

/** Tries until it succeeds, the failure is not transient, the attempts are used up or the signal is aborted. */
export async function retryTransient<T>(attempt: () => Promise<T>, policy: RetryPolicy): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt();
    } catch (error) {
      if (number >= policy.attempts || policy.signal.aborted || !policy.isTransient(error)) throw error;
      const delay = delayBefore(number + 1, policy);
      policy.onRetry(error, number + 1, delay);
      await sleep(delay, undefined, { signal: policy.signal }).catch(() => {
        throw error;
      });
    }
  }
}

/** Exponential; half of it is random, so that parts which failed together do not come back together. */
export function delayBefore(attempt: number, policy: Pick<RetryPolicy, 'firstDelay' | 'longestDelay'>): number {
  const full = Math.min(policy.longestDelay, policy.firstDelay * 2 ** (attempt - 2));
  return Math.round(full * (0.5 + Math.random() / 2));
}
