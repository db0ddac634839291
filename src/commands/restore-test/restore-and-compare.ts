import { randomBytes } from 'node:crypto';
import { databaseNameOf } from '../../formats/names.ts';
import { requireRewritable } from '../../postgres/restore/after-restore/rewrite.ts';
import { openScratchServer, type ThrowawayServer } from '../../postgres/scratch/server.ts';
import { unexpected } from '../../postgres/toolset/toolset.ts';
import { verdictOf } from '../../proof/verdict.ts';
import { load } from '../shared/load.ts';
import type { Examination, OpenedBackup } from '../shared/open-backup.ts';
import type { Run } from '../shared/run.ts';
import { type Checks, verify } from '../shared/verify.ts';
import { handOut } from './expose-database.ts';
import type { RestoreTestSettings } from './inputs.ts';

/** Restores the backup into a throwaway database and holds that against the inventory. */
export async function restoreAndCompare(
  backup: OpenedBackup,
  settings: RestoreTestSettings,
  run: Run,
  found: Examination,
): Promise<void> {
  const { manifest } = backup;
  const scratch = await run.progress.stage('scratch server', () => openScratch(backup, settings, run));
  found.scratchServer = scratch.version;
  found.isolation = scratch.isolation;
  if (scratch.isolation !== null) run.log.info(`Isolation: ${scratch.isolation}`);
  for (const line of unexpected(scratch.server.toolset)) run.log.info(line);
  try {
    if (settings.afterRestore !== null) await requireRewritable(scratch.session);
    const database = databaseNameOf(manifest.database, `_test_${manifest.id}_${randomBytes(2).toString('hex')}`);
    const restored = await load(scratch, database, backup, { jobs: settings.jobs }, run, found);
    try {
      const { assertions, fileReferences } = settings;
      const checks: Checks = { assertions, fileReferences, fileTrees: 'read' };
      await verify(scratch, restored, backup, checks, run, found);
      if (mayStay(settings, found)) {
        found.restoredUrl = await handOut(restored.server, settings, run);
        restored.made.keep();
      }
    } catch (error) {
      await restored.made.remove(error);
      throw error;
    }
    if (found.restoredUrl === null) await restored.made.remove(null);
  } catch (error) {
    throw scratch.problem() ?? error;
  } finally {
    await scratch.close();
  }
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

/** Whether the database stays for later steps: only one that the run will be green with. */
function mayStay({ keepDatabase, onCouldNotVerify }: RestoreTestSettings, { findings }: Examination): boolean {
  if (!keepDatabase) return false;
  const verdict = verdictOf(findings);
  return verdict === 'proven' || (verdict === 'could-not-verify' && onCouldNotVerify === 'warn');
}
