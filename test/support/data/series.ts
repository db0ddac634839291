import type { KeepRules } from '../../../src/formats/retention/rules.ts';

export const NO_RULES: KeepRules = {
  last: null,
  within: null,
  hourly: null,
  daily: null,
  weekly: null,
  monthly: null,
  yearly: null,
};

/** Numbers from 0 to 1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** Seconds of keep-within. */
const WINDOWS = [26 * 3_600, 7 * 86_400, 30 * 86_400];

/**
 * Times of backups, whole seconds, no two the same, none after `end`: regular ones with gaps, several in one hour, months
 * without any, at moments where days, weeks, months and years end.
 */
export function randomSeries(seed: number, end: Date): Date[] {
  const random = randomNumbers(seed);
  const usual = [3_600, 6 * 3_600, 86_400, 7 * 86_400][seed % 4] ?? 86_400;
  let time = Math.floor(end.getTime() / 1000) - Math.floor(random() * usual);
  // At the very end of a window, and within it by a second.
  const times = new Set([time, ...WINDOWS.flatMap((window) => [time - window, time - window + 1])]);
  const length = 120 + Math.floor(random() * 200);
  while (times.size < length) {
    times.add(time);
    const what = random();
    if (what < 0.04) time -= Math.floor(random() * 90 * 86_400);
    else if (what < 0.1) time -= 1 + Math.floor(random() * 600);
    else if (what < 0.2) time = midnightBefore(time) - (random() < 0.5 ? 0 : 1);
    else time -= Math.max(1, Math.floor(usual * (0.9 + random() / 5)));
  }
  return [...times].sort((a, b) => b - a).map((seconds) => new Date(seconds * 1000));
}

function midnightBefore(seconds: number): number {
  return Math.floor((seconds - 1) / 86_400) * 86_400;
}
