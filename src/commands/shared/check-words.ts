import type { Status } from '../../formats/health/rule.ts';

/** What a check comes to: every rule passed, or the worst of them. */
export type CheckResult = 'passed' | 'warning' | 'failed';

export const WORDS: Record<Status, { symbol: string; word: string }> = {
  passed: { symbol: '✅', word: 'ok' },
  warning: { symbol: '⚠️', word: 'WARNING' },
  failed: { symbol: '❌', word: 'FAILED' },
  'not-evaluated': { symbol: '⚠️ not evaluated', word: 'not evaluated' },
  off: { symbol: '', word: 'off' },
};

export const HEADLINES: Record<CheckResult, string> = {
  passed: '✅ The backups are what is demanded',
  warning: '⚠️ Something is to be looked at',
  failed: '❌ The backups are not what is demanded',
};
