import { LifeboatError } from '../errors.ts';
import { isId } from '../formats/id.ts';
import { type ManifestState, type NotGood, whyNotCounted } from '../formats/state.ts';
import type { Store } from '../store/store.ts';
import { countOf } from '../units.ts';
import { BackupSet, type Newest } from './backup-set.ts';
import type { RepositoryContext } from './context.ts';

/** A committed backup as it lies in a store. Only a `state` that is good can be used. */
export interface ChosenBackup {
  store: Store;
  set: string;
  id: string;
  backups: BackupSet;
  state: ManifestState;
  /** The manifest's bytes, and the hex sha256 of them. */
  manifest: Buffer;
  manifestSha256: string;
  /** Armored; null when there is none. */
  signature: string | null;
}

export interface WantedBackup {
  /** Of the set; null: the only one. */
  name: string | null;
  /** An id, `latest`, or `latest-proven`: the newest whose newest restore test that counts has passed. */
  backup: string;
  /** Armored certificates; null: signatures are not checked. */
  verificationKeys: string | null;
}

/**
 * Finds the backup that is meant, in the first store that has it. What does not count is passed over with a warning. One
 * that is named by its id is taken whatever it is, and so is the newest when no other counts: who opens it says what is
 * wrong. Throws a LifeboatError when no store has one.
 */
export async function chooseBackup(
  stores: Store[],
  { name, backup, verificationKeys }: WantedBackup,
  run: RepositoryContext,
): Promise<ChosenBackup> {
  const reasons: string[] = [];
  let refused: ChosenBackup | null = null;
  for (const store of stores) {
    try {
      const set = name ?? (await onlySet(store));
      const search = await findWanted(new BackupSet(store, set, { verificationKeys, now: run.now() }), backup);
      if (search.chosen !== null) {
        for (const reason of reasons) run.log.warning(`Another store is used instead. ${reason}`);
        if (search.passedOver !== null) run.log.warning(search.passedOver);
        return search.chosen;
      }
      refused ??= search.refused;
      reasons.push(`${store.url}: set ${JSON.stringify(set)} has ${search.lacks}.`);
    } catch (error) {
      if (!(error instanceof LifeboatError) || run.signal.aborted) throw error;
      reasons.push(error.message);
    }
  }
  if (refused !== null) return refused;
  throw new LifeboatError(`There is no backup to use. ${reasons.join(' ')} The command list shows what is there.`);
}

interface Search {
  chosen: ChosenBackup | null;
  /** Says what newer backups were passed over; null when none was. */
  passedOver: string | null;
  /** The newest one, when none counts. */
  refused: ChosenBackup | null;
  /** What the set does not have. */
  lacks: string;
}

async function findWanted(backups: BackupSet, wanted: string): Promise<Search> {
  const search: Search = { chosen: null, passedOver: null, refused: null, lacks: `no complete backup ${wanted}` };
  if (isId(wanted)) return { ...search, chosen: await openNamed(backups, wanted) };
  if (wanted === 'latest') return { ...search, lacks: 'no complete backup', ...(await findLatest(backups)) };
  const proven = await backups.latestProven();
  if (proven !== null) return { ...search, chosen: await openNamed(backups, proven.id) };
  return { ...search, lacks: `no backup that a restore test has proven${await describeClaim(backups)}` };
}

async function findLatest(backups: BackupSet): Promise<Partial<Search>> {
  const { found, passedOver } = await backups.newest();
  if (found !== null) {
    return {
      chosen: await openNamed(backups, found.id),
      passedOver: describePassedOver(backups.store.url, passedOver, true),
    };
  }
  const past = passedOver.find(({ state }) => !(state.kind === 'invalid' && state.what === 'time'));
  if (past !== undefined) return { refused: await openNamed(backups, past.id) };
  return { lacks: passedOver.length === 0 ? 'no complete backup' : 'no complete backup that is not from the future' };
}

/** null: a folder without a manifest is not a backup. */
async function openNamed(backups: BackupSet, id: string): Promise<ChosenBackup | null> {
  const found = await backups.open(id, { named: true });
  const { state, bytes, sha256 } = found;
  if (state.kind === 'invalid' && bytes === null) throw new LifeboatError(`Backup ${id} cannot be used: ${state.why}`);
  if (bytes === null || sha256 === null) return null;
  const { store, name: set } = backups;
  return { store, set, id, backups, state, manifest: bytes, manifestSha256: sha256, signature: found.signature };
}

/** What to do when records say that a backup is proven, and do not count. */
async function describeClaim(backups: BackupSet): Promise<string> {
  for await (const { backup, why } of backups.claimedProven()) {
    return `: the record of a restore test says so of ${backup.id}, and does not count, because ${whyNotCounted(why)}. Give signing-key to restore-test, and in verification-key the certificate of that key; then run it again`;
  }
  return '';
}

/** So many are named. */
const MOST_NAMED = 5;

/**
 * A warning that names backups which were passed over, newest first; null when none was. `found`: whether an older one
 * counts.
 */
export function describePassedOver(url: string, passedOver: Newest['passedOver'], found: boolean): string | null {
  if (passedOver.length === 0) return null;
  const named = passedOver.slice(0, MOST_NAMED).map(({ id, state }) => `${id} ${describeState(state)}`);
  const others = passedOver.length - named.length;
  const [does, them] = passedOver.length === 1 ? ['does', 'it'] : ['do', 'them'];
  const what = `${countOf(passedOver.length, found ? 'newer backup' : 'backup')}, which ${does} not count`;
  const all = [...named, ...(others === 0 ? [] : [`and ${others} more`])].join('; ');
  const next = passedOver.some(({ state }) => isAboutSignature(state))
    ? `After a change of the signing key, give the former certificate in verification-key too; otherwise find out what wrote ${them}.`
    : `Find out what wrote ${them}.`;
  return `${url}: passed over ${what}: ${all}. ${next}`;
}

function isAboutSignature(state: NotGood): boolean {
  return state.kind === 'unsigned' || (state.kind === 'invalid' && state.what === 'signature');
}

function describeState(state: NotGood): string {
  if (state.kind === 'unsigned') return 'is not signed';
  if (state.kind !== 'invalid') return whyNotCounted(state);
  if (state.what === 'time') return 'is from the future: check the clock of the machine that made it';
  return state.what === 'signature' ? `has no good signature (${state.why})` : `cannot be used (${state.why})`;
}

/** Without a name there must be no choice. */
export async function onlySet(store: Store): Promise<string> {
  const sets = await store.folders('');
  const [only] = sets;
  if (only !== undefined && sets.length === 1) return only;
  const found = sets.length === 0 ? 'holds no backups' : `holds several sets (${sets.slice(0, 10).join(', ')})`;
  throw new LifeboatError(`${store.url} ${found}. Say which one in name.`);
}
