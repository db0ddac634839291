import { formatAge } from '../../units.ts';
import { type SetFacts, validBackups } from './facts.ts';
import { failed, type Outcome, passed, type Rule } from './rule.ts';

const LOOK = 'Look at the last runs of the backup: did one start, and why did it fail?';

/** There is a backup that counts, and it is not older than `max-age`. */
export const newestBackup: Rule<SetFacts> = {
  name: 'newest backup',
  judge(facts, requirements, now) {
    const [newest] = validBackups(facts.newest, requirements);
    if (newest === undefined) return noBackupOutcome(facts, requirements.signed);
    const { id, created } = newest.listed;
    const age = now.getTime() - Date.parse(created);
    const newer = facts.newest.indexOf(newest);
    const found = [
      `${id} is ${formatAge(Math.max(0, age) / 1000)} old.`,
      ...(newer === 0 ? [] : [`${newer} newer do not count: see manifests and parts.`]),
      ...(requirements.maxAge === null ? [] : [`At most ${formatAge(requirements.maxAge / 1000)} is allowed.`]),
    ];
    return requirements.maxAge !== null && age > requirements.maxAge ? failed(found, LOOK) : passed(...found);
  },
};

function noBackupOutcome({ name, newest, backups, otherSets }: SetFacts, signed: boolean): Outcome {
  if (newest.length > 0) {
    const why = signed ? 'with a good signature and all its parts' : 'that is whole';
    return failed(
      [
        `${newest.length === 1 ? 'The only backup is not one' : `None of the newest ${newest.length} backups is one`} ${why}: see manifests and parts.`,
      ],
      LOOK,
    );
  }
  const unfinished = backups.filter(({ fromFuture }) => !fromFuture).length;
  const begun = unfinished === 0 ? [] : [`${unfinished} were begun and have no manifest.`];
  const others = otherSets.length === 0 ? [] : [`Sets may be: ${otherSets.slice(0, 20).join(', ')}.`];
  return failed(
    [`There is no backup of set ${name}.`, ...begun, ...others],
    otherSets.length === 0 ? LOOK : 'Correct name, or look at the last runs of the backup.',
  );
}
