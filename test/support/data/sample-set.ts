import { createHash } from 'node:crypto';
import { makeId, startOf } from '../../../src/formats/id.ts';
import { type Manifest, serializeManifest } from '../../../src/formats/manifest.ts';
import { type PartName, volumeFile } from '../../../src/formats/names.ts';
import { recordFile, serializeRecord, type Verdict } from '../../../src/formats/restore-test/record.ts';
import { signDetached } from '../../../src/openpgp/sign.ts';
import { putObject } from '../../../src/repository/put-object.ts';
import type { Store } from '../../../src/store/store.ts';

export const SET = 'shop';
const PARTS: PartName[] = ['schema', 'data', 'inventory'];

/** What is special about a backup. */
export interface Special {
  /** The armored private key that signs its manifest. */
  signedBy?: string;
  /** Its restore tests, one an hour after the other; each signed by that key, when one is named. */
  tests?: { verdict: Verdict; signedBy?: string; manifestSha256?: string }[];
  held?: boolean;
  /** Files that are not there. */
  without?: string[];
  /** Files that are not Lifeboat's. */
  foreign?: string[];
  /** The manifest's text in place of a good one. */
  manifest?: string;
}

/** Ids of a backup a day, the newest first: that many days before `now`. */
export function dailyIds(now: Date, count: number, first = 0): string[] {
  return Array.from({ length: count }, (_, age) =>
    makeId(new Date(now.getTime() - (first + age) * 86_400_000), '0a1b2c3d'),
  );
}

/** Stores an object. */
export type Put = (key: string, bytes: Uint8Array) => Promise<void>;

/** By the store's own means. */
export function into(store: Store): Put {
  return (key, bytes) => putObject(store, key, bytes);
}

/** A backup whose parts are ten bytes each, with all that belongs to it. The manifest is written last. */
export async function storeBackup(put: Put, id: string, special: Special = {}): Promise<void> {
  const { signedBy, tests = [], held = false, without = [], foreign = [] } = special;
  const folder = `${SET}/${id}/`;
  const manifest = Buffer.from(special.manifest ?? serializeManifest(sampleManifest(id)));
  const files = new Map<string, Uint8Array>(PARTS.map((part) => [volumeFile(part, 0), contents(part)]));
  for (const [index, test] of tests.entries()) {
    const started = new Date((startOf(id)?.getTime() ?? 0) + (index + 1) * 3_600_000);
    const file = recordFile(started, `0000000${index}`, test.verdict);
    const bytes = sampleRecord(id, started, test.verdict, test.manifestSha256 ?? sha256(manifest));
    files.set(file, bytes);
    if (test.signedBy !== undefined) files.set(`${file}.asc`, await sign(bytes, test.signedBy));
  }
  if (held) files.set('hold.json', Buffer.from('{}'));
  for (const file of foreign) files.set(file, Buffer.from('x'));
  if (signedBy !== undefined) files.set('manifest.json.asc', await sign(manifest, signedBy));
  files.set('manifest.json', manifest);
  for (const [file, bytes] of files) if (!without.includes(file)) await put(folder + file, bytes);
}

/** The files of a backup without anything special. */
export function plainFiles(id: string): string[] {
  return [...PARTS.map((part) => volumeFile(part, 0)), 'manifest.json'].map((file) => `${SET}/${id}/${file}`).sort();
}

export function sampleManifest(id: string): Manifest {
  const created = startOf(id)?.toISOString() ?? '';
  return {
    format: 1,
    id,
    name: SET,
    source: null,
    created,
    finished: created,
    database: 'shop',
    serverVersion: '17.2',
    clientVersion: '17.2',
    encryption: { kind: 'passphrase' },
    compression: { method: 'zstd', level: 1 },
    parts: PARTS.map((name) => ({
      name,
      plain: 10,
      volumes: [{ key: volumeFile(name, 0), size: 10, sha256: sha256(contents(name)), sums: null }],
    })),
    totals: { plain: 30, stored: 30 },
    partial: null,
    files: [],
    notIncluded: [],
    volumeSize: 8 * 1024 ** 3,
    uploaded: 'read-back',
    previous: null,
    noPrevious: 'first',
    lifeboat: '0.0.0',
  };
}

function sampleRecord(id: string, started: Date, verdict: Verdict, manifestSha256: string): Buffer {
  return serializeRecord({
    format: 1,
    id,
    name: SET,
    manifestSha256,
    verdict,
    started: started.toISOString(),
    finished: started.toISOString(),
    signatureVerified: false,
    scratchServer: null,
    stages: [],
    findings: [],
    verified: [],
    notVerified: [],
    lifeboat: '0.0.0',
  });
}

function contents(part: PartName): Buffer {
  return Buffer.from(part.padEnd(10));
}

async function sign(bytes: Uint8Array, key: string): Promise<Buffer> {
  return Buffer.from(await signDetached(bytes, key, null));
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
