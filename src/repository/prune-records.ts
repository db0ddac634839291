import { LifeboatError } from '../errors.ts';
import { FormatError } from '../formats/checked.ts';
import {
  isPruneRecordKey,
  type PruneRecord,
  prunedFolder,
  pruneRecordKey,
  readPruneRecord,
} from '../formats/prune-record.ts';
import { type NotGood, type State, whyNotCounted } from '../formats/state.ts';
import type { BackupSet } from './backup-set.ts';
import { stateOf } from './counts.ts';
import { readUsable } from './read-object.ts';

/** The keys of a set's prune records, newest first. */
export async function listPruneRecords({ store, name }: BackupSet): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prunedFolder(name))) if (isPruneRecordKey(key, name)) keys.push(key);
  return keys.sort().reverse();
}

/** A prune record; null when it is gone, or says nothing that is wanted: then its signature is not read. */
export async function pruneRecordOf(
  { store, trust }: BackupSet,
  key: string,
  isWanted: (record: PruneRecord) => boolean,
): Promise<State<{ record: PruneRecord }> | null> {
  const bytes = await readUsable(store, key, (why): NotGood => ({ kind: 'invalid', what: 'content', why }));
  if (bytes === null) return null;
  if (!Buffer.isBuffer(bytes)) return bytes;
  let record: PruneRecord;
  try {
    record = readPruneRecord(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { kind: 'invalid', what: 'content', why: `${key} is no prune record: ${error.message}.` };
  }
  if (!isWanted(record)) return null;
  const isSigned = trust.verificationKeys !== null;
  const signature = isSigned ? await readUsable(store, `${key}.asc`, () => null) : null;
  const parse = () => {
    if (pruneRecordKey(record.name, record.id) === key) return { record };
    throw new LifeboatError(`${key} is the record of another prune.`);
  };
  return stateOf({ bytes, signature: signature?.toString('utf8') ?? null, time: null, parse }, trust);
}

/** Why a prune record does not count, as a sentence. */
export function whyPruneRecordFails(key: string, state: Exclude<State<object>, { kind: 'good' }>): string {
  const why = whyNotCounted(state);
  return why.startsWith(key) ? why : `${key} does not count: ${why}.`;
}
