import { BackupSet } from '../../repository/backup-set.ts';
import { openStore } from '../../store/open.ts';
import { readTrend, trendOfNames } from '../shared/read-trend.ts';
import type { Run } from '../shared/run.ts';
import type { BackupSettings } from './inputs.ts';
import type { BackupReport } from './report.ts';
import type { BackupTarget } from './stores.ts';

/** Milliseconds: a chart is not worth more. */
const PATIENCE = 10_000;

/**
 * How the set has gone on, from the first store that has the backup and may be listed. The backup is good whatever
 * becomes of this: null when it cannot be read, or not soon.
 */
export async function trendAfterBackup(
  settings: BackupSettings,
  { name }: { name: string },
  targets: BackupTarget[],
  run: Run,
): Promise<BackupReport['trend']> {
  const index = targets.findIndex(({ failure, noPrevious }) => failure === null && noPrevious !== 'cannot-list');
  const [target, location] = [targets[index], settings.stores[index]];
  if (target === undefined || location === undefined || target.noPrevious === 'first') return null;
  const keys = settings.verificationKeys;
  const signal = AbortSignal.any([run.signal, AbortSignal.timeout(PATIENCE)]);
  const reading = { ...run, signal };
  try {
    // Of its own, so that its requests end with its patience.
    const store = await openStore(location, settings, { signal, track: run.track, info: () => {} });
    try {
      const set = new BackupSet(store, name, { verificationKeys: keys, now: run.now(), mayBeDenied: true });
      const listing = await set.listing();
      if (target.noPrevious === 'cannot-read') return trendOfNames(listing, reading, 'what may not be read');
      return await readTrend(set, { signed: keys !== null, allTests: false }, reading);
    } finally {
      store.close();
    }
  } catch {
    return null;
  }
}
