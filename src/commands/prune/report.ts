/** What a prune tells people and later steps; the JSON report is this. `duration` is milliseconds, sizes bytes. */
export interface PruneReport {
  command: 'prune';
  started: string;
  finished: string;
  duration: number;
  dryRun: boolean;
  stores: StoreRetention[];
}

/** What the rules made of one set in one store. */
export interface StoreRetention {
  url: string;
  /** The set; null when it was not found out. */
  name: string | null;
  /** As they are written in a workflow. */
  rules: string;
  /**
   * `planned`: a dry run. `nothing`: nothing had to go. `refused`: a guard stands against the plan. `failed`: see `error`;
   * some of it may have been done.
   */
  outcome: 'planned' | 'nothing' | 'applied' | 'refused' | 'failed';
  error: string | null;
  /** These credentials may not delete, or not write down what they delete. */
  denied: boolean;
  /** What stands against the plan; with `force` it is still applied. */
  refusals: string[];
  /** Newest first. */
  backups: RetainedBackup[];
  leftovers: LeftoverReport[];
  /** The key of what was written down before the first object went. */
  record: string | null;
}

export interface RetainedBackup {
  id: string;
  /** UTC, ISO 8601. */
  created: string;
  ageSeconds: number;
  size: number;
  /** `ignored`: no good backup, so it counts for nothing, and stays. */
  decision: 'keep' | 'delete' | 'ignored';
  /** Why it stays or goes. */
  reasons: string[];
  deleted: boolean;
  /** Worth knowing of one that goes. */
  notes: string[];
}

/** A folder without a manifest. */
export interface LeftoverReport {
  id: string;
  files: string[];
  size: number;
  /** null: it may go. */
  whyNot: string | null;
  deleted: boolean;
}

export interface DeletedBackup {
  store: string;
  name: string;
  id: string;
  created: string;
  size: number;
}

/** Outputs of a job are limited to 1 MB; the JSON report has all. */
const MOST = 1000;

/** The output `deleted`: what is gone, or in a dry run would go. */
export function deletedOutput(stores: StoreRetention[]): string {
  const deleted = stores.flatMap(({ url, name, outcome, backups }) =>
    backups
      .filter(({ decision, deleted }) => deleted || (outcome === 'planned' && decision === 'delete'))
      .map(({ id, created, size }): DeletedBackup => ({ store: url, name: name ?? '', id, created, size })),
  );
  return JSON.stringify(deleted.slice(0, MOST));
}
