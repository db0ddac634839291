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
    return { ...emptyStore(location.url), error: error.message };
  }
}

function emptyStore(url: string): ListedStore {
  return { url, error: null, sets: [], ignored: { folders: 0, objects: 0 }, otherFolders: [] };
}

/** Foreign folders are not opened: they may be large, or closed to us (`lost+found`). */
async function listAll(store: Store, settings: ListSettings, run: Run): Promise<ListedStore> {
  const folders = await store.folders('');
  const listed: FoundSet[] = [];
  for (const folder of folders.filter(isSetName)) listed.push(await listSet(store, folder, settings, run));
  return {
    ...emptyStore(store.url),
    sets: listed.flatMap(({ set }) => set ?? []),
    ignored: {
      folders: folders.filter((folder) => !isSetName(folder)).length,
      objects: listed.reduce((sum, { ignored }) => sum + ignored, 0),
    },
  };
}

/** A name that does not exist may be misspelt: then reports which other sets exist. */
async function listOne(store: Store, name: string, settings: ListSettings, run: Run): Promise<ListedStore> {
  const { set, ignored } = await listSet(store, name, settings, run);
  const listed = { ...emptyStore(store.url), ignored: { folders: 0, objects: ignored } };
  if (set !== null) return { ...listed, sets: [set] };
  return { ...listed, otherFolders: (await foldersOf(store)).filter((folder) => isSetName(folder) && folder !== name) };
}

interface FoundSet {
  /** null: the folder has no backup. */
  set: ListedSet | null;
  /** How many objects in the folder are not Lifeboat's. */
  ignored: number;
}

async function listSet(store: Store, name: string, { reportHtml }: ListSettings, run: Run): Promise<FoundSet> {
  const set = new BackupSet(store, name, { verificationKeys: null, now: run.now(), mayBeDenied: true });
  const listing = await set.listing();
  const backups = listing.backups(run.now());
  if (backups.length === 0) return { set: null, ignored: listing.ignored };
  const trend =
    reportHtml === null
      ? trendOfNames(listing, run, NOT_READ)
      : await readTrend(set, { signed: false, allTests: true }, run);
  return { set: { name, backups, trend }, ignored: listing.ignored };
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
