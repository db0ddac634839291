import { LifeboatError } from '../../errors.ts';
import { refuseClock } from '../../formats/retention/guards.ts';
import { describeRules, type KeepRules, type Plan } from '../../formats/retention/rules.ts';
import type { BackupSet } from '../../repository/backup-set.ts';
import { sideBySide } from '../../store/side-by-side.ts';
import { type Store, StoreError } from '../../store/store.ts';
import type { Run } from '../shared/run.ts';
import { applyPlan, mayGo } from './apply-plan.ts';
import { type Doomed, examineDoomed, type Spared, spare } from './candidates.ts';
import type { RetentionSettings } from './inputs.ts';
import { findLeftovers } from './leftover-folders.ts';
import type { RetainedBackup, StoreRetention } from './report.ts';
import { type Survey, survey } from './scan.ts';
import { type SettledPlan, settlePlan } from './settle-plan.ts';

/** The backup that belongs to this run: it was made just now, or would be. */
export interface OwnBackup {
  id: string;
  isStored: boolean;
}

/**
 * Applies the rules to one set in one store: plan, guards, a closer look at what would go, the record, and only then the
 * first deletion. What went wrong, cancellation too, stands in the report: only an error inside of Lifeboat is thrown.
 */
export async function pruneSet(
  store: Store,
  set: string,
  settings: RetentionSettings,
  run: Run,
  own: OwnBackup | null = null,
): Promise<StoreRetention> {
  const report = emptyRetention(store.url, set, settings.rules);
  const trust = { verificationKeys: settings.verificationKeys, now: run.now() };
  try {
    const surveyed = await survey({ store, set }, trust, own?.isStored ? own.id : null);
    const settled = await settlePlan(surveyed, settings.rules, own === null || own.isStored ? null : own.id);
    report.refusals = refusalsOf(settled, surveyed, own);
    report.backups = rowsOf(surveyed, settled, settings.rules);
    report.outcome = settings.dryRun ? 'planned' : 'refused';
    if (report.refusals.length > 0 && !settings.force) return report;
    if (own === null) requireGood(surveyed);
    const doomed = await examineAll(surveyed.set, settled.plan, report.backups);
    const unfinished = surveyed.unfinished.filter((id) => id !== own?.id);
    report.leftovers = await findLeftovers(surveyed.set, unfinished, surveyed.dates);
    report.outcome = settings.dryRun ? 'planned' : 'nothing';
    if (settings.dryRun || (doomed.length === 0 && !report.leftovers.some(mayGo))) return report;
    const command = own === null ? 'prune' : 'backup';
    await applyPlan({ set: surveyed.set, settings, run, command, dates: surveyed.dates, doomed, report });
    report.outcome = 'applied';
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    report.outcome = 'failed';
    report.error = error.message;
    report.denied = error instanceof StoreError && error.code === 'denied';
  }
  return report;
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

/** With a misspelt name, or a wrong key, nothing would ever go, and nobody would hear of it. */
function requireGood({ set: { store, name }, backups, unfinished }: Survey): void {
  const [newest] = backups;
  const where = `of set ${JSON.stringify(name)} in ${store.url}`;
  if (newest === undefined && unfinished.length === 0) {
    throw new LifeboatError(`There are no backups ${where}: mend name, or store.`);
  }
  if (newest === undefined || backups.some(({ whyNotGood }) => whyNotGood === null)) return;
  throw new LifeboatError(
    `None of the ${backups.length} backups ${where} counts. The newest, ${newest.id}: ${newest.whyNotGood}.`,
  );
}

function refusalsOf({ refusal }: SettledPlan, { set, backups, dates }: Survey, own: OwnBackup | null): string[] {
  const refusals = [refusal, refuseClock(set.trust.now, dates), own?.isStored ? refuseOwn(backups, own.id) : null];
  return refusals.filter((one) => one !== null);
}

/** Older backups go only when this run's stands in their place. */
function refuseOwn(backups: Survey['backups'], id: string): string | null {
  const own = backups.find((backup) => backup.id === id);
  if (own === undefined) return `the store does not list the backup of this run yet, ${id}`;
  return own.whyNotGood === null ? null : `the backup of this run does not count: ${own.whyNotGood}`;
}

function rowsOf({ backups }: Survey, { plan, spared }: SettledPlan, rules: KeepRules): RetainedBackup[] {
  const kept = new Map(plan.keep.map(({ id, reasons }) => [id, reasons]));
  const goes = new Set(plan.delete);
  return backups.map(({ id, created, ageSeconds, size, whyNotGood }) => {
    const row = { id, created, ageSeconds, size, deleted: false, notes: [] };
    if (goes.has(id)) return { ...row, decision: 'delete', reasons: [`kept by none of ${describeRules(rules)}`] };
    const reasons = kept.get(id);
    if (reasons !== undefined) return { ...row, decision: 'keep', reasons };
    return { ...row, decision: spared.has(id) ? 'keep' : 'ignored', reasons: [whyNotGood ?? ''] };
  });
}

/** Looks at everything that would go; what must stay after all, is kept in the report too. */
async function examineAll(set: BackupSet, plan: Plan, rows: RetainedBackup[]): Promise<Doomed[]> {
  const goes = new Set(plan.delete);
  const found = await sideBySide(
    rows.filter(({ id }) => goes.has(id)),
    async (row) => {
      const one = await examineDoomed(set, row);
      if (isSpared(one)) spare(row, one.why);
      return one;
    },
  );
  return found.filter((one): one is Doomed => !isSpared(one));
}

function isSpared(found: Doomed | Spared): found is Spared {
  return 'why' in found;
}
