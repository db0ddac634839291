import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type RestoreTestRecord,
  recordFile,
  serializeRecord,
  type Verdict,
} from '../../../src/formats/restore-test/record.ts';
import { signDetached } from '../../../src/openpgp/sign.ts';
import { newStoreFolder, readBackup, type StoreFolder } from '../../support/action/stored-backup.ts';

/* What an attacker does who can write a folder with backups, and has no key; and what a wrong clock does. */

/** A copy of a store, to be attacked. */
export function copyOf(store: StoreFolder): StoreFolder {
  const copy = newStoreFolder();
  cpSync(store.path, copy.path, { recursive: true });
  return copy;
}

export function write(store: StoreFolder, key: string, bytes: Uint8Array | string): void {
  const path = join(store.path, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

/** The ids of a set's backups, oldest first. */
export function idsIn(store: StoreFolder, set: string): string[] {
  return readdirSync(join(store.path, set))
    .filter((name) => name !== 'pruned')
    .sort();
}

/** The records of a backup's restore tests, by their keys, oldest first. */
export function recordsOf(store: StoreFolder, set: string, id: string): string[] {
  try {
    const files = readdirSync(join(store.path, set, id, 'restore-tests')).sort();
    return files.filter((file) => file.endsWith('.json')).map((file) => `${set}/${id}/restore-tests/${file}`);
  } catch {
    return [];
  }
}

/** The key of a record with such a name. */
export function recordKey(set: string, id: string, time: Date, verdict: Verdict, tail = 'ffffffff'): string {
  return `${set}/${id}/${recordFile(time, tail, verdict)}`;
}

/** A record that says of a backup what one of Lifeboat's would. */
export function wellFormedRecord(
  store: StoreFolder,
  [set, id]: [set: string, id: string],
  verdict: Verdict,
  time: Date,
  more: Partial<RestoreTestRecord> = {},
): Buffer {
  return serializeRecord({
    format: 1,
    id,
    name: set,
    manifestSha256: readBackup(store, set, id).manifestSha256,
    verdict,
    started: time.toISOString(),
    finished: time.toISOString(),
    signatureVerified: true,
    scratchServer: '17.2',
    stages: [],
    findings: [],
    verified: [],
    notVerified: [],
    lifeboat: '0.1.0',
    ...more,
  });
}

/** Signs an object that lies in the store. */
export async function sign(store: StoreFolder, key: string, secretKey: string): Promise<void> {
  const bytes = readFileSync(join(store.path, key));
  write(store, `${key}.asc`, await signDetached(bytes, secretKey, null));
}

/** Copies an object and its signature, when it has one. */
export function replay(store: StoreFolder, from: string, to: string, target = store): void {
  for (const end of ['', '.asc']) {
    try {
      write(target, to + end, readFileSync(join(store.path, from + end)));
    } catch {
      // It is not signed.
    }
  }
}
