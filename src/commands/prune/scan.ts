import { damageOf, isCommitted } from '../../formats/health/facts.ts';
import type { ListedBackup } from '../../formats/listing.ts';
import type { Manifest } from '../../formats/manifest.ts';
import { keyOf, MANIFEST_FILE } from '../../formats/names.ts';
import type { StoreDates } from '../../formats/retention/guards.ts';
import { type NotGood, whyNotCounted } from '../../formats/state.ts';
import type { BackupSet, SetTrust } from '../../repository/backup-set.ts';
import { mapConcurrent } from '../../store/map-concurrent.ts';

/** A backup of a set, and whether it counts. */
export interface RatedBackup extends ListedBackup {
  /** Why it does not count; null: it counts, as far as names tell, and when it is verified, as far as its manifest does. */
  whyNotGood: string | null;
  /** Its manifest was read and counts, and the listing shows every volume with its size. */
  verified: boolean;
}

/** So many of the newest that count are verified whatever is planned. */
const NEWEST = 30;

/** A set in a store, known well enough to plan what is deleted. */
export class ScannedSet {
  readonly set: BackupSet;
  /** With a manifest; newest first. */
  readonly backups: RatedBackup[];
  /** Ids of folders without one. */
  readonly unfinished: string[];
  readonly dates: StoreDates;

  constructor(set: BackupSet, listed: ListedBackup[], dates: StoreDates) {
    this.set = set;
    this.backups = listed
      .filter(isCommitted)
      .map((backup) => ({ ...backup, whyNotGood: whyNotByName(backup, set.trust), verified: false }));
    this.unfinished = listed.filter((backup) => !isCommitted(backup)).map(({ id }) => id);
    this.dates = dates;
  }

  /** Backups that count, as far as is known. */
  get good(): RatedBackup[] {
    return this.backups.filter(({ whyNotGood }) => whyNotGood === null);
  }

  /** Verifies the newest backups, until 30 of them count. */
  async verifyNewest(): Promise<void> {
    const left = this.good;
    for (let count = 0; left.length > 0 && count < NEWEST; ) {
      const next = left.splice(0, NEWEST - count);
      await this.verify(next);
      count += next.filter(({ verified }) => verified).length;
    }
  }

  /** Verifies each of these that is not verified yet, and keeps in mind why it does not count. */
  async verify(backups: RatedBackup[]): Promise<void> {
    const unknown = backups.filter(({ verified, whyNotGood }) => !verified && whyNotGood === null);
    await mapConcurrent(unknown, async (backup) => {
      backup.whyNotGood = await this.#whyNotGood(backup);
      backup.verified = backup.whyNotGood === null;
    });
  }

  async #whyNotGood(listed: ListedBackup): Promise<string | null> {
    const { state, sha256 } = await this.set.open(listed.id);
    if (state.kind !== 'good') return describeState(state);
    const files = (await this.set.listing()).files(listed.id);
    const isWhole = damageOf({ listed, files, manifest: state, manifestSha256: sha256 }).length === 0;
    return isWhole && hasVolumesOf(listed, state.manifest) ? null : 'its parts are not those of its manifest';
  }
}

/**
 * Lists the set, and verifies its newest backups. `own`: the backup that this run has made, whose manifest shows the
 * store's time.
 */
export async function scanSet(set: BackupSet, own: string | null): Promise<ScannedSet> {
  const listed = (await set.listing()).backups(set.trust.now);
  const clock = set.store.clock() ?? (own === null ? null : await dateOfManifest(set, own));
  const scanned = new ScannedSet(set, listed, { clock, newest: await set.newestObject() });
  await scanned.verifyNewest();
  return scanned;
}

async function dateOfManifest({ store, name }: BackupSet, id: string): Promise<Date | null> {
  for await (const { key, modified } of store.list(keyOf(name, id, ''))) {
    if (key === keyOf(name, id, MANIFEST_FILE)) return modified;
  }
  return null;
}

function whyNotByName({ missing, fromFuture, signed }: ListedBackup, { verificationKeys }: SetTrust): string | null {
  if (missing.length > 0) return `not complete: ${missing.join(', ')} missing`;
  if (fromFuture) return 'from the future: check the clock of the machine that made it';
  return verificationKeys !== null && !signed ? 'not signed' : null;
}

/** Why a manifest does not count, as a reason in the report. */
export function describeState(state: NotGood): string {
  if (state.kind === 'missing') return 'its manifest has gone';
  if (state.kind === 'invalid' && state.what === 'content') return state.why;
  return `its manifest does not count: ${whyNotCounted(state)}`;
}

/** Whether the listing shows as many volumes of each part as the manifest names: a volume too many is wrong too. */
function hasVolumesOf({ parts }: ListedBackup, manifest: Manifest): boolean {
  const listed = new Map(parts.map(({ name, volumes }) => [name, volumes]));
  return manifest.parts.every(({ name, volumes }) => listed.get(name) === volumes.length);
}
