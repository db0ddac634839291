import type { RoleFacts } from '../catalog/inventory.ts';
import { type RestoredDatabase, restoreInto } from '../postgres/scratch/restore-into.ts';
import type { ScratchServer } from '../postgres/scratch/server.ts';
import type { Examination, OpenedBackup } from './open-backup.ts';
import type { Run } from './run.ts';

/** Restores a backup into a new database, tells how far it has come, and measures the time. */
export async function load(
  target: ScratchServer,
  database: string,
  { parts, manifest, inventory, selection }: OpenedBackup,
  { jobs, roles = inventory.roles }: { jobs: number; roles?: RoleFacts[] },
  run: Run,
  found: Examination,
): Promise<RestoredDatabase> {
  const started = performance.now();
  const { plain = 0 } = manifest.parts.find(({ name }) => name === 'data') ?? {};
  let loaded = 0;
  const restored = await run.progress.stage('restore', () =>
    run.progress.watch(
      'Restore',
      plain,
      () => ({ plain: loaded, stored: null, more: '' }),
      () =>
        restoreInto(target, {
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
        }),
    ),
  );
  found.restoreTime = performance.now() - started;
  return restored;
}
