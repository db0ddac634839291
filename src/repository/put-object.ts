import type { SigningSettings } from '../openpgp/settings.ts';
import { signDetached } from '../openpgp/sign.ts';
import type { Store } from '../store/store.ts';

/** A small object, and its signature before it when there is a key. */
export async function putSigned(
  store: Store,
  key: string,
  bytes: Uint8Array,
  signing: SigningSettings | null,
): Promise<void> {
  if (signing !== null) {
    const signature = await signDetached(bytes, signing.key, signing.passphrase);
    await putObject(store, `${key}.asc`, Buffer.from(signature));
  }
  await putObject(store, key, bytes);
}

export async function putObject(store: Store, key: string, bytes: Uint8Array): Promise<void> {
  const upload = await store.create(key);
  try {
    await upload.write(bytes);
    await upload.commit();
  } catch (error) {
    await upload.abort();
    throw error;
  }
}
