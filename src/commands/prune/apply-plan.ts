import { randomBytes } from 'node:crypto';
import { LifeboatError } from '../../errors.ts';
import { makeId } from '../../formats/id.ts';
import { HOLD_FILE, keyOf, MANIFEST_FILE } from '../../formats/names.ts';
import { type PruneRecord, pruneRecordKey, serializePruneRecord } from '../../formats/prune-record.ts';
import type { StoreDates } from '../../formats/retention/guards.ts';
import { describeRules } from '../../formats/retention/rules.ts';
import type { BackupSet } from '../../repository/backup-set.ts';
import { putSigned } from '../../repository/put-object.ts';
import { isThere } from '../../repository/read-object.ts';
import { countOf, formatBytes } from '../../units.ts';
import type { Run } from '../shared/run.ts';
import { type Doomed, spare } from './candidates.ts';
import type { RetentionSettings } from './inputs.ts';
import { removeLeftover } from './leftover-folders.ts';
import { removeAll } from './remove-all.ts';
import type { LeftoverReport, StoreRetention } from './report.ts';

/** A plan that no guard stands against any more. */
export interface Work {
  set: BackupSet;
  settings: RetentionSettings;
  run: Run;
  command: PruneRecord['command'];
  dates: StoreDates;
  /** Newest first. */
  doomed: Doomed[];
  /** Filled in as far as the work comes. */
  report: StoreRetention;
}

/** Writes down what goes, then deletes it, the oldest first. It ends at the first failure, with a StoreError. */
export async function applyPlan(work: Work): Promise<void> {
  const { set, run, doomed, report, dates } = work;
  await writeRecord(work);
  for (const one of doomed.toReversed()) {
    demandTime(run);
    await deleteBackup(set, one, run);
  }
  for (const leftover of report.leftovers.filter(mayGo)) {
    demandTime(run);
    await removeLeftover(set, leftover, dates);
    run.log.info(
      `${set.store.url}: removed ${countOf(leftover.files.length, 'file')} of the unfinished backup ${leftover.id}.`,
    );
  }
}

export function mayGo({ whyNot }: LeftoverReport): boolean {
  return whyNot === null;
}

function demandTime({ signal }: Run): void {
  if (!signal.aborted) return;
  throw new LifeboatError('The run was cancelled before all of it was deleted. The next prune goes on.');
}

/**
 * The manifest first, for without it nothing takes the rest for a backup; then what was said about it; then the volumes:
 * when it ends in between, a later prune finds leftovers.
 */
async function deleteBackup({ store, name }: BackupSet, { row, papers, volumes }: Doomed, run: Run): Promise<void> {
  // Held since it was looked at.
  if (await isThere(store, keyOf(name, row.id, HOLD_FILE))) return spare(row, 'held');
  await store.remove(keyOf(name, row.id, MANIFEST_FILE));
  row.deleted = true;
  await removeAll(store, papers);
  await removeAll(store, volumes);
  run.log.info(`${store.url}: deleted backup ${row.id} of set ${name}, ${formatBytes(row.size)}.`);
}

async function writeRecord({ set, settings, run, command, doomed, report }: Work): Promise<void> {
  const { store, name, trust } = set;
  const { now } = trust;
  const id = makeId(now, randomBytes(4).toString('hex'));
  const key = pruneRecordKey(name, id);
  // There is nothing under this key. It tells whether these credentials may delete, before a record says that they did.
  await store.remove(key);
  const bytes = serializePruneRecord({
    format: 1,
    id,
    name,
    command,
    started: now.toISOString(),
    rules: describeRules(settings.rules),
    overruled: report.refusals,
    deleted: doomed.map(({ row, manifestSha256 }) => ({
      id: row.id,
      manifestSha256,
      size: row.size,
      reason: row.reasons.join('; '),
    })),
    leftovers: report.leftovers.filter(mayGo).map(({ id, files }) => ({ id, files })),
    lifeboat: run.version,
  });
  await putSigned(store, key, bytes, settings.signing);
  report.record = key;
}
