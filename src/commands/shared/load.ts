import { LeftBehind } from '../../errors.ts';
import type { RoleFacts } from '../../formats/inventory/inventory.ts';
import { isReadTwice, type Manifest } from '../../formats/manifest.ts';
import { isTree } from '../../formats/names.ts';
import { type RestoredDatabase, restoreInto } from '../../postgres/restore/restore-into.ts';
import type { ScratchServer } from '../../postgres/scratch/server.ts';
import { type BackupParts, UnreadablePart } from '../../repository/backup-parts.ts';
import type { OpenedBackup } from './open-backup.ts';
import type { Run } from './run.ts';

export const READ_TWICE =
  'This backup has no side objects, as older ones: its data is fetched twice, first to verify it, then to restore it.';

/** Where a backup is restored to, and how. */
export interface LoadTarget {
  scratch: ScratchServer;
  /** The name of the new database. */
  database: string;
  jobs: number;
  /** The roles to create where the server has none of the name. */
  roles: RoleFacts[];
}

/** A backup, and the database that it was restored into. */
export interface LoadedBackup {
  backup: OpenedBackup;
  scratch: ScratchServer;
  restored: RestoredDatabase;
  /** Milliseconds from the first byte fetched to a database that can be used. */
  restoreTime: number;
}

/** Restores a backup into a new database, logs how far it has come, and measures the time. */
export async function loadBackup(
  backup: OpenedBackup,
  { scratch, database, jobs, roles }: LoadTarget,
  run: Run,
): Promise<LoadedBackup> {
  const { parts, manifest, inventory, selection } = backup;
  const started = performance.now();
  await verifyBefore(parts, manifest, run);
  const { plain = 0 } = manifest.parts.find(({ name }) => name === 'data') ?? {};
  let loaded = 0;
  const restore = () =>
    restoreInto(scratch, {
      database,
      inventory,
      roles,
      archive: parts.plain('data'),
      definitions: parts.plain('schema'),
      jobs,
      pick: selection?.pick ?? null,
      onBytes: (bytes) => {
        loaded = bytes;
      },
    });
  const reading = () => ({ plain: loaded, stored: null, more: '' });
  try {
    const restored = await run.progress.stage('restore', () => run.progress.watch('Restore', plain, reading, restore));
    return { backup, scratch, restored, restoreTime: performance.now() - started };
  } catch (error) {
    // Verified bytes that differ later were exchanged in between.
    throw loaded > 0 && isDamage(error) ? new LeftBehind(CODE_MAY_HAVE_RUN, error) : error;
  }
}

/** Before anything of the backup is executed. File trees can be much larger than the database; each is verified before it is unpacked. */
async function verifyBefore(parts: BackupParts, manifest: Manifest, run: Run): Promise<void> {
  const names = manifest.parts.map(({ name }) => name).filter((name) => name !== 'inventory' && !isTree(name));
  if (isReadTwice(manifest)) run.log.info(READ_TWICE);
  await run.progress.stage('verify stored bytes', () => parts.verify(names));
}

function isDamage(error: unknown): boolean {
  return error instanceof LeftBehind ? isDamage(error.cause) : error instanceof UnreadablePart;
}

const CODE_MAY_HAVE_RUN =
  "A part of this backup had been restored before. Its code may have run on the server with the rights of this run's role: look there for what should not exist.";
