import { countOf } from '../../units.ts';
import { damageOf, type SetFacts } from './facts.ts';
import { failed, notEvaluated, passed, type Rule } from './rule.ts';

/** Every file that the manifest names is there and has its size, for the newest backups and the newest proven one. */
export const parts: Rule<SetFacts> = {
  name: 'parts',
  judge({ newest, proven }) {
    const isNewest = newest.some(({ listed }) => listed.id === proven?.listed.id);
    const examined = proven === null || isNewest ? newest : [...newest, proven];
    const damaged = examined.flatMap((backup) => damageOf(backup).map((what) => `${backup.listed.id}: ${what}.`));
    if (damaged.length > 0) {
      return failed(
        damaged,
        'Do not use these; restore from another backup, or from another store. Find out what removed or changed the files.',
      );
    }
    // What is not the manifest of its backup names no parts.
    const known = examined.filter(({ manifest }) => manifest.kind === 'good');
    const denied = examined.filter(({ manifest }) => manifest.kind === 'denied').length;
    if (denied > 0) {
      return notEvaluated([`No names are missing; what ${denied} manifests say may not be read.`], 'See manifests.');
    }
    const files = known.reduce((sum, backup) => sum + backup.files.length, 0);
    return passed(`${countOf(files, 'file')} of ${countOf(known.length, 'backup')} are there, of the right size.`);
  },
};
