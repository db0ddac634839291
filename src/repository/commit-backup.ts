import { type Manifest, serializeManifest } from '../formats/manifest.ts';
import { keyOf, MANIFEST_FILE, SIGNATURE_FILE } from '../formats/names.ts';
import type { SigningSettings } from '../openpgp/settings.ts';
import { signDetached } from '../openpgp/sign.ts';
import type { FanOut, Target } from '../store/fan-out/fan-out.ts';

/** Writes the manifest of a backup to every store, the signature before it: with the manifest the backup exists. */
export async function commitBackup<T extends Target>(
  fanOut: FanOut<T>,
  { name, id }: Pick<Manifest, 'name' | 'id'>,
  manifestFor: (target: T) => Manifest,
  signing: SigningSettings | null,
): Promise<void> {
  const manifests = new Map<T, Buffer>();
  const signatures = new Map<T, Buffer>();
  for (const target of fanOut.alive()) {
    const bytes = serializeManifest(manifestFor(target));
    manifests.set(target, bytes);
    if (signing === null) continue;
    signatures.set(target, Buffer.from(await signDetached(bytes, signing.key, signing.passphrase)));
  }
  const bytesIn = (files: Map<T, Buffer>) => (target: T) => files.get(target) ?? Buffer.of();
  if (signing !== null) await fanOut.putObject(keyOf(name, id, SIGNATURE_FILE), bytesIn(signatures));
  await fanOut.lookUp();
  await fanOut.putObject(keyOf(name, id, MANIFEST_FILE), bytesIn(manifests));
}
