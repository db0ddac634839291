import type { PartCache } from '../../repository/cache/part-cache.ts';
import type { ChosenBackup } from '../../repository/find-backup.ts';
import { damageOf, type Examination, newExamination, openBackup } from '../shared/open-backup.ts';
import type { Run } from '../shared/run.ts';
import type { RestoreTestSettings } from './inputs.ts';
import { restoreAndCompare } from './restore-and-compare.ts';

/**
 * Examines a backup from its signature to its rows. What is wrong with it ends up in the findings; throws when that
 * cannot be told: the store or the scratch server cannot be used, or the run was cancelled.
 */
export async function examine(
  chosen: ChosenBackup,
  settings: RestoreTestSettings,
  run: Run,
  cache: PartCache | null,
): Promise<Examination> {
  const found = newExamination();
  try {
    const opened = await openBackup(chosen, { ...settings, withoutSums: 'refuse' }, run, found, cache);
    await restoreAndCompare(opened, settings, run, found);
  } catch (error) {
    if (run.signal.aborted) throw error;
    found.findings.push(damageOf(error));
  }
  return found;
}
