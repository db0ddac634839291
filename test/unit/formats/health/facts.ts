import type { ScannedBackup, SetFacts } from '../../../../src/formats/health/facts.ts';
import type { Requirements } from '../../../../src/formats/health/rule.ts';
import { makeId } from '../../../../src/formats/id.ts';
import { Listing } from '../../../../src/formats/listing.ts';
import type { ManifestState } from '../../../../src/formats/state.ts';
import { type MadeBackup, makeBackup, type Wanted } from '../../../support/data/made-backup.ts';

export const NOW = new Date('2026-11-21T12:00:00Z');
const HOUR = 60 * 60 * 1000;

export const NOTHING_ASKED: Requirements = {
  maxAge: null,
  maxRestoreTestAge: null,
  maxShrink: null,
  minFreeSpace: null,
  signed: false,
  recipients: null,
  signers: null,
};

export function hoursAgo(hours: number): Date {
  return new Date(NOW.getTime() - hours * HOUR);
}

export function idOf(hours: number): string {
  return makeId(hoursAgo(hours), '0a1b2c3d');
}

/** Backups so many hours old, the newest first, each naming the one before it. */
export function madeBackups(hours: number[], wanted: (index: number) => Wanted = () => ({})): MadeBackup[] {
  const made: MadeBackup[] = [];
  for (const [index, age] of [...hours.entries()].reverse()) {
    made.unshift(makeBackup(idOf(age), { previous: made[0] ?? null, ...wanted(index) }));
  }
  return made;
}

/** What a store that holds these tells. `states`: of manifests that are not good, by id. */
export function factsOf(
  made: MadeBackup[],
  states: Record<string, ManifestState> = {},
  more: Partial<SetFacts> = {},
): SetFacts {
  const listing = new Listing('shop');
  for (const { files } of made) for (const [key, { length }] of files) listing.add({ key, size: length });
  const backups = listing.backups(NOW);
  const newest = backups.slice(0, 30).map((listed): ScannedBackup => {
    const { manifest, manifestSha256 } = made.find(({ id }) => id === listed.id) as MadeBackup;
    const state = states[listed.id] ?? { kind: 'good', manifest, signer: null };
    return { listed, files: listing.files(listed.id), manifest: state, manifestSha256 };
  });
  return {
    name: 'shop',
    backups,
    newest,
    proven: null,
    tests: { newest: null, uncounted: [], fromFuture: [] },
    chain: { pruned: [], uncounted: [], unread: null },
    rows: { kind: 'not-asked' },
    otherSets: [],
    ...more,
  };
}
