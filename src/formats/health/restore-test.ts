import { formatAge } from '../../units.ts';
import type { SetFacts } from './facts.ts';
import { failed, notRequested, passed, type Rule, warning } from './rule.ts';

/** The newest restore test passed, and is not older than `max-restore-test-age`. */
export const restoreTest: Rule<SetFacts> = {
  name: 'restore test',
  judge({ tests: { newest, uncounted } }, { maxRestoreTestAge, signed }, now) {
    const forged = describeUncounted(uncounted);
    const sign = signed
      ? 'Give signing-key to the restore test. If it has one, a record was changed, damaged or written by someone else: find out by whom, and run a restore test.'
      : 'Find out who wrote such a record, and run a restore test.';
    if (newest === null) {
      if (forged.length > 0) return failed(forged, sign);
      if (maxRestoreTestAge === null) return notRequested('max-restore-test-age requires one');
      return failed(['No backup has been tested by restoring it.'], 'Run restore-test, and let a schedule repeat it.');
    }
    const age = now.getTime() - Date.parse(newest.time);
    const found = [
      `The newest, ${formatAge(Math.max(0, age) / 1000)} ago, of ${newest.id}: ${newest.verdict}.`,
      ...(maxRestoreTestAge === null ? [] : [`At most ${formatAge(maxRestoreTestAge / 1000)} ago is allowed.`]),
    ];
    if (newest.verdict !== 'proven') {
      return failed(
        [...found, ...forged],
        `Read what it found in its record, ${newest.id}/${newest.file}, or its run.`,
      );
    }
    if (maxRestoreTestAge !== null && age > maxRestoreTestAge) {
      return failed([...found, ...forged], 'Look at the last runs of the restore test: did one start?');
    }
    if (forged.length === 0) return passed(...found);
    // Where records are signed, a newer one that does not count may be a failure that was changed.
    return signed ? failed([...forged, ...found], sign) : warning([...forged, ...found], sign);
  },
};

/** So many are named. */
const MOST_NAMED = 5;

function describeUncounted(uncounted: string[]): string[] {
  const named = uncounted.slice(0, MOST_NAMED).map((why) => `Does not count: ${why}`);
  const others = uncounted.length - named.length;
  return others === 0 ? named : [...named, `${others} more do not count.`];
}
