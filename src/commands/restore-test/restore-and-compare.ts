import { randomBytes } from 'node:crypto';
import type { Inventory } from '../../formats/inventory/inventory.ts';
import type { Manifest } from '../../formats/manifest.ts';
import { databaseNameOf } from '../../formats/names.ts';
import type { Finding } from '../../formats/restore-test/finding.ts';
import { requireRewritable } from '../../postgres/restore/after-restore/rewrite.ts';
import type { IsolationKind } from '../../postgres/scratch/isolation/isolation.ts';
import { openScratchServer, type ThrowawayServer } from '../../postgres/scratch/server.ts';
import { unexpectedNotice } from '../../postgres/toolset/toolset.ts';
import type { Comparison } from '../../proof/compare.ts';
import { verdictOf } from '../../proof/verdict.ts';
import { type LoadedBackup, loadBackup } from '../shared/load.ts';
import type { OpenedBackup } from '../shared/open-backup.ts';
import type { Run } from '../shared/run.ts';
import { verifyBackup } from '../shared/verify.ts';
import { exposeDatabase } from './expose-database.ts';
import type { RestoreTestSettings } from './inputs.ts';

/** What a restore test knows of a backup once it has come so far. */
export interface Reached {
  manifest: Manifest;
  inventory: Inventory;
  signatureVerified: boolean;
  /** `server_version` of the scratch server. */
  scratchServer: string;
  /** null: a server that was named. */
  isolation: IsolationKind | null;
  /** Milliseconds. */
  restoreTime: number;
  /** Of a database that was kept for later steps; it holds the scratch server's password. */
  restoredUrl: string;
}

/** What one step of a restore test gave. */
export type TestStep = Partial<Reached & Comparison>;

/** Restores the backup into a throwaway database and holds that against the inventory. */
export async function* restoreAndCompare(
  backup: OpenedBackup,
  settings: RestoreTestSettings,
  run: Run,
): AsyncGenerator<TestStep> {
  const { manifest, inventory } = backup;
  const scratch = await run.progress.stage('scratch server', () => openScratch(backup, settings, run));
  yield { scratchServer: scratch.version, isolation: scratch.isolation };
  if (scratch.isolation !== null) run.log.info(`Isolation: ${scratch.isolation}`);
  for (const line of unexpectedNotice(scratch.server.toolset)) run.log.info(line);
  try {
    if (settings.afterRestore !== null) await requireRewritable(scratch.session);
    const database = databaseNameOf(manifest.database, `_test_${manifest.id}_${randomBytes(2).toString('hex')}`);
    const target = { scratch, database, jobs: settings.jobs, roles: inventory.roles };
    const loaded = await loadBackup(backup, target, run);
    yield { restoreTime: loaded.restoreTime };
    yield* verifyAndRelease(loaded, settings, run);
  } catch (error) {
    throw scratch.problem() ?? error;
  } finally {
    await scratch.close();
  }
}

/** Verifies the restored database, and then drops it or keeps it for later steps. */
async function* verifyAndRelease(
  loaded: LoadedBackup,
  settings: RestoreTestSettings,
  run: Run,
): AsyncGenerator<TestStep> {
  const { made, server } = loaded.restored;
  const { assertions, fileReferences, acceptMissingRows } = settings;
  const checks = { assertions, fileReferences, fileTrees: 'read', acceptMissingRows } as const;
  const findings: Finding[] = [];
  let isKept = false;
  try {
    for await (const step of verifyBackup(loaded, checks, run)) {
      findings.push(...(step.findings ?? []));
      yield step;
    }
    isKept = mayKeep(settings, findings);
    if (isKept) {
      const restoredUrl = await exposeDatabase(server, settings, run);
      made.keep();
      yield { restoredUrl };
    }
  } catch (error) {
    await made.remove(error);
    throw error;
  }
  if (!isKept) await made.remove(null);
}

function openScratch(
  { manifest, inventory }: OpenedBackup,
  settings: RestoreTestSettings,
  run: Run,
): Promise<ThrowawayServer> {
  return openScratchServer({
    connection: settings.scratchConnection,
    choice: settings.toolset,
    image: settings.scratchImage,
    parent: settings.scratchDir,
    plainSize: manifest.totals.plain,
    sourceMajor: Math.floor(inventory.server.versionNumber / 10_000),
    clientMajor: Number.parseInt(manifest.clientVersion, 10),
    id: manifest.id,
    context: { signal: run.signal, track: run.track },
  });
}

/** Whether the database is kept for later steps: only one that the run will be green with. */
function mayKeep({ keepDatabase, onCouldNotVerify }: RestoreTestSettings, findings: Finding[]): boolean {
  if (!keepDatabase) return false;
  const verdict = verdictOf(findings);
  return verdict === 'proven' || (verdict === 'could-not-verify' && onCouldNotVerify === 'warn');
}
