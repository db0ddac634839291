import { LifeboatError } from '../../errors.ts';
import { hasRule, type KeepRules } from '../../formats/retention/rules.ts';
import { quote } from '../../text.ts';
import { optional, type Parsers, type ValuesOf } from '../schema.ts';
import { parseDuration } from './duration.ts';

/** The inputs that say which backups stay: restic's names and meanings. */
export const keepInputs = {
  'keep-last': optional(parseAmount),
  'keep-within': optional(parseWindow),
  'keep-hourly': optional(parseAmount),
  'keep-daily': optional(parseAmount),
  'keep-weekly': optional(parseAmount),
  'keep-monthly': optional(parseAmount),
  'keep-yearly': optional(parseAmount),
} satisfies Parsers;

/** The rules that are given; null when none is. */
export function keepRulesOf(inputs: ValuesOf<typeof keepInputs>): KeepRules | null {
  const rules = {
    last: inputs.keepLast,
    within: inputs.keepWithin,
    hourly: inputs.keepHourly,
    daily: inputs.keepDaily,
    weekly: inputs.keepWeekly,
    monthly: inputs.keepMonthly,
    yearly: inputs.keepYearly,
  };
  return hasRule(rules) ? rules : null;
}

function parseAmount(text: string): number {
  if (text === 'unlimited') return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new LifeboatError(
    `${quote(text)} is no number of backups to keep. Write a whole number from 1 to 999999, or unlimited; leave the input out when you do not want the rule.`,
  );
}

/** Milliseconds. To restic `m` is a month, to our durations a minute: whoever writes it may lose backups. */
function parseWindow(text: string): number {
  const milliseconds = /^\d+[hd]$/.test(text) ? parseDuration(text) : 0;
  if (milliseconds > 0) return milliseconds;
  throw new LifeboatError(
    `${quote(text)} does not say how far back backups are kept. Write days or hours, such as 30d or 26h; for restic's 1y6m write 548d.`,
  );
}
