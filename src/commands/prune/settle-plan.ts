import { keyOf, MANIFEST_FILE } from '../../formats/names.ts';
import { mustStay, type Protection, protectBackups, refuseMany } from '../../formats/retention/guards.ts';
import { type KeepRules, type Plan, planRetention } from '../../formats/retention/rules.ts';
import { whyNotCounted } from '../../formats/state.ts';
import type { BackupSet } from '../../repository/backup-set.ts';
import { mapConcurrent } from '../../store/map-concurrent.ts';
import { describeLock, lastLock } from './candidates.ts';
import type { RatedBackup, ScannedSet } from './scan.ts';

/** A plan in which nothing is deleted because of a backup that was not verified. */
export interface SettledPlan {
  plan: Plan;
  /** Why it deletes more than a plan should; null when it does not. */
  refusal: string | null;
  /** Backups that the rules would have deleted, if they had counted. */
  keptUncounted: Set<string>;
}

/** So many of those that are kept are verified before the next plan, and then twice as many each time. */
const FIRST_BATCH = 30;

/**
 * Plans what is deleted. A backup that does not count must not push out one that does, so this plans again until every
 * deletion follows from verified backups alone: then it also follows from all of them, because one more backup never
 * makes a rule keep one that it would delete. `planned`: the id of a backup that this run would make.
 */
export async function settlePlan(scanned: ScannedSet, rules: KeepRules, planned: string | null): Promise<SettledPlan> {
  const { set } = scanned;
  const proofs = await protectProven(scanned);
  const locks = new Map<string, Protection[]>();
  const keptUncounted = new Set<string>();
  const planOf = (backups: RatedBackup[]): Plan => {
    const good = [...(planned === null ? [] : [{ id: planned, held: false }]), ...backups];
    const ids = good.map(({ id }) => id);
    return protectBackups(planRetention(ids, rules, set.trust.now), [
      ...mustStay(good, null),
      ...proofs,
      ...[...locks.values()].flat(),
    ]);
  };
  for (let batch = FIRST_BATCH; ; ) {
    const { good } = scanned;
    const plan = planOf(good);
    // Before the guards count what would go: with locks of years they would refuse the plan every night.
    const found = await findLocks(
      set,
      plan.delete.filter((id) => !locks.has(id)),
    );
    for (const [id, protections] of found) locks.set(id, protections);
    if ([...found.values()].some((protections) => protections.length > 0)) continue;
    const candidates = backupsOf(good, plan.delete);
    await scanned.verify(candidates);
    const bad = candidates.filter(({ verified }) => !verified);
    for (const { id } of bad) keptUncounted.add(id);
    if (bad.length > 0) continue;
    const certain = planOf(good.filter(({ verified }) => verified));
    const kept = good.filter(({ verified }) => !verified);
    if (kept.length === 0 || isJustified(plan, certain)) return { plan, refusal: refuseMany(certain), keptUncounted };
    await scanned.verify(kept.slice(0, batch));
    batch *= 2;
  }
}

function backupsOf(backups: RatedBackup[], ids: string[]): RatedBackup[] {
  const wanted = new Set(ids);
  return backups.filter(({ id }) => wanted.has(id));
}

/** Whether what is deleted would be, and no guard would refuse it, if nothing existed that is not verified. */
function isJustified(plan: Plan, certain: Plan): boolean {
  const gone = new Set(certain.delete);
  return plan.delete.every((id) => gone.has(id)) && refuseMany(certain) === null;
}

/** By id, what the lock of each manifest protects; empty: it is not locked. */
async function findLocks(set: BackupSet, ids: string[]): Promise<Map<string, Protection[]>> {
  const found = await mapConcurrent(ids, async (id): Promise<[string, Protection[]]> => {
    const lock = await lastLock(set.store, [keyOf(set.name, id, MANIFEST_FILE)]);
    return [id, lock === null ? [] : [{ id, reasons: [describeLock(lock)] }]];
  });
  return new Map(found);
}

/**
 * The newest proven backup, whose restore test is verified. While there is none, the newest that a record calls proven which
 * cannot be verified: a claim proves nothing, but is a reason not to delete.
 */
async function protectProven(scanned: ScannedSet): Promise<Protection[]> {
  const { set } = scanned;
  const backups = new Map(scanned.backups.map((backup) => [backup.id, backup]));
  const counts = async (id: string) => {
    const backup = backups.get(id);
    if (backup === undefined) return false;
    await scanned.verify([backup]);
    return backup.verified;
  };
  for await (const { id } of set.proven()) {
    if (await counts(id)) return [{ id, reasons: ['the newest proven one'] }];
  }
  for await (const { backup, why } of set.claimedProven()) {
    if (!(await counts(backup.id))) continue;
    const reason = `a restore test calls it proven, and that cannot be verified (${whyNotCounted(why)}): no backup of this set is verifiably proven. Give signing-key to restore-test, and in verification-key the certificate of that key`;
    return [{ id: backup.id, reasons: [reason] }];
  }
  return [];
}
