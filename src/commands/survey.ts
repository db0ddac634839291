import { type ListedBackup, type ListedTest, Listing } from '../catalog/listing.ts';
import type { Manifest } from '../catalog/manifest.ts';
import { keyOf, MANIFEST_FILE } from '../catalog/names.ts';
import type { StoreDates } from '../catalog/retention-guards.ts';
import { type InspectedManifest, inspectManifest, inspectRecord, type SetInStore } from './inspect.ts';
import { sideBySide } from './side-by-side.ts';

/** A set as it lies in a store, known well enough to say what may go. */
export interface Survey {
  /** With a manifest; newest first. */
  backups: SurveyedBackup[];
  /** Ids of folders without one. */
  unfinished: string[];
  /** The newest backup whose newest restore test that counts has passed. */
  provenId: string | null;
  dates: StoreDates;
}

export interface SurveyedBackup extends ListedBackup {
  /** null: a good backup, as far as names tell, and for the newest ones their manifests. */
  whyNotGood: string | null;
}

/** So many manifests are read: of older backups their names and sizes must do, or a large set would take hours. */
const NEWEST = 30;

/**
 * Lists the set, and reads the manifests of its newest backups, on until one is good, and the record of the newest proven
 * one. `own`: the backup that this run has made, whose manifest shows the store's time.
 */
export async function survey(place: SetInStore, own: string | null): Promise<Survey> {
  const { store, set, now } = place;
  const listing = new Listing(set);
  let newest: StoreDates['newest'] = null;
  let ownDate: Date | null = null;
  for await (const object of store.list(`${set}/`)) {
    listing.add(object);
    if (newest === null || object.modified > newest.modified) newest = object;
    if (own !== null && object.key === keyOf(set, own, MANIFEST_FILE)) ownDate = object.modified;
  }
  const listed = listing.backups(now);
  const hasManifest = ({ missing }: ListedBackup) => !missing.includes(MANIFEST_FILE);
  const backups = listed.filter(hasManifest).map((backup) => ({ ...backup, whyNotGood: wrongByName(backup, place) }));
  const inspected = await inspectNewest(place, backups);
  return {
    backups,
    unfinished: listed.filter((backup) => !hasManifest(backup)).map(({ id }) => id),
    provenId: await findProven(place, backups, listing, inspected),
    dates: { clock: store.clock() ?? ownDate, newest },
  };
}

function wrongByName({ missing, fromFuture, signed }: ListedBackup, { verificationKeys }: SetInStore): string | null {
  if (missing.length > 0) return `not complete: ${missing.join(', ')} missing`;
  if (fromFuture) return 'from the future: check the clock of the machine that made it';
  return verificationKeys !== null && !signed ? 'not signed' : null;
}

type Inspected = Map<string, InspectedManifest>;

/** Notes what is wrong with the newest; those that are good are the result. */
async function inspectNewest(place: SetInStore, backups: SurveyedBackup[]): Promise<Inspected> {
  const good: Inspected = new Map();
  const left = backups.filter(({ whyNotGood }) => whyNotGood === null);
  while (left.length > 0 && good.size === 0) {
    await sideBySide(left.splice(0, NEWEST), async (backup) => {
      const found = await inspectManifest(place, backup.id);
      if ('wrong' in found) backup.whyNotGood = found.wrong;
      else if (!hasParts(backup, found.manifest)) backup.whyNotGood = 'its parts are not those of its manifest';
      else good.set(backup.id, found);
    });
  }
  return good;
}

/** A last volume that is missing is not seen in a listing alone. */
function hasParts({ parts }: ListedBackup, manifest: Manifest): boolean {
  return manifest.parts.every(({ name, volumes }) => {
    const listed = parts.find((part) => part.name === name);
    return listed?.volumes === volumes.length && listed.size === volumes.reduce((sum, { size }) => sum + size, 0);
  });
}

/** Records that do not count, as unsigned ones when a key is given, neither prove a backup nor hide that it is proven. */
async function findProven(
  place: SetInStore,
  backups: SurveyedBackup[],
  listing: Listing,
  inspected: Inspected,
): Promise<string | null> {
  for (const { id, whyNotGood } of backups) {
    const tests = listing.testsOf(id);
    if (whyNotGood !== null || !tests.some(({ verdict }) => verdict === 'proven')) continue;
    const found = inspected.get(id) ?? (await inspectManifest(place, id));
    if (!('wrong' in found) && (await isProven(place, tests, found.sha256))) return id;
  }
  return null;
}

async function isProven(place: SetInStore, newestFirst: ListedTest[], manifestSha256: string): Promise<boolean> {
  for (const test of newestFirst) {
    const record = await inspectRecord(place, test, manifestSha256);
    if (record !== null) return record.verdict === 'proven';
  }
  return false;
}
