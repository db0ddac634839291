import type { Kept, Plan } from './rules.ts';

/** A backup that must stay whatever the rules say, and why. */
export type Protection = Kept;

/** What no plan may delete. `good`: newest first. */
export function mustStay(good: { id: string; held: boolean }[], provenId: string | null): Protection[] {
  return [
    ...good.slice(0, 1).map(({ id }) => ({ id, reasons: ['the newest good one'] })),
    ...(provenId === null ? [] : [{ id: provenId, reasons: ['the newest proven one'] }]),
    ...good.filter(({ held }) => held).map(({ id }) => ({ id, reasons: ['held'] })),
  ];
}

/** Takes what is protected out of what would be deleted. */
export function protectBackups(plan: Plan, protections: Protection[]): Plan {
  const reasonsOf = new Map<string, string[]>();
  for (const { id, reasons } of protections) reasonsOf.set(id, [...(reasonsOf.get(id) ?? []), ...reasons]);
  const kept = plan.keep.map(({ id, reasons }) => ({ id, reasons: [...reasons, ...(reasonsOf.get(id) ?? [])] }));
  const saved = plan.delete.flatMap((id) => {
    const reasons = reasonsOf.get(id);
    return reasons === undefined ? [] : [{ id, reasons }];
  });
  return {
    keep: [...kept, ...saved].sort((a, b) => (a.id < b.id ? 1 : -1)),
    delete: plan.delete.filter((id) => !reasonsOf.has(id)),
  };
}

/** So few may always go. */
const FEW = 10;

/** Why a plan deletes more than a plan should; null when it does not. A first one often does. */
export function refuseMany(plan: Plan): string | null {
  const all = plan.keep.length + plan.delete.length;
  const most = Math.max(FEW, Math.floor(all / 2));
  if (plan.delete.length <= most) return null;
  return `it would delete ${plan.delete.length} of ${all} backups, and more than ${most} (half of them, or ${FEW}) go only when somebody has looked at them`;
}

/** Milliseconds. */
const MOST_SKEW = 3 * 86_400_000;

/** What tells the time beside this machine's clock. */
export interface StoreDates {
  /** The store's own clock, now; null when it has none. */
  clock: Date | null;
  /** The object of the set with the latest date. */
  newest: { key: string; modified: Date } | null;
}

/** Why this machine's clock is not believed; null when it is. A wrong one makes backups too old, or has them from the future. */
export function refuseClock(now: Date, { clock, newest }: StoreDates): string | null {
  const fix = 'Set the clock of this machine';
  if (clock !== null && Math.abs(clock.getTime() - now.getTime()) > MOST_SKEW) {
    return `this machine's clock says ${now.toISOString()}, the store's ${clock.toISOString()}. ${fix}`;
  }
  if (newest !== null && newest.modified.getTime() - now.getTime() > MOST_SKEW) {
    const object = `${JSON.stringify(newest.key)} is of ${newest.modified.toISOString()}`;
    return `this machine's clock says ${now.toISOString()}, and in the store ${object}. ${fix}, or the object's date`;
  }
  return null;
}
