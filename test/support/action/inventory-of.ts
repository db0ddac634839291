import { pathToFileURL } from 'node:url';
import type { Inventory } from '../../../src/formats/inventory/inventory.ts';
import { BackupParts } from '../../../src/repository/backup-parts.ts';
import { openFileStore } from '../../../src/store/file/store.ts';
import type { PostgresServer } from '../servers/postgres.ts';
import { recordedContext } from '../store/context.ts';
import { backupInputs, PASSPHRASE, runBackup } from './run-backup.ts';
import { newStoreFolder, readBackup } from './stored-backup.ts';

/** The inventory, with digests of the rows, that a real backup of the database has made. */
export async function inventoryOf(server: PostgresServer, database: string): Promise<Inventory> {
  const folder = newStoreFolder();
  const result = await runBackup({ ...backupInputs(server, database, folder), fingerprint: 'content' });
  if (result.exitCode !== 0) throw new Error(result.stdout);
  const { manifest } = readBackup(folder, database, result.outputs.id ?? '');
  const store = openFileStore({ path: folder.path, url: pathToFileURL(folder.path).href }, recordedContext());
  const decryption = { kind: 'passphrase' as const, passphrases: [PASSPHRASE] };
  const { signal } = new AbortController();
  const context = { store, manifest, decryption, withoutSums: 'refuse' as const, signal, info: () => {} };
  return new BackupParts(context).inventory();
}
