import { messageOf } from '../../errors.ts';
import type { RetentionSettings } from '../prune/inputs.ts';
import { emptyRetention, pruneSet } from '../prune/prune-set.ts';
import type { StoreRetention } from '../prune/report.ts';
import type { Run } from '../shared/run.ts';
import type { BackupSettings } from './inputs.ts';
import type { BackupTarget } from './stores.ts';

/**
 * Applies the rules after a backup, in each store that has it whole and has shown that it has. The backup is good
 * whatever becomes of older ones: what goes wrong here is logged, and the next run tries again.
 */
export async function pruneAfterBackup(
  { retention }: BackupSettings,
  backup: { id: string; name: string },
  targets: BackupTarget[],
  run: Run,
): Promise<Map<BackupTarget, StoreRetention>> {
  const results = new Map<BackupTarget, StoreRetention>();
  if (retention === null) return results;
  for (const target of targets) {
    if (target.failure !== null || target.uploaded !== 'read-back' || run.signal.aborted) continue;
    const result = await run.progress.stage('retention', () => pruneStore(target, backup, retention, run));
    results.set(target, result);
    logRetention(result, run);
  }
  return results;
}

/** Not even an error of our own makes a good backup red. */
async function pruneStore(
  { store }: BackupTarget,
  { id, name }: { id: string; name: string },
  retention: RetentionSettings,
  run: Run,
): Promise<StoreRetention> {
  try {
    return await pruneSet({ store, name, own: { id, isStored: true } }, retention, run);
  } catch (error) {
    const told = `This is an error inside of Lifeboat; please report it: ${messageOf(error)}`;
    return { ...emptyRetention(store.url, name, retention.rules), error: told };
  }
}

function logRetention({ url, name, rules, outcome, error, denied, refusals }: StoreRetention, { log }: Run): void {
  if (outcome === 'failed' && denied) {
    log.notice(
      `${url}: no older backup was deleted, for these credentials may not. ${error} Or leave keep-* out here, and run the command prune elsewhere with credentials that may.`,
    );
  } else if (outcome === 'failed') {
    log.warning(`${url}: the backup is good, but older ones were not all deleted that should be. ${error}`);
  } else if (outcome === 'refused') {
    log.warning(
      `${url}: the backup is good, but no older one was deleted: ${refusals.join('; ')}. Look at the plan with command: prune, name: ${name}, dry-run: true and the same rules (${rules}). When it is right, run it once with force: true in place of dry-run.`,
    );
  }
}
