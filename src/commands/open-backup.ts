import type { Finding } from '../catalog/finding.ts';
import type { Inventory } from '../catalog/inventory.ts';
import { type Manifest, readManifest } from '../catalog/manifest.ts';
import { keyOf, MANIFEST_FILE } from '../catalog/names.ts';
import { LeftBehind, LifeboatError } from '../errors.ts';
import type { DecryptionSettings } from '../inputs/settings.ts';
import type { ComparedTable } from '../proof/tables.ts';
import { verifyDetached } from '../stream/verify.ts';
import { BackupParts, UnreadablePart, type WithoutSums } from './backup-parts.ts';
import type { ChosenBackup } from './choose-backup.ts';
import type { PartCache } from './part-cache.ts';
import type { Run } from './run.ts';
import type { BackupSelection } from './select-backup.ts';

/** What is known of a backup, as far as its examination came. */
export interface Examination {
  manifest: Manifest | null;
  inventory: Inventory | null;
  findings: Finding[];
  verified: string[];
  notVerified: string[];
  tables: ComparedTable[];
  signatureVerified: boolean;
  /** `server_version` of the scratch server. */
  scratchServer: string | null;
  /** Milliseconds from the first byte fetched to a database that can be used. */
  restoreTime: number | null;
  /** Of a database that was kept for later steps; it holds the scratch server's password. */
  restoredUrl: string | null;
}

export function newExamination(): Examination {
  return {
    manifest: null,
    inventory: null,
    findings: [],
    verified: [],
    notVerified: [],
    tables: [],
    signatureVerified: false,
    scratchServer: null,
    restoreTime: null,
    restoredUrl: null,
  };
}

/** A backup whose signature, manifest and inventory were found good, as far as they were asked for. */
export interface OpenedBackup {
  manifest: Manifest;
  inventory: Inventory;
  parts: BackupParts;
  /** What of it is restored, when that is not all: then `inventory` says of this part what a restore must bring. */
  selection: BackupSelection | null;
}

export interface OpenSettings {
  decryption: DecryptionSettings;
  withoutSums: WithoutSums;
  /** Armored certificates; null: signatures are not looked at. */
  verificationKeys: string | null;
}

/**
 * Reads what a backup says of itself: signature, manifest, inventory. What cannot be read or is not what it should be
 * is thrown in a way that {@link damageOf} understands.
 */
export async function openBackup(
  chosen: ChosenBackup,
  settings: OpenSettings,
  run: Run,
  found: Examination,
  cache: PartCache | null = null,
): Promise<OpenedBackup> {
  await checkSignature(chosen, settings, run, found);
  const manifest = refusing('manifest', MANIFEST_FILE, () =>
    readManifest(chosen.manifest, keyOf(chosen.set, chosen.id, MANIFEST_FILE), chosen),
  );
  found.manifest = manifest;
  const store = (await cache?.storeFor(manifest)) ?? chosen.store;
  const { decryption, withoutSums } = settings;
  const parts = new BackupParts({ store, manifest, decryption, withoutSums, signal: run.signal, info: run.log.info });
  await parts.checkSizes();
  const inventory = await run.progress.stage('read inventory', () => parts.inventory());
  found.inventory = inventory;
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

function refusing<T>(kind: string, object: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    throw new Damaged({ severity: 'failed', kind, object, message: error.message });
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

async function checkSignature(
  { manifest, signature }: ChosenBackup,
  { verificationKeys, decryption }: OpenSettings,
  run: Run,
  found: Examination,
): Promise<void> {
  if (verificationKeys === null) {
    if (decryption.kind === 'private-key') {
      found.notVerified.push(
        'Who made the backup: no verification-key is given, and whoever can write the store can encrypt for a public key.',
      );
    }
    return;
  }
  const wrong =
    signature === null ? 'it is not signed' : await verifyDetached(manifest, signature, verificationKeys, run.now());
  if (wrong !== null) {
    const message = `The manifest is not signed by a key of verification-key: ${wrong}. Nothing of this backup was restored.`;
    throw new Damaged({ severity: 'failed', kind: 'manifest', object: MANIFEST_FILE, message });
  }
  found.signatureVerified = true;
  found.verified.push('The signature of the manifest, which names every volume’s sha256');
}
