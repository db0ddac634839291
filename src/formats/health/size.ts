import { formatBytes } from '../../units.ts';
import { type SetFacts, validBackups } from './facts.ts';
import { failed, notEvaluated, notRequested, passed, type Rule, warning } from './rule.ts';

/** With how many backups before it the newest is compared. */
const BEFORE = 10;

/** The newest backup is not smaller by more than `max-shrink` than those before it; growth as large is a warning. */
export const size: Rule<SetFacts> = {
  name: 'size',
  judge(facts, requirements) {
    const { maxShrink } = requirements;
    if (maxShrink === null) return notRequested('max-shrink');
    const [newest, ...older] = validBackups(facts.newest, requirements).map(({ listed }) => listed);
    const before = older.slice(0, BEFORE).map((backup) => backup.size);
    const usual = median(before);
    if (newest === undefined || usual === 0) {
      return notEvaluated(['There are no earlier backups to compare with.'], 'Nothing: the next backups bring them.');
    }
    const change = ((newest.size - usual) / usual) * 100;
    const found = `${newest.id} has ${formatBytes(newest.size)}, ${inWords(change)} the median of the ${before.length} before it (${formatBytes(usual)}).`;
    if (newest.size * 100 < usual * (100 - maxShrink)) {
      return failed(
        [found],
        'Look whether the database has lost data, or the backup leaves something out; keep the older backups until you know.',
      );
    }
    if (newest.size * 100 > usual * (100 + maxShrink)) {
      return warning([found], 'Look whether the database is meant to grow like this.');
    }
    return passed(found);
  },
};

/** 0 of none. */
export function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

function inWords(percent: number): string {
  const size = Math.abs(percent);
  if (size < 0.05) return 'as much as';
  return `${size.toFixed(size < 10 ? 1 : 0)} % ${percent < 0 ? 'less' : 'more'} than`;
}
