import { randomBytes } from 'node:crypto';
import { LifeboatError } from '../../errors.ts';
import { makeId } from '../../formats/id.ts';
import { HOLD_FILE, MANIFEST_FILE } from '../../formats/names.ts';
import { type PruneRecord, pruneRecordKey, serializePruneRecord } from '../../formats/prune-record.ts';
import type { StoreDates } from '../../formats/retention/guards.ts';
import { describeRules } from '../../formats/retention/rules.ts';
import type { BackupSet } from '../../repository/backup-set.ts';
import { putSigned } from '../../repository/put-object.ts';
import { isThere } from '../../repository/read-object.ts';
import { countOf, formatBytes } from '../../units.ts';
import type { Run } from '../shared/run.ts';
import type { Candidate } from './candidates.ts';
import type { RetentionSettings } from './inputs.ts';
import { removeLeftover } from './leftover-folders.ts';
import { removeAll } from './remove-all.ts';
import type { LeftoverReport } from './report.ts';

/** A plan that no guard stands against any more. */
export interface SafePlan {
  set: BackupSet;
  settings: RetentionSettings;
  run: Run;
  command: PruneRecord['command'];
  dates: StoreDates;
  /** Newest first. */
  candidates: Candidate[];
  leftovers: LeftoverReport[];
  /** What stood against the plan, and was overruled. */
  refusals: string[];
}

/** What was done of a plan. */
export interface AppliedPlan {
  /** The key of the record; null: it could not be written, and nothing was deleted. */
  record: string | null;
  /** Ids of backups whose manifest was deleted. */
  deleted: Set<string>;
  /** Ids of backups that were held since they were checked. */
  held: Set<string>;
  /** Ids of leftover folders that were removed. */
  removed: Set<string>;
  /** The failure that ended it; null: all of it was done. */
  error: LifeboatError | null;
}

/** Writes the record of what is deleted, then deletes it, the oldest first. It ends at the first failure. */
export async function applyPlan(plan: SafePlan): Promise<AppliedPlan> {
  const { set, run, candidates, leftovers, dates } = plan;
  const { store, name } = set;
  let record: string | null = null;
  const [deleted, held, removed] = [new Set<string>(), new Set<string>(), new Set<string>()];
  try {
    record = await writeRecord(plan);
    for (const { row, sidecars, volumes } of candidates.toReversed()) {
      requireTime(run);
      if (await isThere(store, set.keyOf(row.id, HOLD_FILE))) {
        held.add(row.id);
        continue;
      }
      // The manifest first: without it the other objects do not count as a backup, and a later prune finds leftovers.
      await store.remove(set.keyOf(row.id, MANIFEST_FILE));
      deleted.add(row.id);
      await removeAll(store, sidecars);
      await removeAll(store, volumes);
      run.log.info(`${store.url}: deleted backup ${row.id} of set ${name}, ${formatBytes(row.size)}.`);
    }
    for (const leftover of leftovers.filter(isRemovable)) {
      requireTime(run);
      await removeLeftover(set, leftover, dates);
      removed.add(leftover.id);
      run.log.info(
        `${store.url}: removed ${countOf(leftover.files.length, 'file')} of the unfinished backup ${leftover.id}.`,
      );
    }
    return { record, deleted, held, removed, error: null };
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    return { record, deleted, held, removed, error };
  }
}

export function isRemovable({ whyNot }: LeftoverReport): boolean {
  return whyNot === null;
}

function requireTime({ signal }: Run): void {
  if (!signal.aborted) return;
  throw new LifeboatError('The run was cancelled before all of it was deleted. The next prune goes on.');
}

/** Returns its key. */
async function writeRecord(plan: SafePlan): Promise<string> {
  const { set, settings, run, command, candidates, leftovers, refusals } = plan;
  const { store, name, trust } = set;
  const { now } = trust;
  const id = makeId(now, randomBytes(4).toString('hex'));
  const key = pruneRecordKey(name, id);
  // Nothing has this key. It shows whether these credentials may delete, before a record says that they did.
  await store.remove(key);
  const bytes = serializePruneRecord({
    format: 1,
    id,
    name,
    command,
    started: now.toISOString(),
    rules: describeRules(settings.rules),
    overruled: refusals,
    deleted: candidates.map(({ row, manifestSha256 }) => ({
      id: row.id,
      manifestSha256,
      size: row.size,
      reason: row.reasons.join('; '),
    })),
    leftovers: leftovers.filter(isRemovable).map(({ id, files }) => ({ id, files })),
    lifeboat: run.version,
  });
  await putSigned(store, key, bytes, settings.signing);
  return key;
}
