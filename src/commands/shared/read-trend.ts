import { LifeboatError } from '../../errors.ts';
import { counts, isCommitted } from '../../formats/health/facts.ts';
import type { Demands } from '../../formats/health/rule.ts';
import type { ListedBackup, ListedTest, Listing } from '../../formats/listing.ts';
import { whyNotCounted } from '../../formats/state.ts';
import { MOST_BACKUPS, NOTHING_READ, type ReadFacts, type Trend, testKey, trendOf } from '../../report/trend.ts';
import type { BackupSet } from '../../repository/backup-set.ts';
import { sideBySide } from '../../store/side-by-side.ts';
import type { Run } from './run.ts';

/** So many of the newest restore tests are read for a page that shows them all. */
const MOST_RECORDS = 30;

/** What names and sizes tell. */
export function trendOfNames(listing: Listing, run: Run, missing: string | null): Trend {
  return trendOf(goodByName(listing, run), listing.tests(), NOTHING_READ, missing);
}

/**
 * Reads the manifests of the newest backups, and of each the newest record that proves it; with `allTests` also the
 * newest records of whatever verdict and backup. It only tells: what cannot be read is missing, and nothing else.
 */
export async function readTrend(
  set: BackupSet,
  listing: Listing,
  demands: Pick<Demands, 'signed'>,
  { allTests }: { allTests: boolean },
  run: Run,
): Promise<Trend> {
  try {
    const byName = goodByName(listing, run);
    const { good, read, denied } = await readBackups(set, byName, demands);
    const tests = listing.tests();
    const proofs = good.flatMap(({ id }) => tests.find((test) => test.id === id && test.verdict === 'proven') ?? []);
    const wanted = new Set([...proofs, ...(allTests ? tests.slice(0, MOST_RECORDS) : [])]);
    denied.push(...(await readRecords(set, listing, [...wanted], read, run)));
    const older = byName.slice(MOST_BACKUPS);
    return trendOf([...good, ...older], tests, read, denied.length === 0 ? null : `what may not be read: ${denied[0]}`);
  } catch (error) {
    run.signal.throwIfAborted();
    if (!(error instanceof LifeboatError)) throw error;
    return trendOfNames(listing, run, `durations and times to restore: ${error.message}`);
  }
}

function goodByName(listing: Listing, run: Run): ListedBackup[] {
  return listing.backups(run.now()).filter(({ complete, fromFuture }) => complete && !fromFuture);
}

async function readBackups(
  set: BackupSet,
  byName: ListedBackup[],
  demands: Pick<Demands, 'signed'>,
): Promise<{ good: ListedBackup[]; read: ReadFacts; denied: string[] }> {
  const examined = await sideBySide(byName.slice(0, MOST_BACKUPS), (backup) => set.examine(backup));
  const good = examined.filter((backup) => backup !== null).filter((backup) => counts(backup, demands));
  const manifests = good.flatMap(({ listed, manifest }) =>
    manifest.kind === 'good' ? [[listed.id, manifest.manifest] as const] : [],
  );
  return {
    good: good.map(({ listed }) => listed),
    read: { manifests: new Map(manifests), records: new Map(), problems: new Map() },
    denied: examined.flatMap((backup) => (backup?.manifest.kind === 'denied' ? [backup.manifest.why] : [])),
  };
}

/** Returns why some may not be read. */
async function readRecords(
  set: BackupSet,
  listing: Listing,
  tests: ListedTest[],
  read: ReadFacts,
  run: Run,
): Promise<string[]> {
  const committed = new Set(
    listing
      .backups(run.now())
      .filter(isCommitted)
      .map(({ id }) => id),
  );
  const denied: string[] = [];
  await sideBySide(tests, async (test) => {
    if (!committed.has(test.id)) return;
    const state = await set.recordOf(test);
    if (state.kind === 'good') read.records.set(testKey(test), state.record);
    if (state.kind === 'unsigned' || state.kind === 'invalid') read.problems.set(testKey(test), whyNotCounted(state));
    if (state.kind === 'denied') denied.push(state.why);
  });
  return denied;
}
