import { type Comparison, mergeComparisons } from '../../proof/compare.ts';
import type { PartCache } from '../../repository/cache/part-cache.ts';
import type { ChosenBackup } from '../../repository/find-backup.ts';
import { damageOf, openBackup, requireManifest } from '../shared/open-backup.ts';
import type { Run } from '../shared/run.ts';
import type { RestoreTestSettings } from './inputs.ts';
import { type Reached, restoreAndCompare, type TestStep } from './restore-and-compare.ts';

/** What is known of a backup, as far as its test came. */
export type TestedBackup = Partial<Reached> & Comparison;

/**
 * Tests a backup from its signature to its rows. What is wrong with it ends up in the findings, beside what was known
 * before that; throws when nothing can be said of the backup: the store or the scratch server cannot be used, or the run
 * was cancelled.
 */
export async function testBackup(
  chosen: ChosenBackup,
  settings: RestoreTestSettings,
  run: Run,
  cache: PartCache | null,
): Promise<TestedBackup> {
  const steps: TestStep[] = [];
  try {
    for await (const step of testSteps(chosen, settings, run, cache)) steps.push(step);
  } catch (error) {
    if (run.signal.aborted) throw error;
    steps.push({ findings: [damageOf(error)] });
  }
  const reached: TestStep = Object.assign({}, ...steps);
  return { ...reached, ...mergeComparisons(steps) };
}

async function* testSteps(
  chosen: ChosenBackup,
  settings: RestoreTestSettings,
  run: Run,
  cache: PartCache | null,
): AsyncGenerator<TestStep> {
  const trusted = requireManifest(chosen, settings);
  yield trusted;
  const { manifest } = trusted;
  const store = (await cache?.storeFor(manifest)) ?? chosen.store;
  const opened = await openBackup(manifest, { store, decryption: settings.decryption, withoutSums: 'refuse' }, run);
  yield { inventory: opened.inventory };
  yield* restoreAndCompare(opened, settings, run);
}
