import { LifeboatError } from '../../errors.ts';
import { onlySet } from '../../repository/find-backup.ts';
import type { StoreLocation } from '../../store/location.ts';
import { withStore } from '../shared/open-stores.ts';
import type { Run } from '../shared/run.ts';
import type { PruneSettings } from './inputs.ts';
import { emptyRetention, pruneSet } from './prune-set.ts';
import type { PruneReport, StoreRetention } from './report.ts';

/** Applies the rules to a set, store by store: what is wrong with one stands in its part of the report. */
export async function prune(settings: PruneSettings, run: Run): Promise<PruneReport> {
  const { progress } = run;
  const started = run.now();
  const stores: StoreRetention[] = [];
  for (const location of settings.stores) {
    stores.push(await progress.stage('prune', () => pruneStore(location, settings, run)));
  }
  return {
    command: 'prune',
    started: started.toISOString(),
    finished: run.now().toISOString(),
    duration: Math.round(progress.elapsed()),
    dryRun: settings.retention.dryRun,
    stores,
  };
}

async function pruneStore(location: StoreLocation, settings: PruneSettings, run: Run): Promise<StoreRetention> {
  const { name, retention } = settings;
  try {
    return await withStore(location, settings, run, async (store) =>
      pruneSet({ store, name: name ?? (await onlySet(store)), own: null }, retention, run),
    );
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    return { ...emptyRetention(location.url, name, retention.rules), error: error.message };
  }
}
