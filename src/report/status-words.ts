import type { Status } from '../formats/health/rule.ts';

/** How the result of a rule of `check` is shown: as a sign, and as a word. */
export const STATUS_WORDS: Record<Status, { symbol: string; word: string }> = {
  passed: { symbol: '✅', word: 'ok' },
  warning: { symbol: '⚠️', word: 'WARNING' },
  failed: { symbol: '❌', word: 'FAILED' },
  'not-evaluated': { symbol: '⚠️ not evaluated', word: 'not evaluated' },
  off: { symbol: '', word: 'off' },
};
