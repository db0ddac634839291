import { LeftBehind, LifeboatError } from '../../errors.ts';
import type { Inventory } from '../../formats/inventory/inventory.ts';
import type { Manifest } from '../../formats/manifest.ts';
import { MANIFEST_FILE } from '../../formats/names.ts';
import type { Finding } from '../../formats/restore-test/finding.ts';
import { type NotGood, whyNotCounted } from '../../formats/state.ts';
import type { DecryptionSettings } from '../../openpgp/settings.ts';
import { BackupParts, UnreadablePart, type WithoutSums } from '../../repository/backup-parts.ts';
import type { ChosenBackup } from '../../repository/find-backup.ts';
import type { PartStore } from '../../store/store.ts';
import type { BackupSelection } from './backup-selection.ts';
import type { Run } from './run.ts';

/** A manifest that counts, and what is known of its origin. */
export interface TrustedManifest {
  manifest: Manifest;
  signatureVerified: boolean;
  /** In words. */
  verified: string[];
  notVerified: string[];
}

/** A backup whose manifest counts, and whose inventory could be read. */
export interface OpenedBackup {
  manifest: Manifest;
  inventory: Inventory;
  parts: BackupParts;
  /** What of it is restored, when that is not all: then `inventory` says of this part what a restore must bring. */
  selection: BackupSelection | null;
}

/** Where the parts of a backup are read from, and how. */
export interface BackupSource {
  store: PartStore;
  decryption: DecryptionSettings;
  withoutSums: WithoutSums;
}

/** Reads the inventory of a backup. What cannot be read is thrown in a way that {@link damageOf} understands. */
export async function openBackup(manifest: Manifest, source: BackupSource, run: Run): Promise<OpenedBackup> {
  const parts = new BackupParts({ ...source, manifest, signal: run.signal, info: run.log.info });
  await parts.checkSizes();
  const inventory = await run.progress.stage('read inventory', () => parts.inventory());
  return { manifest, inventory, parts, selection: null };
}

/** The backup is not as it was stored. */
class Damaged extends LifeboatError {
  readonly finding: Finding;

  constructor(finding: Finding) {
    super(finding.message);
    this.finding = finding;
  }
}

/** The finding that an error amounts to; rethrows what says nothing of the backup. */
export function damageOf(error: unknown): Finding {
  const finding = findingOf(error);
  if (finding === null) throw error;
  return finding;
}

function findingOf(error: unknown): Finding | null {
  if (error instanceof Damaged) return error.finding;
  if (error instanceof LeftBehind) {
    const finding = findingOf(error.cause);
    return finding === null ? null : { ...finding, message: `${finding.message} ${error.left}` };
  }
  if (!(error instanceof UnreadablePart)) return null;
  const kind = error.locked ? 'key' : 'part';
  return { severity: 'failed', kind, object: error.part, message: error.reason };
}

/** The manifest of a backup. Why it does not count is thrown in a way that {@link damageOf} understands. */
export function requireManifest(
  { state }: ChosenBackup,
  { verificationKeys, decryption }: { verificationKeys: string | null; decryption: DecryptionSettings },
): TrustedManifest {
  if (state.kind !== 'good') throw damagedManifest(state);
  const { manifest } = state;
  if (verificationKeys !== null) {
    const verified = ["The signature of the manifest, which names every volume's sha256"];
    return { manifest, signatureVerified: true, verified, notVerified: [] };
  }
  const unknownOrigin =
    'Who made the backup: no verification-key is given, and everyone who can write the store can encrypt for a public key.';
  const notVerified = decryption.kind === 'private-key' ? [unknownOrigin] : [];
  return { manifest, signatureVerified: false, verified: [], notVerified };
}

function damagedManifest(state: NotGood): Damaged {
  const isSignature = state.kind === 'unsigned' || (state.kind === 'invalid' && state.what === 'signature');
  const why = whyNotCounted(state);
  const message = isSignature
    ? `The manifest is not signed by a key of verification-key: ${why}. Nothing of this backup was restored.`
    : why;
  return new Damaged({ severity: 'failed', kind: 'manifest', object: MANIFEST_FILE, message });
}
