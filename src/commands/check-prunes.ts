import { FormatError } from '../catalog/checked.ts';
import type { Link } from '../catalog/health/chain.ts';
import type { ChainFacts } from '../catalog/health/facts.ts';
import {
  isPruneRecordKey,
  type PrunedBackup,
  prunedFolder,
  pruneRecordKey,
  readPruneRecord,
} from '../catalog/prune-record.ts';
import { StoreError } from '../store/store.ts';
import { readUsable } from './read-object.ts';
import { ifAllowed, type SetReader } from './set-reader.ts';

/** So many prune records are read, the newest first: what was deleted before them is not known. */
const MOST = 1000;
const AT_ONCE = 30;

/**
 * Looks for missing backups in the prune records, the newest first, until all are found. The folder is listed only now:
 * a prune that deletes at this moment has written its record before.
 */
export async function readPrunes(reader: SetReader, links: Link[]): Promise<ChainFacts> {
  const facts: ChainFacts = { pruned: [], uncounted: [], unread: null };
  const wanted = new Set(links.filter(({ replaced }) => !replaced).map(({ previous }) => nameOf(previous)));
  if (wanted.size === 0) return facts;
  const files = await recordFiles(reader);
  for (let at = 0; at < Math.min(files.length, MOST) && wanted.size > 0; at += AT_ONCE) {
    const batch = files.slice(at, at + AT_ONCE);
    const read = await ifAllowed(() => Promise.all(batch.map((key) => readRecord(reader, key, wanted))));
    if (read instanceof StoreError) return { ...facts, unread: `Prune records may not be read: ${read.message}` };
    facts.pruned.push(...read.flatMap(({ pruned }) => pruned));
    facts.uncounted.push(...read.flatMap(({ problem }) => problem ?? []));
    for (const backup of facts.pruned) wanted.delete(nameOf(backup));
  }
  if (wanted.size === 0 || files.length <= MOST) return facts;
  return { ...facts, unread: `Of ${files.length} prune records only the newest ${MOST} were read.` };
}

async function recordFiles({ store, set }: SetReader): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prunedFolder(set))) if (isPruneRecordKey(key, set)) keys.push(key);
  return keys.sort().reverse();
}

/** The wanted backups that a record names, or why it does not count. */
async function readRecord(
  reader: SetReader,
  key: string,
  wanted: Set<string>,
): Promise<{ pruned: PrunedBackup[]; problem: string | null }> {
  const bytes = await readUsable(reader.store, key, (problem) => ({ problem }));
  if (bytes === null) return { pruned: [], problem: null };
  if ('problem' in bytes) return { pruned: [], problem: bytes.problem };
  try {
    const record = readPruneRecord(bytes);
    const pruned = record.deleted.filter((backup) => wanted.has(nameOf(backup)));
    if (pruned.length === 0) return { pruned, problem: null };
    if (pruneRecordKey(record.name, record.id) !== key)
      return { pruned: [], problem: `${key} is the record of another prune.` };
    const { problem } = await reader.checkSignature(key, bytes);
    return problem === null ? { pruned, problem } : { pruned: [], problem: `${key} does not count: ${problem}.` };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { pruned: [], problem: `${key} is no prune record: ${error.message}.` };
  }
}

function nameOf({ id, manifestSha256 }: { id: string; manifestSha256: string | null }): string {
  return `${id} ${manifestSha256}`;
}
