import { LifeboatError } from '../../errors.ts';
import { refuseClock } from '../../formats/retention/guards.ts';
import { describeRules, type KeepRules } from '../../formats/retention/rules.ts';
import { BackupSet } from '../../repository/backup-set.ts';
import { type Store, StoreError } from '../../store/store.ts';
import type { Run } from '../shared/run.ts';
import { type AppliedPlan, applyPlan, isRemovable } from './apply-plan.ts';
import { findCandidates, keptRow } from './candidates.ts';
import type { RetentionSettings } from './inputs.ts';
import { findLeftovers } from './leftover-folders.ts';
import type { RetainedBackup, StoreRetention } from './report.ts';
import { type ScannedSet, scanSet } from './scan.ts';
import { type SettledPlan, settlePlan } from './settle-plan.ts';

/** The backup that belongs to this run: it was made just now, or would be. */
export interface OwnBackup {
  id: string;
  isStored: boolean;
}

/** Where the rules are applied. */
export interface SetToPrune {
  store: Store;
  name: string;
  /** null: this run makes no backup. */
  own: OwnBackup | null;
}

/**
 * Applies the rules to one set in one store: plan, guards, a closer look at the candidates, the record, and only then the
 * first deletion. What went wrong, cancellation too, is in the report: only a bug in Lifeboat is thrown.
 */
export async function pruneSet(
  { store, name, own }: SetToPrune,
  settings: RetentionSettings,
  run: Run,
): Promise<StoreRetention> {
  const { rules, verificationKeys, dryRun, force } = settings;
  // Each step adds to it: a failure reports what was known before it.
  let report = emptyRetention(store.url, name, rules);
  try {
    const set = new BackupSet(store, name, { verificationKeys, now: run.now() });
    const scanned = await scanSet(set, own?.isStored ? own.id : null);
    const settled = await settlePlan(scanned, rules, own === null || own.isStored ? null : own.id);
    const refusals = refusalsOf(settled, scanned, own);
    report = { ...report, refusals, backups: rowsOf(scanned, settled, rules) };
    if (refusals.length > 0 && !force) return { ...report, outcome: dryRun ? 'planned' : 'refused' };
    if (own === null) requireGood(scanned);
    const unkept = report.backups.filter(({ decision }) => decision === 'delete');
    const { candidates, kept } = await findCandidates(set, unkept);
    report = { ...report, backups: replaceRows(report.backups, [...kept, ...candidates.map(({ row }) => row)]) };
    const unfinished = scanned.unfinished.filter((id) => id !== own?.id);
    const leftovers = await findLeftovers(set, unfinished, scanned.dates);
    report = { ...report, leftovers };
    if (dryRun) return { ...report, outcome: 'planned' };
    if (candidates.length === 0 && !leftovers.some(isRemovable)) return { ...report, outcome: 'nothing' };
    const command = own === null ? 'prune' : 'backup';
    const { dates } = scanned;
    const applied = await applyPlan({ set, settings, run, command, dates, candidates, leftovers, refusals });
    report = withApplied(report, applied);
    if (applied.error !== null) throw applied.error;
    return { ...report, outcome: 'applied' };
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    const denied = error instanceof StoreError && error.code === 'denied';
    return { ...report, outcome: 'failed', error: error.message, denied };
  }
}

export function emptyRetention(url: string, name: string | null, rules: KeepRules): StoreRetention {
  return {
    url,
    name,
    rules: describeRules(rules),
    outcome: 'failed',
    error: null,
    denied: false,
    refusals: [],
    backups: [],
    leftovers: [],
    record: null,
  };
}

/** With a misspelt name, or a wrong key, nothing would ever be deleted, and the user would not notice. */
function requireGood({ set: { store, name }, backups, unfinished }: ScannedSet): void {
  const [newest] = backups;
  const where = `of set ${JSON.stringify(name)} in ${store.url}`;
  if (newest === undefined && unfinished.length === 0) {
    throw new LifeboatError(`There are no backups ${where}. Correct "name" or "store".`);
  }
  if (newest === undefined || backups.some(({ whyNotGood }) => whyNotGood === null)) return;
  throw new LifeboatError(
    `None of the ${backups.length} backups ${where} counts. The newest, ${newest.id}: ${newest.whyNotGood}.`,
  );
}

function refusalsOf({ refusal }: SettledPlan, { set, backups, dates }: ScannedSet, own: OwnBackup | null): string[] {
  const refusals = [refusal, refuseClock(set.trust.now, dates), own?.isStored ? refuseOwn(backups, own.id) : null];
  return refusals.filter((one) => one !== null);
}

/** Older backups go only when this run's stands in their place. */
function refuseOwn(backups: ScannedSet['backups'], id: string): string | null {
  const own = backups.find((backup) => backup.id === id);
  if (own === undefined) return `the store does not list the backup of this run yet, ${id}`;
  return own.whyNotGood === null ? null : `the backup of this run does not count: ${own.whyNotGood}`;
}

function rowsOf({ backups }: ScannedSet, { plan, keptUncounted }: SettledPlan, rules: KeepRules): RetainedBackup[] {
  const kept = new Map(plan.keep.map(({ id, reasons }) => [id, reasons]));
  const unkept = new Set(plan.delete);
  return backups.map(({ id, created, ageSeconds, size, whyNotGood }) => {
    const row = { id, created, ageSeconds, size, deleted: false, notes: [] };
    if (unkept.has(id)) return { ...row, decision: 'delete', reasons: [`kept by none of ${describeRules(rules)}`] };
    const reasons = kept.get(id);
    if (reasons !== undefined) return { ...row, decision: 'keep', reasons };
    return { ...row, decision: keptUncounted.has(id) ? 'keep' : 'ignored', reasons: [whyNotGood ?? ''] };
  });
}

/** The rows, with those that changed in the place of what they were. */
function replaceRows(rows: RetainedBackup[], changed: RetainedBackup[]): RetainedBackup[] {
  const byId = new Map(changed.map((row) => [row.id, row]));
  return rows.map((row) => byId.get(row.id) ?? row);
}

/** The report, with what was done of the plan. */
function withApplied(report: StoreRetention, { record, deleted, held, removed }: AppliedPlan): StoreRetention {
  return {
    ...report,
    record,
    backups: report.backups.map((row) =>
      held.has(row.id) ? keptRow(row, 'held') : { ...row, deleted: deleted.has(row.id) },
    ),
    leftovers: report.leftovers.map((leftover) => ({ ...leftover, deleted: removed.has(leftover.id) })),
  };
}
