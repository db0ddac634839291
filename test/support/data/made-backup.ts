import { createHash } from 'node:crypto';
import { type Manifest, serializeManifest } from '../../../src/formats/manifest.ts';
import { keyOf, MANIFEST_FILE, type PartName, sumsFile, volumeFile } from '../../../src/formats/names.ts';
import {
  type RestoreTestRecord,
  recordFile,
  serializeRecord,
  type Verdict,
} from '../../../src/formats/restore-test/record.ts';
import { RangeDigests } from '../../../src/store/fan-out/range-digests.ts';

/** What the side object of a volume holds. */
function sumsOf(bytes: Buffer): Buffer {
  const digests = new RangeDigests();
  digests.update(bytes);
  return digests.finish();
}

/** A backup as a store holds it, made without a database: its manifest is whole, its parts are bytes that mean nothing. */
export interface MadeBackup {
  id: string;
  manifest: Manifest;
  manifestSha256: string;
  /** By their keys; the manifest is the last. */
  files: Map<string, Buffer>;
}

export interface Wanted {
  set?: string;
  /** The backup before it in the store. */
  previous?: MadeBackup | null;
  /** Bytes of the part `data`; the others have one. */
  size?: number;
  /** Whether its parts have side objects, as those longer than 8 MiB. */
  sideObjects?: boolean;
  manifest?: Partial<Manifest>;
}

export function makeBackup(
  id: string,
  { set = 'shop', previous = null, size = 1000, sideObjects = false, manifest: more = {} }: Wanted = {},
): MadeBackup {
  const files = new Map<string, Buffer>();
  const part = (name: PartName, length: number): Manifest['parts'][number] => {
    const bytes = Buffer.alloc(length, 'x');
    files.set(keyOf(set, id, volumeFile(name, 0)), bytes);
    const sums = sideObjects && name !== 'inventory' ? sumsOf(bytes) : null;
    if (sums !== null) files.set(keyOf(set, id, sumsFile(name, 0)), sums);
    return {
      name,
      plain: length,
      volumes: [
        { key: volumeFile(name, 0), size: length, sha256: sha256(bytes), sums: sums === null ? null : sha256(sums) },
      ],
    };
  };
  const parts = [part('schema', 1), part('data', size), part('inventory', 1)];
  const manifest: Manifest = {
    format: 1,
    id,
    name: set,
    source: null,
    created: '2026-11-21T02:00:00.000Z',
    finished: '2026-11-21T02:00:10.000Z',
    database: set,
    serverVersion: '17.2',
    clientVersion: '17.2',
    encryption: { kind: 'passphrase' },
    compression: { method: 'zstd', level: 1 },
    parts,
    totals: { plain: size + 2, stored: size + 2 },
    partial: null,
    files: [],
    notIncluded: [],
    volumeSize: 8 * 1024 ** 3,
    uploaded: 'read-back',
    previous: previous && { id: previous.id, manifestSha256: previous.manifestSha256 },
    noPrevious: previous ? null : 'first',
    lifeboat: '0.1.0',
    ...more,
  };
  const bytes = serializeManifest(manifest);
  files.set(keyOf(set, id, MANIFEST_FILE), bytes);
  return { id, manifest, manifestSha256: sha256(bytes), files };
}

/** The record of a restore test of it: key and bytes. */
export function makeRecord(
  { id, manifest, manifestSha256 }: MadeBackup,
  verdict: Verdict,
  started: Date,
  more: Partial<RestoreTestRecord> = {},
): { key: string; bytes: Buffer } {
  const record: RestoreTestRecord = {
    format: 1,
    id,
    name: manifest.name,
    manifestSha256,
    verdict,
    started: started.toISOString(),
    finished: started.toISOString(),
    signatureVerified: false,
    scratchServer: '17.2',
    stages: [],
    findings: [],
    verified: [],
    notVerified: [],
    lifeboat: '0.1.0',
    ...more,
  };
  return { key: keyOf(manifest.name, id, recordFile(started, '0a1b2c3d', verdict)), bytes: serializeRecord(record) };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
