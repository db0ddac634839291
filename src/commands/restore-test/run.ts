import { startOf } from '../../formats/id.ts';
import type { Verdict } from '../../formats/restore-test/record.ts';
import { verdictOf, worstFirst } from '../../proof/verdict.ts';
import { PartCache } from '../../repository/cache/part-cache.ts';
import { type ChosenBackup, chooseBackup } from '../../repository/find-backup.ts';
import type { Store } from '../../store/store.ts';
import { formatBytes, formatDuration } from '../../units.ts';
import { openStores } from '../shared/open-stores.ts';
import { withinRestoreTimeout } from '../shared/restore-timeout.ts';
import type { Run } from '../shared/run.ts';
import type { RestoreTestSettings } from './inputs.ts';
import { keepRecord } from './record.ts';
import type { RestoreTestReport } from './report.ts';
import { type TestedBackup, testBackup } from './test-backup.ts';
import { verdictBefore } from './verdict-before.ts';

export interface RestoreTestResult {
  report: RestoreTestReport;
  /** For the output alone: it holds a password. */
  restoredUrl: string | null;
}

/**
 * Restores a backup into a throwaway PostgreSQL and requires that it equals what was dumped. Whatever is wrong with the
 * backup is a finding and lowers the verdict; it throws only when nothing can be said of the backup.
 */
export function restoreTest(settings: RestoreTestSettings, run: Run): Promise<RestoreTestResult> {
  return withinRestoreTimeout(settings.restoreTimeout, run, (timed, isRestored) =>
    runRestoreTest(settings, timed, isRestored),
  );
}

async function runRestoreTest(
  settings: RestoreTestSettings,
  run: Run,
  isRestored: () => void,
): Promise<RestoreTestResult> {
  const { progress, log } = run;
  const started = run.now();
  const stores = await progress.stage('open stores', () => openStores(settings, run));
  let cache: PartCache | null = null;
  try {
    const chosen = await progress.stage('choose backup', () => chooseBackup(stores, settings, run));
    progress.about = { set: chosen.set, database: null, backup: chosen.id };
    log.info(`Restore test of backup ${chosen.id} of set ${JSON.stringify(chosen.set)} in ${chosen.store.url}`);
    if (settings.cache) cache = new PartCache(chosen, run);
    const tested = await testBackup(chosen, settings, run, cache);
    run.signal.throwIfAborted();
    isRestored();
    progress.about.database = tested.manifest?.database ?? null;
    const before = await verdictBefore(chosen.backups);
    run.signal.throwIfAborted();
    const cachedSize = cache?.cachedSize ?? 0;
    const result = resultOf(tested, { chosen, stores, before, cachedSize, started }, settings, run);
    // A record speaks of the store's own copy.
    const records = cachedSize === 0 ? await keepRecord(result, chosen, settings, run) : [];
    // What cannot be proven is not what later runs restore again, and may be damaged.
    if (result.verdict !== 'failed') await cache?.keep();
    return { report: { ...result, records }, restoredUrl: tested.restoredUrl ?? null };
  } finally {
    await cache?.close();
    for (const store of stores) store.close();
  }
}

/** What a restore test was made of. */
interface TestCircumstances {
  chosen: ChosenBackup;
  stores: Store[];
  /** Of the restore test before this one. */
  before: Verdict | null;
  cachedSize: number;
  started: Date;
}

/** Everything that the report says but where its record is. */
function resultOf(
  tested: TestedBackup,
  { chosen, stores, before, cachedSize, started }: TestCircumstances,
  settings: RestoreTestSettings,
  { now, progress }: Run,
): Omit<RestoreTestReport, 'records'> {
  const { manifest, inventory, restoreTime = null, restoredUrl } = tested;
  const findings = worstFirst(tested.findings);
  const verdict = verdictOf(findings);
  return {
    command: 'restore-test',
    verdict,
    recovered: verdict === 'proven' && wasRed(before, settings),
    id: chosen.id,
    name: chosen.set,
    database: manifest?.database ?? null,
    created: manifest?.created ?? null,
    store: chosen.store.url,
    manifestSha256: chosen.manifestSha256,
    signed: chosen.signature !== null,
    signatureVerified: tested.signatureVerified ?? false,
    sourceVersion: inventory?.server.version ?? null,
    scratchServer: tested.scratchServer ?? null,
    isolation: tested.isolation ?? null,
    started: started.toISOString(),
    finished: now().toISOString(),
    duration: Math.round(progress.elapsed()),
    restoreTime: restoreTime === null ? null : Math.round(restoreTime),
    stages: progress.stages.map(({ name, milliseconds }) => ({ name, milliseconds: Math.round(milliseconds) })),
    keptDatabase: restoredUrl === undefined ? null : databaseOf(restoredUrl),
    cachedSize,
    storedSize: manifest?.totals.stored ?? null,
    plainSize: manifest?.totals.plain ?? null,
    findings,
    missed: missedObjectives(chosen.id, cachedSize > 0 ? null : restoreTime, settings, started),
    verified: tested.verified,
    notVerified: [
      ...tested.notVerified,
      ...notVerifiedByCache(cachedSize, chosen.store.url),
      ...notVerifiedElsewhere(stores, chosen.store),
    ],
    tables: tested.tables,
  };
}

function wasRed(verdict: Verdict | null, { onCouldNotVerify }: RestoreTestSettings): boolean {
  return verdict === 'failed' || (verdict === 'could-not-verify' && onCouldNotVerify === 'fail');
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

/** A test that has not read the store says little of it. */
function notVerifiedByCache(cachedSize: number, store: string): string[] {
  if (cachedSize === 0) return [];
  return [
    `The copy in ${store}: ${formatBytes(cachedSize)} came from the Actions cache, with the sha256 that the manifest names. So no record is kept.`,
    'The time to restore: nothing was downloaded from the store for these, so max-restore-time is not looked at.',
  ];
}

/** One restore test reads one store. */
function notVerifiedElsewhere(stores: Store[], read: Store): string[] {
  const others = stores.filter((store) => store !== read).map(({ url }) => url);
  if (others.length === 0) return [];
  return [`The copies in ${others.join(', ')}: only ${read.url} was read. Run a restore test for each store.`];
}

/** What people have promised, so old at most, back within so long, and it is not so. That says nothing of the backup. */
function missedObjectives(
  id: string,
  restoreTime: number | null,
  { maxAge, maxRestoreTime }: RestoreTestSettings,
  now: Date,
): string[] {
  const age = now.getTime() - (startOf(id)?.getTime() ?? 0);
  const late = (objective: number | null, measured: number | null) =>
    objective !== null && measured !== null && measured > objective;
  return [
    ...(late(maxAge, age)
      ? [`max-age: the backup is ${formatDuration(age)} old, at most ${formatDuration(maxAge ?? 0)} is allowed.`]
      : []),
    ...(late(maxRestoreTime, restoreTime)
      ? [
          `max-restore-time: the restore took ${formatDuration(restoreTime ?? 0)}, at most ${formatDuration(maxRestoreTime ?? 0)} is allowed.`,
        ]
      : []),
  ];
}
