import { expect, test } from '@jest/globals';
import { delayBefore, type RetryPolicy, retryTransient } from '../../../../src/store/s3/retry.ts';

const TRANSIENT = new Error('transient');

function policy(changes: Partial<RetryPolicy> = {}): RetryPolicy & { retries: number[] } {
  const retries: number[] = [];
  return {
    attempts: 4,
    firstDelay: 1,
    longestDelay: 4,
    signal: new AbortController().signal,
    isTransient: (error) => error === TRANSIENT,
    onRetry: (_, next) => retries.push(next),
    retries,
    ...changes,
  };
}

/** Fails this often, then resolves with the number of the attempt. */
function failing(times: number, error: unknown = TRANSIENT): () => Promise<number> {
  let attempts = 0;
  return async () => {
    if (++attempts <= times) throw error;
    return attempts;
  };
}

test.each([0, 1, 3])('%i transient failures', async (times) => {
  const its = policy();
  expect(await retryTransient(failing(times), its)).toBe(times + 1);
  expect(its.retries).toEqual([2, 3, 4].slice(0, times));
});

test('the last failure counts when the attempts are used up', async () => {
  const its = policy();
  await expect(retryTransient(failing(4), its)).rejects.toBe(TRANSIENT);
  expect(its.retries).toEqual([2, 3, 4]);
});

test('another failure counts at once', async () => {
  const its = policy();
  const error = new Error('for good');
  await expect(retryTransient(failing(1, error), its)).rejects.toBe(error);
  expect(its.retries).toEqual([]);
});

test('a cancellation ends the wait, with the failure before it', async () => {
  const controller = new AbortController();
  const its = policy({ firstDelay: 60_000, longestDelay: 60_000, signal: controller.signal });
  const outcome = retryTransient(failing(1), its);
  setTimeout(() => controller.abort(), 20);
  await expect(outcome).rejects.toBe(TRANSIENT);
  expect(its.retries).toEqual([2]);
});

test('waits double, up to the longest, and half of each is chance', () => {
  const waits = (attempt: number) =>
    Array.from({ length: 200 }, () => delayBefore(attempt, { firstDelay: 500, longestDelay: 20_000 }));
  for (const [attempt, full] of [
    [2, 500],
    [3, 1_000],
    [6, 8_000],
    [8, 20_000],
    [40, 20_000],
  ] as const) {
    const all = waits(attempt);
    expect(Math.min(...all)).toBeGreaterThanOrEqual(full / 2);
    expect(Math.max(...all)).toBeLessThanOrEqual(full);
    expect(new Set(all).size).toBeGreaterThan(20);
  }
});
