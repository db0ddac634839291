import type { Link } from '../../formats/health/chain.ts';
import type { ChainFacts } from '../../formats/health/facts.ts';
import type { PrunedBackup } from '../../formats/prune-record.ts';
import type { BackupSet } from '../../repository/backup-set.ts';
import { listPruneRecords, pruneRecordOf, whyPruneRecordFails } from '../../repository/prune-records.ts';
import { StoreError } from '../../store/store.ts';

/** So many prune records are read, the newest first: what was deleted before them is not known. */
const MOST = 1000;
const AT_ONCE = 30;

/**
 * Looks for missing backups in the prune records, the newest first, until all are found. The folder is listed only now:
 * a prune that deletes at this moment has written its record before.
 */
export async function readPrunes(set: BackupSet, links: Link[]): Promise<ChainFacts> {
  const facts: ChainFacts = { pruned: [], uncounted: [], unread: null };
  const wanted = new Set(links.filter(({ replaced }) => !replaced).map(({ previous }) => nameOf(previous)));
  if (wanted.size === 0) return facts;
  const keys = await listPruneRecords(set);
  for (let at = 0; at < Math.min(keys.length, MOST) && wanted.size > 0; at += AT_ONCE) {
    const batch = keys.slice(at, at + AT_ONCE);
    const read = await ifAllowed(() => Promise.all(batch.map((key) => readRecord(set, key, wanted))));
    if (read instanceof StoreError) return { ...facts, unread: `Prune records may not be read: ${read.message}` };
    facts.pruned.push(...read.flatMap(({ pruned }) => pruned));
    facts.uncounted.push(...read.flatMap(({ problem }) => problem ?? []));
    for (const backup of facts.pruned) wanted.delete(nameOf(backup));
  }
  if (wanted.size === 0 || keys.length <= MOST) return facts;
  return { ...facts, unread: `Of ${keys.length} prune records only the newest ${MOST} were read.` };
}

/** The wanted backups that a record names, or why it does not count. */
async function readRecord(
  set: BackupSet,
  key: string,
  wanted: Set<string>,
): Promise<{ pruned: PrunedBackup[]; problem: string | null }> {
  const isWanted = (backup: PrunedBackup) => wanted.has(nameOf(backup));
  const state = await pruneRecordOf(set, key, ({ deleted }) => deleted.some(isWanted));
  if (state === null) return { pruned: [], problem: null };
  if (state.kind !== 'good') return { pruned: [], problem: whyPruneRecordFails(key, state) };
  return { pruned: state.record.deleted.filter(isWanted), problem: null };
}

/** Credentials that may list and not read are a good choice for a check: that they may not is an answer, not an error. */
export async function ifAllowed<T>(read: () => Promise<T>): Promise<T | StoreError> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'denied') return error;
    throw error;
  }
}

function nameOf({ id, manifestSha256 }: { id: string; manifestSha256: string | null }): string {
  return `${id} ${manifestSha256}`;
}
