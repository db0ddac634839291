import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { zstdCompressSync } from 'node:zlib';
import { prepareEncryption } from '../../../src/openpgp/encrypt.ts';
import { BackupParts } from '../../../src/repository/backup-parts.ts';
import { openFileStore } from '../../../src/store/file/store.ts';
import { PASSPHRASE } from '../../support/action/run-backup.ts';
import { pathOf, readBackup, type StoreFolder } from '../../support/action/stored-backup.ts';
import { recordedContext } from '../../support/store/context.ts';

/** An inventory as an attacker writes it: any JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the attacker changes any field to anything.
export type ForgedInventory = any;

/** Replaces the inventory of an unsigned backup as somebody who knows its passphrase can, and its digest in the manifest. */
export async function forgeInventory(
  store: StoreFolder,
  set: string,
  id: string,
  change: (inventory: ForgedInventory) => void,
): Promise<void> {
  const backup = readBackup(store, set, id);
  const { manifest } = backup;
  const file = openFileStore({ path: store.path, url: pathToFileURL(store.path).href }, recordedContext());
  const decryption = { kind: 'passphrase' as const, passphrases: [PASSPHRASE] };
  const { signal } = new AbortController();
  const context = { store: file, manifest, decryption, withoutSums: 'refuse' as const, signal, info: () => {} };
  const parts = new BackupParts(context);
  const inventory: ForgedInventory = await parts.inventory();
  change(inventory);
  const plain = Buffer.from(JSON.stringify(inventory));
  const { encrypt } = await prepareEncryption({ kind: 'passphrase', passphrase: PASSPHRASE });
  const stored = await buffer(encrypt(once(zstdCompressSync(plain))));
  writeFileSync(pathOf(backup, 'inventory'), stored);
  const part = manifest.parts.find(({ name }) => name === 'inventory');
  const volume = part?.volumes[0];
  if (!part || !volume) throw new Error('the backup has no inventory');
  manifest.totals.plain += plain.length - part.plain;
  manifest.totals.stored += stored.length - volume.size;
  part.plain = plain.length;
  volume.size = stored.length;
  volume.sha256 = createHash('sha256').update(stored).digest('hex');
  writeFileSync(join(backup.folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
