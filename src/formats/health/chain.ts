import { isCommitted, type ScannedBackup, type SetFacts } from './facts.ts';
import { failed, notEvaluated, passed, type Rule } from './rule.ts';

/** A backup names the one that was the newest in this store when it was made. */
export interface Link {
  id: string;
  previous: { id: string; manifestSha256: string };
  /** Another manifest lies in its place. */
  replaced: boolean;
}

/** Every backup that the newest ones name as the one before them is there, or a prune record says that it was deleted. */
export const chain: Rule<SetFacts> = {
  name: 'chain',
  judge(facts) {
    const { newest, chain } = facts;
    const broken = brokenLinks(facts);
    const lost = broken.filter((link) => !isPruned(link, chain.pruned));
    const found = lost.map(inWords);
    const isUnknown = chain.unread !== null && lost.every(({ replaced }) => !replaced);
    if (lost.length > 0 && isUnknown) {
      return notEvaluated([...found, chain.unread ?? ''], 'Give credentials that may read what prunes wrote down.');
    }
    if (lost.length > 0) {
      return failed(
        [...found, ...chain.uncounted],
        'Find out who did: the log of the bucket, a lifecycle rule, a disk set back to a snapshot. What the command prune deletes it writes down.',
      );
    }
    const unknown = newest.filter(({ manifest }) => !isKnown(manifest)).length;
    if (unknown > 0) {
      return notEvaluated(
        [`${unknown} of the newest ${newest.length} do not tell which backup was before them.`],
        'Credentials that may list and read tell it, when the backup is made and here (s3:ListBucket, s3:GetObject).',
      );
    }
    const pruned = broken.length === 0 ? '' : `; ${broken.length} of them were pruned`;
    return passed(`The backups before the newest ${newest.length} are known${pruned}.`);
  },
};

/** What the newest backups name and the store does not hold, or not as it was. */
export function brokenLinks({ newest, backups }: Pick<SetFacts, 'newest' | 'backups'>): Link[] {
  const there = new Set(backups.filter(isCommitted).map(({ id }) => id));
  const digests = new Map(newest.map(({ listed, manifestSha256 }) => [listed.id, manifestSha256]));
  return newest.flatMap(({ listed, manifest }) => {
    const previous = manifest.kind === 'good' ? manifest.manifest.previous : null;
    if (previous === null) return [];
    const digest = digests.get(previous.id) ?? null;
    const replaced = digest !== null && digest !== previous.manifestSha256;
    return there.has(previous.id) && !replaced ? [] : [{ id: listed.id, previous, replaced }];
  });
}

/** A manifest that does not count says nothing; the rule about manifests tells of it. */
function isKnown(manifest: ScannedBackup['manifest']): boolean {
  if (manifest.kind === 'denied') return false;
  if (manifest.kind !== 'good') return true;
  return manifest.manifest.previous !== null || manifest.manifest.noPrevious === 'first';
}

function isPruned({ previous, replaced }: Link, pruned: SetFacts['chain']['pruned']): boolean {
  if (replaced) return false;
  return pruned.some(({ id, manifestSha256 }) => id === previous.id && manifestSha256 === previous.manifestSha256);
}

function inWords({ id, previous, replaced }: Link): string {
  const what = replaced ? 'is not the one that was there' : 'is missing: deleted or rolled back outside Lifeboat';
  return `${previous.id}, which ${id} names as the one before it, ${what}.`;
}
