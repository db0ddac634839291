import { type ListedBackup, Listing } from '../../formats/listing.ts';
import { filesOf, type Manifest } from '../../formats/manifest.ts';
import { keyOf, MANIFEST_FILE } from '../../formats/names.ts';
import type { StoreDates } from '../../formats/retention/guards.ts';
import { type NotGood, whyNotCounted } from '../../formats/state.ts';
import { BackupSet, type SetTrust } from '../../repository/backup-set.ts';
import { sideBySide } from '../../store/side-by-side.ts';
import type { Store } from '../../store/store.ts';

/** A set as it lies in a store, known well enough to plan what is deleted. */
export interface Survey {
  set: BackupSet;
  /** With a manifest; newest first. */
  backups: SurveyedBackup[];
  /** Ids of folders without one. */
  unfinished: string[];
  dates: StoreDates;
}

export interface SurveyedBackup extends ListedBackup {
  /** Why it does not count; null: it counts, as far as names tell, and when it is verified, as far as its manifest does. */
  whyNotGood: string | null;
  /** Its manifest was read and counts, and the listing shows every volume with its size. */
  verified: boolean;
}

/** So many of the newest that count are verified whatever is planned. */
const NEWEST = 30;

/** Where a set lies. */
export interface Place {
  store: Store;
  set: string;
}

/**
 * Lists the set, and verifies its newest backups, on until 30 of them count. `own`: the backup that this run has made,
 * whose manifest shows the store's time.
 */
export async function survey({ store, set }: Place, trust: SetTrust, own: string | null): Promise<Survey> {
  const listing = new Listing(set);
  let newest: StoreDates['newest'] = null;
  let ownDate: Date | null = null;
  for await (const object of store.list(`${set}/`)) {
    listing.add(object);
    if (newest === null || object.modified > newest.modified) newest = object;
    if (own !== null && object.key === keyOf(set, own, MANIFEST_FILE)) ownDate = object.modified;
  }
  const listed = listing.backups(trust.now);
  const hasManifest = ({ missing }: ListedBackup) => !missing.includes(MANIFEST_FILE);
  const backups = listed
    .filter(hasManifest)
    .map((backup) => ({ ...backup, whyNotGood: wrongByName(backup, trust), verified: false }));
  const surveyed = {
    set: new BackupSet(store, set, trust, listing),
    backups,
    unfinished: listed.filter((backup) => !hasManifest(backup)).map(({ id }) => id),
    dates: { clock: store.clock() ?? ownDate, newest },
  };
  await verifyNewest(surveyed);
  return surveyed;
}

function wrongByName({ missing, fromFuture, signed }: ListedBackup, { verificationKeys }: SetTrust): string | null {
  if (missing.length > 0) return `not complete: ${missing.join(', ')} missing`;
  if (fromFuture) return 'from the future: check the clock of the machine that made it';
  return verificationKeys !== null && !signed ? 'not signed' : null;
}

async function verifyNewest({ set, backups }: Survey): Promise<void> {
  const left = backups.filter(({ whyNotGood }) => whyNotGood === null);
  for (let good = 0; left.length > 0 && good < NEWEST; ) {
    const next = left.splice(0, NEWEST - good);
    await verifyAll(set, next);
    good += next.filter(({ verified }) => verified).length;
  }
}

/** Verifies each that is not verified yet; notes what is wrong with it. */
export async function verifyAll(set: BackupSet, backups: SurveyedBackup[]): Promise<void> {
  const unknown = backups.filter(({ verified, whyNotGood }) => !verified && whyNotGood === null);
  const listing = await set.listing();
  await sideBySide(unknown, async (backup) => {
    const { state } = await set.open(backup.id);
    if (state.kind !== 'good') backup.whyNotGood = describeState(state);
    else if (!hasFiles(backup, state.manifest, listing.files(backup.id)))
      backup.whyNotGood = 'its parts are not those of its manifest';
    else backup.verified = true;
  });
}

/** Why a manifest does not count, as a reason in the report. */
export function describeState(state: NotGood): string {
  if (state.kind === 'missing') return 'its manifest has gone';
  if (state.kind === 'invalid' && state.what === 'content') return state.why;
  return `its manifest does not count: ${whyNotCounted(state)}`;
}

type Files = ReturnType<Listing['files']>;

/** A last volume that is missing is not seen in a listing alone. */
function hasFiles({ parts }: ListedBackup, manifest: Manifest, files: Files): boolean {
  const listed = new Map(parts.map(({ name, volumes }) => [name, volumes]));
  const stored = new Map(files.map(({ key, size }) => [key, size]));
  return (
    manifest.parts.every(({ name, volumes }) => listed.get(name) === volumes.length) &&
    filesOf(manifest).every(({ key, size }) => stored.get(key) === size)
  );
}
