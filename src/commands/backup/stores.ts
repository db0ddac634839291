import { LifeboatError } from '../../errors.ts';
import type { Manifest } from '../../formats/manifest.ts';
import { certificateOf } from '../../openpgp/sign.ts';
import { BackupSet, type Newest } from '../../repository/backup-set.ts';
import { describePassedOver } from '../../repository/find-backup.ts';
import { newTarget, type Target } from '../../store/fan-out/fan-out.ts';
import { openStore } from '../../store/open.ts';
import { type Store, StoreError } from '../../store/store.ts';
import type { Run } from '../shared/run.ts';
import type { BackupSettings } from './inputs.ts';

/** What a run began longer ago than this is not under way any more: no upload lives as long. */
const STALE_AFTER = 24 * 60 * 60 * 1000;

/** A store with the newest backup that it has of the set and that counts. */
export interface BackupTarget extends Target {
  previous: Manifest['previous'];
  noPrevious: Manifest['noPrevious'];
  /** The database that this backup was made of. */
  source: string | null;
}

/**
 * Opens every store, sweeps what killed runs left there, and finds the newest backup. A store that fails is skipped;
 * throws when none is left.
 */
export async function openTargets(
  settings: BackupSettings,
  set: string,
  signal: AbortSignal,
  run: Run,
): Promise<BackupTarget[]> {
  const verificationKeys = await keysOfSet(settings);
  const targets = await Promise.all(
    settings.stores.map(async (location): Promise<BackupTarget> => {
      const store = await openStore(location, settings, { signal, track: run.track, info: run.log.info });
      try {
        return { ...newTarget(store), ...(await prepareStore(store, set, verificationKeys, run)) };
      } catch (error) {
        if (!(error instanceof LifeboatError) || signal.aborted) throw error;
        run.log.info(`${store.url} is given up: ${error.message}`);
        return { ...newTarget(store), ...noPreviousBackup('cannot-read'), failure: error };
      }
    }),
  );
  const [first] = targets;
  if (first?.failure && targets.every(({ failure }) => failure !== null)) throw first.failure;
  return targets;
}

/** Whose signature makes an older backup count. Without a key every backup that can be read does. */
export async function keysOfSet({ verificationKeys, signing }: BackupSettings): Promise<string | null> {
  if (verificationKeys !== null || signing === null) return verificationKeys;
  return certificateOf(signing.key);
}

async function prepareStore(store: Store, set: string, verificationKeys: string | null, run: Run): Promise<Previous> {
  await store.open();
  const swept = await store.sweep(`${set}/`, new Date(run.now().getTime() - STALE_AFTER));
  for (const key of swept) run.log.info(`${store.url}: removed the unfinished upload of ${key}.`);
  return findPrevious(setWithoutRights(store, set, verificationKeys, run.now()), run);
}

type Previous = Pick<BackupTarget, 'previous' | 'noPrevious' | 'source'>;

function noPreviousBackup(noPrevious: Manifest['noPrevious']): Previous {
  return { previous: null, noPrevious, source: null };
}

/** The newest backup that counts. What does not is passed over with a warning: it must not stop backups. */
export async function findPrevious(backups: BackupSet, run: Run): Promise<Previous> {
  let newest: Newest;
  try {
    newest = await backups.newest();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'denied') return noPreviousBackup('cannot-list');
    throw error;
  }
  const { found, passedOver } = newest;
  if (passedOver.some(({ state }) => state.kind === 'denied')) return noPreviousBackup('cannot-read');
  const warning = describePassedOver(backups.store.url, passedOver, found !== null);
  if (warning !== null) run.log.warning(warning);
  if (found === null) return noPreviousBackup('first');
  const { id, sha256, manifest } = found;
  return { previous: { id, manifestSha256: sha256 }, noPrevious: null, source: manifest.source };
}

/** A set of which these credentials may not read everything. */
export function setWithoutRights(store: Store, set: string, verificationKeys: string | null, now: Date): BackupSet {
  return new BackupSet(store, set, { verificationKeys, now, mayBeDenied: true });
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
