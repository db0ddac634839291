import type { SetFacts } from './facts.ts';
import { passed, type Rule, warning } from './rule.ts';

/** Nothing is from the future: what is does not count as the newest, and hides that nothing newer came. */
export const clock: Rule<SetFacts> = {
  name: 'clock',
  judge({ backups, tests }) {
    const found = [
      ...backups.filter(({ fromFuture }) => fromFuture).map(({ id }) => `Backup ${id} is from the future.`),
      ...tests.fromFuture.map((id) => `A restore test of ${id} is from the future.`),
    ];
    if (found.length === 0) return passed('Nothing is from the future.');
    return warning(found, 'Check the clock of the machine that made it, and of this one. It does not count.');
  },
};
