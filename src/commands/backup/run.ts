import { randomBytes } from 'node:crypto';
import { makeId } from '../../formats/id.ts';
import type { Inventory } from '../../formats/inventory/inventory.ts';
import type { CommonManifest } from '../../formats/manifest.ts';
import { setNameOf } from '../../formats/names.ts';
import { prepareEncryption } from '../../openpgp/encrypt.ts';
import { dumpError } from '../../postgres/dump/dump.ts';
import { dumpGlobals } from '../../postgres/dump/globals.ts';
import { causeOfDumpError } from '../../postgres/dump/lost-snapshot.ts';
import { readSource } from '../../postgres/inventory/database.ts';
import { type Connected, connectServer, endBackends } from '../../postgres/session/connect.ts';
import { unexpectedNotice } from '../../postgres/toolset/toolset.ts';
import { ToolError } from '../../process/child.ts';
import { commitBackup } from '../../repository/commit-backup.ts';
import { PartStreamer, type WrittenPart } from '../../repository/part-streamer.ts';
import { discardObjects, FanOut, type StoredVolume } from '../../store/fan-out/fan-out.ts';
import type { Run } from '../shared/run.ts';
import { beginDump, storeDump } from './dump.ts';
import { openTrees, storeTrees, withoutNames } from './files.ts';
import type { BackupSettings } from './inputs.ts';
import type { BackupReport } from './report.ts';
import { makeReport } from './result.ts';
import { pruneAfterBackup } from './retention.ts';
import { type BackupTarget, checkSource, openTargets, rightsNotice } from './stores.ts';
import { trendAfterBackup } from './trend.ts';

/**
 * Dumps a database as one encrypted stream into every store. Nothing counts before everything is whole: the manifest
 * is written last. Throws when no store has the backup; a store that failed alone is named in the report.
 */
export async function backup(settings: BackupSettings, run: Run): Promise<BackupReport> {
  const { log } = run;
  const made = await makeBackup(settings, run);
  const { manifest, targets } = made;
  try {
    const retention = await pruneAfterBackup(settings, manifest, targets, run);
    const notice = rightsNotice(targets, settings.retention !== null);
    if (notice !== null) log.notice(notice);
    const trend = await trendAfterBackup(settings, manifest, targets, run);
    return makeReport({ ...made, retention, trend, signed: settings.signing !== null, progress: run.progress });
  } finally {
    for (const { store } of targets) store.close();
  }
}

/** A backup that was committed. Its stores are open. */
interface MadeBackup {
  manifest: CommonManifest;
  inventory: Inventory;
  facts: Connected['facts'];
  superuser: boolean;
  targets: BackupTarget[];
}

async function makeBackup(settings: BackupSettings, run: Run): Promise<MadeBackup> {
  const { progress, log } = run;
  const created = run.now();
  const id = makeId(created, randomBytes(4).toString('hex'));
  const { PGDATABASE: database = '' } = settings.connection;
  progress.about = { set: settings.name ?? setNameOf(database), database, backup: null };
  const failed = new AbortController();
  const signal = AbortSignal.any([run.signal, failed.signal]);
  const encryption = await prepareEncryption(settings.encryption);
  const trees = await openTrees(settings);
  const toolContext = { signal, track: run.track, onStderr: (line: string) => log.info(`  | ${line}`) };
  const connected = await progress.stage('connect', () =>
    connectServer(settings.connection, settings.toolset, id, toolContext),
  );
  const { server, session, facts } = connected;
  const set = settings.name ?? setNameOf(facts.database);
  log.info(`Backup ${id} of database ${JSON.stringify(facts.database)}, PostgreSQL ${facts.version}`);
  for (const line of unexpectedNotice(server.toolset)) log.info(line);
  for (const line of facts.loginTriggers) log.warning(line);

  let targets: BackupTarget[] = [];
  let manifest: CommonManifest;
  let inventory: Inventory;
  let superuser = false;
  try {
    targets = await progress.stage('open stores', () => openTargets(settings, set, signal, run));
    const source = await readSource(session);
    if (!settings.allowNewSource) checkSource(targets, source, set);
    const fanOut = new FanOut(targets, {
      readBackRequired: settings.readBack === 'required',
      onFailure: ({ store }, error) => log.info(`${store.url} is given up: ${error.message}`),
    });
    const { compressionLevel } = settings;
    const parts = new PartStreamer(fanOut, {
      set,
      id,
      encryption,
      compressionLevel,
      volumeSize: run.volumeSize,
      signal,
    });

    const begun = await progress.stage('lock and snapshot', () => beginDump(connected, settings, run));
    const dump = await storeDump(begun, { connected, settings, parts, run, abort: () => failed.abort() });
    ({ superuser } = dump);
    const globals = await progress.stage('globals', () => storeGlobals(connected, settings, parts));
    const files = await storeTrees(trees, settings, parts, run);
    const written = [...dump.parts, ...globals.parts, ...files.parts];
    const partial = settings.dumpArgs.length > 0 ? settings.dumpArgs : null;
    inventory = {
      format: 1,
      id,
      name: set,
      parts: written.map(({ name, plain, sha256, volumes }) => ({ name, plain, sha256, sums: sumsOf(volumes) })),
      partial,
      ...dump.inventory,
      files: files.facts,
    };
    written.push(await progress.stage('inventory', () => parts.writeWhole('inventory', JSON.stringify(inventory))));

    manifest = {
      format: 1,
      id,
      name: set,
      source,
      created: created.toISOString(),
      finished: run.now().toISOString(),
      database: facts.database,
      serverVersion: facts.version,
      clientVersion: server.toolset.version,
      encryption: encryption.describe,
      compression: { method: 'zstd', level: compressionLevel },
      parts: written.map(({ name, plain, volumes }) => ({ name, plain, volumes })),
      totals: { plain: parts.plain, stored: parts.stored },
      partial,
      files: files.facts.map(withoutNames),
      notIncluded: [...dump.notIncluded, ...globals.notIncluded, ...files.notIncluded],
      volumeSize: run.volumeSize,
      lifeboat: run.version,
    };
    // What was read back and what came before differ by store.
    const manifestFor = ({ uploaded, previous, noPrevious }: BackupTarget) => ({
      ...manifest,
      uploaded,
      previous,
      noPrevious,
    });
    await progress.stage('commit', () => commitBackup(fanOut, manifest, manifestFor, settings.signing));
    // Cancelled when some stores had their manifest and others not: nothing is kept of a cancelled run.
    if (targets.some(({ failure }) => failure !== null)) run.signal.throwIfAborted();
  } catch (error) {
    const cause = await causeOfDumpError(error, session);
    failed.abort();
    await Promise.all([discardObjects(targets), endBackends(server).catch(() => {})]);
    for (const { store } of targets) store.close();
    throw cause instanceof ToolError ? dumpError(cause, facts.standby) : cause;
  } finally {
    session.kill();
    await discardObjects(targets.filter(({ failure }) => failure !== null));
  }
  return { manifest, inventory, facts, superuser, targets };
}

async function storeGlobals(
  { server }: Connected,
  settings: BackupSettings,
  parts: PartStreamer,
): Promise<{ parts: WrittenPart[]; notIncluded: string[] }> {
  if (!settings.globals) return { parts: [], notIncluded: ['globals.sql (globals: false)'] };
  const globals = await dumpGlobals(server);
  if ('reason' in globals) return { parts: [], notIncluded: [`globals.sql: ${globals.reason}`] };
  return { parts: [await parts.writeWhole('globals', globals.sql)], notIncluded: ['Passwords of roles'] };
}

/** null: the part has no side objects. */
function sumsOf(volumes: StoredVolume[]): string[] | null {
  const sums = volumes.flatMap((volume) => volume.sums ?? []);
  return sums.length === 0 ? null : sums;
}
