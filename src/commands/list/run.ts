import { LifeboatError } from '../../errors.ts';
import type { ListedBackup } from '../../formats/listing.ts';
import { isSetName } from '../../formats/names.ts';
import { BackupSet } from '../../repository/backup-set.ts';
import type { StoreLocation } from '../../store/location.ts';
import { type Store, StoreError } from '../../store/store.ts';
import { withStore } from '../shared/open-stores.ts';
import { readTrend, trendOfNames } from '../shared/read-trend.ts';
import type { Run } from '../shared/run.ts';
import type { ListSettings } from './inputs.ts';
import type { ListedSet, ListedStore, ListReport } from './report.ts';

const NOT_READ =
  'durations and times to restore: list reads no manifest and no record, but for a page of report-html. check does.';

/**
 * Says which backups there are, store by store, from listings alone: no object is read, but for a page of `report-html`.
 * Only cancellation ends it.
 */
export async function list(settings: ListSettings, run: Run): Promise<ListReport> {
  const { progress } = run;
  const started = run.now();
  const stores = await progress.stage('list', () =>
    Promise.all(settings.stores.map((location) => listStore(location, settings, run))),
  );
  for (const store of stores) warnOfFuture(store, run);
  return {
    command: 'list',
    name: settings.name,
    started: started.toISOString(),
    finished: run.now().toISOString(),
    duration: Math.round(progress.elapsed()),
    stores,
  };
}

/** Each store by itself: what is wrong with one is its error. */
async function listStore(location: StoreLocation, settings: ListSettings, run: Run): Promise<ListedStore> {
  try {
    return await withStore(location, settings, run, (store) =>
      settings.name === null ? listAll(store, settings, run) : listOne(store, settings.name, settings, run),
    );
  } catch (error) {
    if (!(error instanceof LifeboatError) || run.signal.aborted) throw error;
    return { ...empty(location.url), error: error.message };
  }
}

function empty(url: string): ListedStore {
  return { url, error: null, sets: [], ignored: { folders: 0, objects: 0 }, otherFolders: [] };
}

/** Foreign folders are not looked into: they may be large, or closed to us (`lost+found`). */
async function listAll(store: Store, settings: ListSettings, run: Run): Promise<ListedStore> {
  const listed = empty(store.url);
  for (const folder of await store.folders('')) {
    if (isSetName(folder)) await addSet(listed, store, folder, settings, run);
    else listed.ignored.folders++;
  }
  return listed;
}

/** A name that is not there may be misspelt: then says what else there is. */
async function listOne(store: Store, name: string, settings: ListSettings, run: Run): Promise<ListedStore> {
  const listed = empty(store.url);
  await addSet(listed, store, name, settings, run);
  if (listed.sets.length > 0) return listed;
  return { ...listed, otherFolders: (await foldersOf(store)).filter((folder) => isSetName(folder) && folder !== name) };
}

async function addSet(
  listed: ListedStore,
  store: Store,
  name: string,
  { reportHtml }: ListSettings,
  run: Run,
): Promise<void> {
  const set = new BackupSet(store, name, { verificationKeys: null, now: run.now(), mayBeDenied: true });
  const listing = await set.listing();
  const backups = listing.backups(run.now());
  if (backups.length > 0) {
    const trend =
      reportHtml === null
        ? trendOfNames(listing, run, NOT_READ)
        : await readTrend(set, listing, { signed: false }, { allTests: true }, run);
    listed.sets.push({ name, backups, trend });
  }
  listed.ignored.objects += listing.ignored;
}

/** Credentials may be limited to one set. */
export async function foldersOf(store: Store): Promise<string[]> {
  try {
    return await store.folders('');
  } catch (error) {
    if (error instanceof StoreError && error.code === 'denied') return [];
    throw error;
  }
}

function warnOfFuture({ url, sets }: ListedStore, run: Run): void {
  for (const { name, backups } of sets) {
    const future = backups.filter(({ fromFuture }) => fromFuture);
    if (future.length > 0) run.log.warning(futureWarning(url, name, future));
  }
}

function futureWarning(url: string, name: ListedSet['name'], [first, ...more]: ListedBackup[]): string {
  const others = more.length === 0 ? 'is' : `and ${more.length} more are`;
  return `${url}: backup ${first?.id} of set ${name} ${others} from the future. Check the clock of the machine that made it.`;
}
