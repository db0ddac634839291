import { formatAge } from '../../units.ts';
import type { SetFacts } from './facts.ts';
import { failed, off, passed, type Rule, warning } from './rule.ts';

/** The newest restore test passed, and is not older than `max-restore-test-age`. */
export const restoreTest: Rule<SetFacts> = {
  name: 'restore test',
  judge({ tests: { newest, uncounted } }, { maxRestoreTestAge, signed }, now) {
    const forged = uncounted.map((why) => `Does not count: ${why}`);
    const sign = signed
      ? 'Give signing-key to the restore test; else find out who wrote such a record.'
      : 'Find out who wrote such a record, and run a restore test.';
    if (newest === null) {
      if (forged.length > 0) return failed(forged, sign);
      if (maxRestoreTestAge === null) return off('max-restore-test-age demands one');
      return failed(['No backup has been tested by restoring it.'], 'Run restore-test, and let a schedule repeat it.');
    }
    const age = now.getTime() - Date.parse(newest.time);
    const found = [
      `The newest, ${formatAge(Math.max(0, age) / 1000)} ago, of ${newest.id}: ${newest.verdict}.`,
      ...(maxRestoreTestAge === null ? [] : [`At most ${formatAge(maxRestoreTestAge / 1000)} ago is demanded.`]),
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
    return forged.length > 0 ? warning([...forged, ...found], sign) : passed(...found);
  },
};
