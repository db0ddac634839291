import { LifeboatError } from '../../errors.ts';
import { judgeSet, judgeStore } from '../../formats/health/examine.ts';
import { validBackups } from '../../formats/health/facts.ts';
import type { StoreFacts } from '../../formats/health/free-space.ts';
import { isSetName } from '../../formats/names.ts';
import { BackupSet } from '../../repository/backup-set.ts';
import type { StoreLocation } from '../../store/location.ts';
import { type Store, StoreError } from '../../store/store.ts';
import { foldersOf } from '../list/run.ts';
import { withStore } from '../shared/open-stores.ts';
import { readTrend } from '../shared/read-trend.ts';
import type { Run } from '../shared/run.ts';
import { findFacts } from './facts.ts';
import type { CheckSettings } from './inputs.ts';
import { type CheckedSet, type CheckedStore, type CheckReport, resultOf } from './report.ts';

/** Reports whether the backups are as required. It changes nothing; only cancellation ends it. */
export async function check(settings: CheckSettings, run: Run): Promise<CheckReport> {
  const { progress } = run;
  const started = run.now();
  const stores = await progress.stage('check', () =>
    Promise.all(settings.stores.map((location) => checkStore(location, settings, run))),
  );
  return {
    command: 'check',
    result: resultOf(stores),
    name: settings.name,
    started: started.toISOString(),
    finished: run.now().toISOString(),
    duration: Math.round(progress.elapsed()),
    stores,
  };
}

/** Each store by itself: what is wrong with one is its error. */
async function checkStore(location: StoreLocation, settings: CheckSettings, run: Run): Promise<CheckedStore> {
  try {
    return await withStore(location, settings, run, async (store) => {
      const results = judgeStore(await storeFacts(store, settings), settings.demands, run.now());
      const sets =
        settings.name === null
          ? await checkAll(store, settings, run)
          : await checkOne(store, settings.name, settings, run);
      return { url: store.url, error: null, results, sets };
    });
  } catch (error) {
    if (!(error instanceof LifeboatError) || run.signal.aborted) throw error;
    return { url: location.url, error: error.message, results: [], sets: [] };
  }
}

async function storeFacts(store: Store, { demands }: CheckSettings): Promise<StoreFacts> {
  if (demands.minFreeSpace === null) return { freeSpace: { bytes: null } };
  try {
    return { freeSpace: { bytes: await store.freeSpace() } };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return { freeSpace: { problem: error.message } };
  }
}

/** Every folder that holds backups, or the records of those that were pruned. */
async function checkAll(store: Store, settings: CheckSettings, run: Run): Promise<CheckedSet[]> {
  const checked: CheckedSet[] = [];
  for (const name of (await store.folders('')).filter(isSetName)) {
    const set = setOf(store, name, settings, run);
    if ((await set.listing()).isEmpty) continue;
    checked.push(await checkSet(set, [], settings, run));
  }
  if (checked.length > 0) return checked;
  throw new LifeboatError(
    `There is no backup in ${store.url}. Correct its path in store, or check the last runs of the backup.`,
  );
}

/** A name that does not exist may be misspelt: then reports which other sets exist. */
async function checkOne(store: Store, name: string, settings: CheckSettings, run: Run): Promise<CheckedSet[]> {
  const set = setOf(store, name, settings, run);
  const others = (await set.listing()).isEmpty
    ? (await foldersOf(store)).filter((folder) => isSetName(folder) && folder !== name)
    : [];
  return [await checkSet(set, others, settings, run)];
}

function setOf(store: Store, name: string, { verificationKeys }: CheckSettings, run: Run): BackupSet {
  return new BackupSet(store, name, { verificationKeys, now: run.now(), mayBeDenied: true });
}

async function checkSet(set: BackupSet, otherSets: string[], settings: CheckSettings, run: Run): Promise<CheckedSet> {
  const { demands } = settings;
  const facts = { ...(await findFacts(set, settings, run)), otherSets };
  return {
    name: set.name,
    newest: validBackups(facts.newest, demands)[0]?.listed.id ?? null,
    newestProven: facts.proven?.listed.id ?? null,
    results: judgeSet(facts, demands, run.now()),
    backups: facts.backups,
    trend: await readTrend(set, { signed: demands.signed, allTests: settings.reportHtml !== null }, run),
  };
}
