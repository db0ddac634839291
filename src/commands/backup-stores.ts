import { createHash } from 'node:crypto';
import { isFromFuture, isId } from '../catalog/id.ts';
import { type Manifest, readPreviousManifest } from '../catalog/manifest.ts';
import { keyOf, MANIFEST_FILE } from '../catalog/names.ts';
import { LifeboatError } from '../errors.ts';
import type { BackupSettings } from '../inputs/settings.ts';
import { newTarget, type Target } from '../store/fan-out.ts';
import { openStore } from '../store/open.ts';
import { type Store, StoreError } from '../store/store.ts';
import { readObject } from './read-object.ts';
import type { Run } from './run.ts';

/** What a run began longer ago than this is not under way any more: no upload lives as long. */
const STALE_AFTER = 24 * 60 * 60 * 1000;

/** A store with the newest backup that it has of the set. */
export interface BackupTarget extends Target {
  previous: Manifest['previous'];
  noPrevious: Manifest['noPrevious'];
  /** The database that the newest backup was made of. */
  source: string | null;
}

/**
 * Opens every store, sweeps what killed runs left there, and finds the newest backup. A store that fails is given up;
 * throws when none is left.
 */
export async function openTargets(
  settings: BackupSettings,
  set: string,
  signal: AbortSignal,
  run: Run,
): Promise<BackupTarget[]> {
  const targets = await Promise.all(
    settings.stores.map(async (location): Promise<BackupTarget> => {
      const store = await openStore(location, settings, { signal, track: run.track, info: run.log.info });
      try {
        return { ...newTarget(store), ...(await prepareStore(store, set, run)) };
      } catch (error) {
        if (!(error instanceof LifeboatError) || signal.aborted) throw error;
        run.log.info(`${store.url} is given up: ${error.message}`);
        return { ...newTarget(store), ...none('cannot-read'), failure: error };
      }
    }),
  );
  const [first] = targets;
  if (first?.failure && targets.every(({ failure }) => failure !== null)) throw first.failure;
  return targets;
}

async function prepareStore(store: Store, set: string, run: Run): Promise<Previous> {
  await store.open();
  const swept = await store.sweep(`${set}/`, new Date(run.now().getTime() - STALE_AFTER));
  for (const key of swept) run.log.info(`${store.url}: removed the unfinished upload of ${key}.`);
  return findPrevious(store, set, run);
}

type Previous = Pick<BackupTarget, 'previous' | 'noPrevious' | 'source'>;

function none(noPrevious: Manifest['noPrevious']): Previous {
  return { previous: null, noPrevious, source: null };
}

export async function findPrevious(store: Store, set: string, run: Run): Promise<Previous> {
  let ids: string[];
  try {
    ids = (await store.folders(`${set}/`)).filter(isId).sort().reverse();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'denied') return none('cannot-list');
    throw error;
  }
  for (const id of ids) {
    if (isFromFuture(id, run.now())) {
      run.log.warning(`${store.url}: backup ${id} is from the future. Check the clock of the machine that made it.`);
      continue;
    }
    const key = keyOf(set, id, MANIFEST_FILE);
    try {
      const bytes = await readObject(store, key);
      if (bytes === null) continue; // A folder without a manifest is no backup.
      const { source } = readPreviousManifest(bytes, key);
      return {
        previous: { id, manifestSha256: createHash('sha256').update(bytes).digest('hex') },
        noPrevious: null,
        source,
      };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code === 'denied') return none('cannot-read');
      if (error.code !== 'unusable') throw error;
      run.log.warning(`${store.url}: backup ${id} does not count and is passed over. ${error.message}`);
    }
  }
  return none('first');
}

/** A set holds one database's backups: another one under the same name is a mistake unless it was meant. */
export function checkSource(
  targets: Pick<BackupTarget, 'store' | 'previous' | 'source'>[],
  source: string | null,
  set: string,
): void {
  for (const target of targets) {
    if (target.source === null || source === null || target.source === source) continue;
    throw new LifeboatError(
      `Set ${JSON.stringify(set)} in ${target.store.url} holds backups of another database: the newest one (${target.previous?.id}) has another source. Give this database a name of its own, or, when the database was moved or restored on purpose, run once with allow-new-source: true.`,
    );
  }
}

/** What credentials without some rights left undone; null when nothing was. Not an error: such credentials are a good choice. */
export function rightsNotice(targets: BackupTarget[], hasRules: boolean): string | null {
  const lacking = targets.flatMap(({ store, failure, noPrevious, uploaded }) => {
    if (failure !== null) return [];
    const rights = [
      ...(noPrevious === 'cannot-list' ? ['may not list: the backup before is not known, nothing was swept'] : []),
      ...(noPrevious === 'cannot-read' ? ['may not read: the backup before is not known'] : []),
      ...(uploaded === 'acknowledged'
        ? [`may not read: the sizes of what was stored were not read back${hasRules ? ', and nothing was pruned' : ''}`]
        : []),
    ];
    return rights.length === 0 ? [] : [`${store.url}: these credentials ${rights.join('; ')}.`];
  });
  return lacking.length === 0 ? null : lacking.join(' ');
}
