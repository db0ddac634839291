import { keyOf, MANIFEST_FILE } from '../catalog/names.ts';
import { describeRules, type KeepRules, type Plan, planRetention } from '../catalog/retention.ts';
import { mustStay, type Protection, protect, refuseClock, refuseMany } from '../catalog/retention-guards.ts';
import { LifeboatError } from '../errors.ts';
import type { RetentionSettings } from '../inputs/settings.ts';
import type { RetainedBackup, StoreRetention } from '../report/prune-report.ts';
import { type Store, StoreError } from '../store/store.ts';
import { applyPlan, mayGo } from './apply-plan.ts';
import { type Doomed, describeLock, examineDoomed, lastLock, type Spared, spare } from './doomed.ts';
import type { SetInStore } from './inspect.ts';
import { findLeftovers } from './leftover-folders.ts';
import type { Run } from './run.ts';
import { sideBySide } from './side-by-side.ts';
import { type Survey, survey } from './survey.ts';

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
  const place = { store, set, verificationKeys: settings.verificationKeys, now: run.now() };
  try {
    const surveyed = await survey(place, own?.isStored ? own.id : null);
    const plan = await makePlan(place, surveyed, settings.rules, own);
    report.refusals = refusalsOf(plan, surveyed, place.now, own);
    report.backups = rowsOf(surveyed, plan, settings.rules);
    report.outcome = settings.dryRun ? 'planned' : 'refused';
    if (report.refusals.length > 0 && !settings.force) return report;
    if (own === null) demandGood(surveyed, place);
    const doomed = await examineAll(place, plan, report.backups);
    const unfinished = surveyed.unfinished.filter((id) => id !== own?.id);
    report.leftovers = await findLeftovers(place, unfinished, surveyed.dates);
    report.outcome = settings.dryRun ? 'planned' : 'nothing';
    if (settings.dryRun || (doomed.length === 0 && !report.leftovers.some(mayGo))) return report;
    const command = own === null ? 'prune' : 'backup';
    await applyPlan({ place, settings, run, command, dates: surveyed.dates, doomed, report });
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
function demandGood({ backups, unfinished }: Survey, { store, set }: SetInStore): void {
  const [newest] = backups;
  const where = `of set ${JSON.stringify(set)} in ${store.url}`;
  if (newest === undefined && unfinished.length === 0) {
    throw new LifeboatError(`There are no backups ${where}: mend name, or store.`);
  }
  if (newest === undefined || backups.some(({ whyNotGood }) => whyNotGood === null)) return;
  throw new LifeboatError(
    `None of the ${backups.length} backups ${where} counts. The newest, ${newest.id}: ${newest.whyNotGood}.`,
  );
}

/** The rules' plan without what must stay whatever they say. */
async function makePlan(
  { store, set, now }: SetInStore,
  { backups, provenId }: Survey,
  rules: KeepRules,
  own: OwnBackup | null,
): Promise<Plan> {
  const planned = own === null || own.isStored ? [] : [{ id: own.id, held: false }];
  const good = [...planned, ...backups.filter(({ whyNotGood }) => whyNotGood === null)];
  const plan = planRetention(
    good.map(({ id }) => id),
    rules,
    now,
  );
  const unlocked = protect(plan, mustStay(good, provenId));
  // Before the guards count what would go: with locks of years they would refuse the plan every night.
  const locks = await sideBySide(unlocked.delete, async (id): Promise<Protection[]> => {
    const lock = await lastLock(store, [keyOf(set, id, MANIFEST_FILE)]);
    return lock === null ? [] : [{ id, reasons: [describeLock(lock)] }];
  });
  return protect(unlocked, locks.flat());
}

function refusalsOf(plan: Plan, { backups, dates }: Survey, now: Date, own: OwnBackup | null): string[] {
  return [refuseMany(plan), refuseClock(now, dates), own?.isStored ? refuseOwn(backups, own.id) : null].filter(
    (refusal) => refusal !== null,
  );
}

/** Older backups go only when this run's stands in their place. */
function refuseOwn(backups: Survey['backups'], id: string): string | null {
  const own = backups.find((backup) => backup.id === id);
  if (own === undefined) return `the store does not list the backup of this run yet, ${id}`;
  return own.whyNotGood === null ? null : `the backup of this run does not count: ${own.whyNotGood}`;
}

function rowsOf({ backups }: Survey, plan: Plan, rules: KeepRules): RetainedBackup[] {
  const kept = new Map(plan.keep.map(({ id, reasons }) => [id, reasons]));
  const goes = new Set(plan.delete);
  return backups.map(({ id, created, ageSeconds, size, whyNotGood }) => {
    const row = { id, created, ageSeconds, size, deleted: false, notes: [] };
    if (goes.has(id)) return { ...row, decision: 'delete', reasons: [`kept by none of ${describeRules(rules)}`] };
    const reasons = kept.get(id);
    if (reasons !== undefined) return { ...row, decision: 'keep', reasons };
    return { ...row, decision: 'ignored', reasons: [whyNotGood ?? ''] };
  });
}

/** Looks at everything that would go; what must stay after all, is kept in the report too. */
async function examineAll(place: SetInStore, plan: Plan, rows: RetainedBackup[]): Promise<Doomed[]> {
  const goes = new Set(plan.delete);
  const found = await sideBySide(
    rows.filter(({ id }) => goes.has(id)),
    async (row) => {
      const one = await examineDoomed(place, row);
      if (isSpared(one)) spare(row, one.why);
      return one;
    },
  );
  return found.filter((one): one is Doomed => !isSpared(one));
}

function isSpared(found: Doomed | Spared): found is Spared {
  return 'why' in found;
}
