import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import type { Manifest, Volume } from '../../formats/manifest.ts';
import { keyOf } from '../../formats/names.ts';
import type { PartStore } from '../../store/store.ts';
import { formatBytes, formatCount } from '../../units.ts';
import type { RepositoryContext } from '../context.ts';
import type { ChosenBackup } from '../find-backup.ts';
import { askActionsCache } from './actions-cache.ts';
import type { CacheOutcome, CacheRequest } from './actions-cache-process.ts';
import { CachingStore, FolderBeforeStore, goodVolumes } from './store.ts';

/** Milliseconds for an answer of the service. */
const ANSWER_WITHIN = 10_000;
/** Milliseconds for bringing or keeping the smallest backup; a larger one has the time that it takes at 10 MB/s as well. */
const TRANSFER_WITHIN = 15_000;
const LEAST_BYTES_PER_MILLISECOND = 10_000;

/** What is on the disk while a run lasts. */
interface Folder {
  /** Holds the volumes and nothing else. */
  volumes: string;
  remove(): Promise<void>;
}

/**
 * The encrypted parts of one backup in the Actions cache. What it brings is used only where it is what the manifest names,
 * so that who can write an entry cannot make a backup look better or worse. Whatever fails here is one notice, and the
 * store is read.
 */
export class PartCache {
  /** Bytes of the parts that come from the cache instead of the store. */
  cachedSize = 0;
  readonly #chosen: ChosenBackup;
  readonly #run: RepositoryContext;
  /** Of this very backup; and no key is the beginning of another, for the service takes a key for a beginning. */
  readonly #key: string;
  #folder: Folder | null = null;
  #keeping: { store: CachingStore; volumes: Volume[] } | null = null;

  constructor(chosen: ChosenBackup, run: RepositoryContext) {
    this.#chosen = chosen;
    this.#run = run;
    this.#key = `lifeboat-${chosen.set}-${chosen.id}-${chosen.manifestSha256}`;
  }

  /** What to read the parts from: the store, and before it what the cache has. */
  async storeFor(manifest: Manifest): Promise<PartStore> {
    try {
      return await this.#run.progress.stage('look into the cache', () => this.#open(manifest));
    } catch (error) {
      await this.#disable('the parts are read from the store', error);
      return this.#chosen.store;
    }
  }

  /** Keeps what was read from the store; for a test that has read every part to its end. */
  async keep(): Promise<void> {
    if (this.#keeping === null || this.#folder === null) return;
    const { store, volumes } = this.#keeping;
    const { volumes: folder } = this.#folder;
    try {
      await store.finish();
      await this.#run.progress.stage('keep in the cache', () => this.#save(folder, volumes));
    } catch (error) {
      await this.#disable('the parts are not kept', error);
    }
  }

  /** Removes what is on the disk. */
  async close(): Promise<void> {
    await this.#keeping?.store.finish().catch(() => {});
    await this.#folder?.remove();
  }

  async #open(manifest: Manifest): Promise<PartStore> {
    const volumes = manifest.parts.flatMap((part) => part.volumes);
    const { stored, plain } = manifest.totals;
    this.#folder = await makeFolder(this.#run);
    const { volumes: folder } = this.#folder;
    await requireRoom(folder, 2 * (stored + plain));
    if ((await this.#ask('look-up', folder, ANSWER_WITHIN)) === 'done') return await this.#fetch(folder, volumes);
    this.#run.log.info(`The Actions cache has no entry ${this.#key} yet: what is read from the store is kept.`);
    const { store, set, id } = this.#chosen;
    this.#keeping = { store: new CachingStore(store, keyOf(set, id, ''), folder, volumes), volumes };
    return this.#keeping.store;
  }

  async #fetch(folder: string, volumes: Volume[]): Promise<PartStore> {
    const { log } = this.#run;
    await this.#ask('fetch', folder, transferTime(volumes));
    const good = await goodVolumes(folder, volumes);
    this.cachedSize = sizeOf(good);
    log.info(`${formatBytes(this.cachedSize)} come from the Actions cache, entry ${this.#key}.`);
    if (good.length < volumes.length) {
      const bad = formatCount(volumes.length - good.length);
      log.notice(
        `cache: ${bad} of ${formatCount(volumes.length)} volumes are missing in entry ${this.#key}, or are not what the manifest names. They are read from the store. No run writes over the entry: delete it under Actions, Caches.`,
      );
    }
    const { store, set, id } = this.#chosen;
    return new FolderBeforeStore(store, keyOf(set, id, ''), folder, good);
  }

  /** An entry cannot be written again, so its volumes are looked at once more. */
  async #save(folder: string, volumes: Volume[]): Promise<void> {
    if ((await goodVolumes(folder, volumes)).length < volumes.length) throw new Error('their copies are not whole');
    const outcome = await this.#ask('save', folder, transferTime(volumes));
    const { log } = this.#run;
    if (outcome === 'done') log.info(`${formatBytes(sizeOf(volumes))} are kept in the Actions cache.`);
    else log.info('The Actions cache takes no such entry now: another run makes it, or this one may not.');
  }

  #ask(request: CacheRequest, folder: string, within: number): Promise<CacheOutcome> {
    return askActionsCache({ request, key: this.#key, folder, within }, this.#run);
  }

  async #disable(consequence: string, error: unknown): Promise<void> {
    this.#run.signal.throwIfAborted();
    this.#run.log.notice(`cache: ${consequence}, for the Actions cache cannot be used: ${messageOf(error)}.`);
    await this.close();
  }
}

function sizeOf(volumes: Volume[]): number {
  return volumes.reduce((sum, { size }) => sum + size, 0);
}

function transferTime(volumes: Volume[]): number {
  return Math.ceil(TRANSFER_WITHIN + sizeOf(volumes) / LEAST_BYTES_PER_MILLISECOND);
}

/** What cannot be removed is left to the runner, which empties its temporary folder. */
async function makeFolder({ track, log }: RepositoryContext): Promise<Folder> {
  const folder = await mkdtemp(join(process.env.RUNNER_TEMP || tmpdir(), 'lifeboat-cache-'));
  const forget = track({ kind: 'folder', path: folder });
  const volumes = join(folder, 'volumes');
  await mkdir(volumes);
  const remove = async () => {
    try {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      forget();
    } catch (error) {
      log.notice(`cache: a folder was left behind, ${folder}: ${messageOf(error)}`);
    }
  };
  return { volumes, remove };
}

/** For the volumes and their archive; and a throwaway database, on the same disk perhaps, must find its room after that. */
async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new Error(`its folder should have ${formatBytes(bytes)}, and ${formatBytes(bavail * bsize)} are free`);
}
