import { LeftBehind, LifeboatError } from '../../errors.ts';
import type { Inventory } from '../../formats/inventory/inventory.ts';
import type { Manifest } from '../../formats/manifest.ts';
import { MANIFEST_FILE } from '../../formats/names.ts';
import type { Finding } from '../../formats/restore-test/finding.ts';
import { type NotGood, whyNotCounted } from '../../formats/state.ts';
import type { DecryptionSettings } from '../../openpgp/settings.ts';
import type { IsolationKind } from '../../postgres/scratch/isolation/isolation.ts';
import type { ComparedTable } from '../../proof/tables.ts';
import { BackupParts, UnreadablePart, type WithoutSums } from '../../repository/backup-parts.ts';
import type { PartCache } from '../../repository/cache/part-cache.ts';
import type { ChosenBackup } from '../../repository/find-backup.ts';
import type { BackupSelection } from './backup-selection.ts';
import type { Run } from './run.ts';

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
  /** null: a server that was named, or none. */
  isolation: IsolationKind | null;
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
    isolation: null,
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
  const manifest = goodManifest(chosen, settings, found);
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

/** Throws what is wrong with a manifest that does not count. */
function goodManifest(
  { state }: ChosenBackup,
  { verificationKeys, decryption }: OpenSettings,
  found: Examination,
): Manifest {
  if (state.kind !== 'good') throw damagedManifest(state);
  if (verificationKeys !== null) {
    found.signatureVerified = true;
    found.verified.push('The signature of the manifest, which names every volume’s sha256');
  } else if (decryption.kind === 'private-key') {
    found.notVerified.push(
      'Who made the backup: no verification-key is given, and whoever can write the store can encrypt for a public key.',
    );
  }
  return state.manifest;
}

function damagedManifest(state: NotGood): Damaged {
  const isSignature = state.kind === 'unsigned' || (state.kind === 'invalid' && state.what === 'signature');
  const why = whyNotCounted(state);
  const message = isSignature
    ? `The manifest is not signed by a key of verification-key: ${why}. Nothing of this backup was restored.`
    : why;
  return new Damaged({ severity: 'failed', kind: 'manifest', object: MANIFEST_FILE, message });
}
