import { LifeboatError } from '../../errors.ts';
import { isCommitted, validBackups } from '../../formats/health/facts.ts';
import type { ListedBackup, ListedTest, Listing } from '../../formats/listing.ts';
import { whyNotCounted } from '../../formats/state.ts';
import { MOST_BACKUPS, NOTHING_READ, type ReadFacts, type Trend, testKey, trendOf } from '../../report/trend.ts';
import type { BackupSet } from '../../repository/backup-set.ts';
import { mapConcurrent } from '../../store/map-concurrent.ts';
import type { Run } from './run.ts';

/** So many of the newest restore tests are read for a page that shows them all. */
const MOST_RECORDS = 30;

/** The trend as far as names and sizes show it. */
export function trendOfNames(listing: Listing, run: Run, missing: string | null): Trend {
  return trendOf(goodByName(listing, run), listing.tests(), NOTHING_READ, missing);
}

export interface TrendOptions {
  /** A manifest or record counts only with a good signature. */
  signed: boolean;
  /** Also the newest restore tests of whatever verdict and backup. */
  allTests: boolean;
}

/**
 * Reads the manifests of the newest backups, and of each the newest record that proves it. It only reports: what cannot be
 * read is missing, and nothing else.
 */
export async function readTrend(set: BackupSet, { signed, allTests }: TrendOptions, run: Run): Promise<Trend> {
  const listing = await set.listing();
  try {
    const byName = goodByName(listing, run);
    const backups = await readBackups(set, byName, signed);
    const tests = listing.tests();
    const proofs = backups.good.flatMap(
      ({ id }) => tests.find((test) => test.id === id && test.verdict === 'proven') ?? [],
    );
    const wanted = new Set([...proofs, ...(allTests ? tests.slice(0, MOST_RECORDS) : [])]);
    const records = await readRecords(set, [...wanted], run);
    const [denied] = [...backups.denied, ...records.denied];
    const good = [...backups.good, ...byName.slice(MOST_BACKUPS)];
    const missing = denied === undefined ? null : `what may not be read: ${denied}`;
    return trendOf(good, tests, { manifests: backups.manifests, ...records }, missing);
  } catch (error) {
    run.signal.throwIfAborted();
    if (!(error instanceof LifeboatError)) throw error;
    return trendOfNames(listing, run, `durations and times to restore: ${error.message}`);
  }
}

function goodByName(listing: Listing, run: Run): ListedBackup[] {
  return listing.backups(run.now()).filter(({ complete, fromFuture }) => complete && !fromFuture);
}

/** `denied`: why some may not be read. */
async function readBackups(
  set: BackupSet,
  byName: ListedBackup[],
  signed: boolean,
): Promise<{ good: ListedBackup[]; manifests: ReadFacts['manifests']; denied: string[] }> {
  const scanned = await mapConcurrent(byName.slice(0, MOST_BACKUPS), (backup) => set.scan(backup));
  const found = scanned.filter((backup) => backup !== null);
  const good = validBackups(found, { signed });
  const manifests = good.flatMap(({ listed, manifest }) =>
    manifest.kind === 'good' ? [[listed.id, manifest.manifest] as const] : [],
  );
  return {
    good: good.map(({ listed }) => listed),
    manifests: new Map(manifests),
    denied: found.flatMap(({ manifest }) => (manifest.kind === 'denied' ? [manifest.why] : [])),
  };
}

/** `denied`: why some may not be read. */
async function readRecords(
  set: BackupSet,
  tests: ListedTest[],
  run: Run,
): Promise<Omit<ReadFacts, 'manifests'> & { denied: string[] }> {
  const listing = await set.listing();
  const committed = new Set(
    listing
      .backups(run.now())
      .filter(isCommitted)
      .map(({ id }) => id),
  );
  const wanted = tests.filter(({ id }) => committed.has(id));
  const states = await mapConcurrent(wanted, async (test) => ({ key: testKey(test), state: await set.recordOf(test) }));
  return {
    records: new Map(states.flatMap(({ key, state }) => (state.kind === 'good' ? [[key, state.record]] : []))),
    problems: new Map(
      states.flatMap(({ key, state }) =>
        state.kind === 'unsigned' || state.kind === 'invalid' ? [[key, whyNotCounted(state)]] : [],
      ),
    ),
    denied: states.flatMap(({ state }) => (state.kind === 'denied' ? [state.why] : [])),
  };
}
