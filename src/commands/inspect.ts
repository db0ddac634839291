import { createHash } from 'node:crypto';
import type { ListedTest } from '../catalog/listing.ts';
import { type Manifest, readManifest } from '../catalog/manifest.ts';
import { keyOf, MANIFEST_FILE, SIGNATURE_FILE } from '../catalog/names.ts';
import { type RestoreTestRecord, readRecordOf } from '../catalog/record.ts';
import { LifeboatError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { verifyDetached } from '../stream/verify.ts';
import { readUsable } from './read-object.ts';

/** A set in a store, and whom its manifests and records must be signed by. */
export interface SetInStore {
  store: Store;
  set: string;
  /** Armored certificates; null: signatures are not looked at. */
  verificationKeys: string | null;
  now: Date;
}

export interface InspectedManifest {
  manifest: Manifest;
  /** Hex, of its bytes. */
  sha256: string;
}

/** What is wrong with something that was read, in words. */
export interface Wrong {
  wrong: string;
}

/** Reads a backup's manifest and, with a key, checks who made it. Throws a StoreError when it cannot be read. */
export async function inspectManifest(place: SetInStore, id: string): Promise<InspectedManifest | Wrong> {
  const { store, set } = place;
  const key = keyOf(set, id, MANIFEST_FILE);
  const bytes = await readUsable(store, key, (wrong) => ({ wrong }));
  if (bytes === null) return { wrong: 'its manifest has gone' };
  if ('wrong' in bytes) return bytes;
  const unsigned = await whyNotSigned(place, bytes, keyOf(set, id, SIGNATURE_FILE));
  if (unsigned !== null) return { wrong: `its manifest does not count: ${unsigned}` };
  try {
    return {
      manifest: readManifest(bytes, key, { set, id }),
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    return { wrong: error.message };
  }
}

/** Reads a restore test's record; null when it does not speak of this manifest, or does not count. */
export async function inspectRecord(
  place: SetInStore,
  { file, ...named }: ListedTest,
  manifestSha256: string,
): Promise<RestoreTestRecord | null> {
  const key = keyOf(place.set, named.id, file);
  const bytes = await readUsable(place.store, key, () => null);
  if (bytes === null || (await whyNotSigned(place, bytes, `${key}.asc`)) !== null) return null;
  try {
    return readRecordOf(bytes, { ...named, set: place.set, manifestSha256 });
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    return null;
  }
}

/** null when it is signed by one of the keys, or no signature is demanded. */
export async function whyNotSigned(
  { store, verificationKeys, now }: SetInStore,
  bytes: Uint8Array,
  signatureKey: string,
): Promise<string | null> {
  if (verificationKeys === null) return null;
  const signature = await readUsable(store, signatureKey, (why) => why);
  if (signature === null) return 'it is not signed';
  if (typeof signature === 'string') return signature;
  return verifyDetached(bytes, signature.toString('utf8'), verificationKeys, now);
}
