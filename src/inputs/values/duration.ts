import { LifeboatError } from '../../errors.ts';
import { quote } from '../../text.ts';

const MILLISECONDS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DAY = 86_400_000;

/** `90s`, `15m`, `26h`, `30d` in milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  if (!match) {
    throw new LifeboatError(
      `${quote(text)} is not a duration. Write a whole number and a unit (s, m, h or d) without a space, such as 90s, 15m, 26h or 30d.`,
    );
  }
  return Number(match[1]) * (MILLISECONDS[match[2] ?? ''] ?? 0);
}

/** How long something is waited for. A day is the most: timers of JavaScript overflow after 24 days and then fire at once. */
export function parseTimeout(text: string): number {
  const duration = parseDuration(text);
  if (duration < 1000 || duration > DAY) {
    throw new LifeboatError(`${quote(text)} is out of range. Write a duration from 1s to 24h, such as 5m.`);
  }
  return duration;
}
