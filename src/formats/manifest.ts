import { LifeboatError } from '../errors.ts';
import {
  count,
  FormatError,
  list,
  literal,
  moment,
  nullable,
  object,
  parseChecked,
  sha256,
  text,
  textLike,
  withDefault,
} from './checked.ts';
import { isId } from './id.ts';
import { checkLabel, checkTreeCounts, type TreeCounts } from './inventory/file-tree.ts';
import { isPartName, type PartName, sumsFile, volumeFile } from './names.ts';
import { RANGE_SIZE, sumsSize } from './sums.ts';

/**
 * The public facts of a backup, `manifest.json`, format version 1. It is written last: no manifest, no backup.
 * It holds nothing secret, for whoever can list the store can read it. The meaning of a written field never changes.
 */
export interface Manifest {
  format: 1;
  id: string;
  name: string;
  /** sha256 (hex) of the server's system identifier and the database's oid; null when the role may not read them. */
  source: string | null;
  /** UTC, ISO 8601. */
  created: string;
  finished: string;
  database: string;
  /** As the server says it, `15.18 (Debian 15.18-0+deb12u1)`. */
  serverVersion: string;
  clientVersion: string;
  encryption:
    | { kind: 'passphrase' }
    | { kind: 'public-key' /** Full fingerprints of the subkeys. */; recipients: string[] };
  compression: { method: 'zstd'; level: number };
  parts: ManifestPart[];
  totals: { /** Bytes before compression. */ plain: number /** Bytes in the store. */; stored: number };
  /** Options of pg_dump that left something out; null for a whole database. */
  partial: string[] | null;
  /** What the file trees hold, by their labels, in numbers alone; missing in manifests before file trees. */
  files: ManifestTree[];
  /** Parts and facts that this backup does not have, in words. */
  notIncluded: string[];
  volumeSize: number;
  /** `read-back`: the store reported every volume's size afterwards; `acknowledged`: it may only be written. */
  uploaded: 'read-back' | 'acknowledged';
  /** The newest backup seen in this store before this one, or null with the reason. */
  previous: { id: string; manifestSha256: string } | null;
  noPrevious: 'first' | 'cannot-list' | 'cannot-read' | null;
  lifeboat: string;
}

/** The facts of a backup that are the same in every store. */
export type CommonManifest = Omit<Manifest, 'uploaded' | 'previous' | 'noPrevious'>;

export interface ManifestPart {
  name: PartName;
  /** Bytes before compression. */
  plain: number;
  volumes: Volume[];
}

export interface ManifestTree extends TreeCounts {
  label: string;
  /** So many files changed while they were read. */
  changed: number;
  /** So many files and folders were gone before they could be read. */
  vanished: number;
  /** So many sockets, pipes and devices were left out. */
  special: number;
}

export interface Volume {
  /** The file's name in the backup's folder. */
  key: string;
  size: number;
  /** Of the stored bytes, hex. */
  sha256: string;
  /** sha256 of the volume's side object, hex; null: it has none, as the inventory, small parts, and all of older backups. */
  sums: string | null;
}

/** Whether the part has side objects. */
export function hasSums({ volumes }: Pick<ManifestPart, 'volumes'>): boolean {
  return volumes.every(({ sums }) => sums !== null);
}

/** Whether the part is one range: then its sha256, which manifest and inventory have, is all that a reader needs. */
export function isOneRange({ volumes }: Pick<ManifestPart, 'volumes'>): boolean {
  return volumes.length === 1 && volumes.every(({ size }) => size <= RANGE_SIZE);
}

/** Every file that the manifest names: volumes and their side objects, with the sizes that they must have. */
export function filesOf({ parts }: Pick<Manifest, 'parts'>): { key: string; size: number }[] {
  return parts.flatMap((part) =>
    part.volumes.flatMap(({ key, size, sums }, index) => [
      { key, size },
      ...(sums === null ? [] : [{ key: sumsFile(part.name, index), size: sumsSize(size) }]),
    ]),
  );
}

/** Whether its parts must be read once to be verified, before they are read to be used. */
export function isReadTwice({ parts }: Pick<Manifest, 'parts'>): boolean {
  return parts.some((part) => part.name !== 'inventory' && !hasSums(part) && !isOneRange(part));
}

/** The bytes that are stored and signed. */
export function serializeManifest(manifest: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
}

const partName = (value: unknown, path: string): PartName => {
  const name = text(value, path);
  if (isPartName(name)) return name;
  throw new FormatError(`${path} must be the name of a part`);
};

const checkManifest = object<Manifest>({
  format: literal(1),
  id: text,
  name: text,
  source: nullable(sha256),
  created: moment,
  finished: moment,
  database: text,
  serverVersion: text,
  clientVersion: text,
  encryption: (value, path) => {
    const { kind } = object({ kind: literal('passphrase', 'public-key') })(value, path);
    if (kind === 'passphrase') return { kind };
    return { kind, ...object({ recipients: list(textLike(/^[0-9A-F]{40,64}$/, 'a fingerprint')) })(value, path) };
  },
  compression: object({ method: literal('zstd'), level: count }),
  parts: list(
    object<ManifestPart>({
      name: partName,
      plain: count,
      volumes: list(object<Volume>({ key: text, size: count, sha256, sums: withDefault(nullable(sha256), null) })),
    }),
  ),
  totals: object({ plain: count, stored: count }),
  partial: nullable(list(text)),
  files: withDefault(
    list(
      object<ManifestTree>({ label: checkLabel, ...checkTreeCounts, changed: count, vanished: count, special: count }),
    ),
    [],
  ),
  notIncluded: list(text),
  volumeSize: count,
  uploaded: literal('read-back', 'acknowledged'),
  previous: nullable(object({ id: text, manifestSha256: sha256 })),
  noPrevious: nullable(literal('first', 'cannot-list', 'cannot-read')),
  lifeboat: text,
});

/**
 * Reads a manifest from a store: foreign text, which may name no file but its own backup's volumes. `expected` is the
 * folder that it lies in. Throws a LifeboatError that says what is wrong with it.
 */
export function readManifest(bytes: Uint8Array, key: string, expected: { set: string; id: string }): Manifest {
  const fail = (what: string): never => {
    throw new LifeboatError(`${key} is not the manifest of backup ${expected.id}: ${what}. The backup cannot be used.`);
  };
  let manifest: Manifest;
  try {
    manifest = parseChecked(bytes, checkManifest);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return fail(error.message);
  }
  const { id, name, parts, totals } = manifest;
  if (!isId(id) || id !== expected.id) return fail(`it names backup ${JSON.stringify(id)}`);
  if (name !== expected.set) return fail(`it names set ${JSON.stringify(name)}`);
  for (const part of parts) {
    if (parts.filter((other) => other.name === part.name).length > 1) return fail(`part ${part.name} stands twice`);
    if (part.volumes.length === 0) return fail(`part ${part.name} has no volume`);
    if (!hasSums(part) && part.volumes.some(({ sums }) => sums !== null)) {
      return fail(`not every volume of part ${part.name} has a side object`);
    }
    for (const [index, volume] of part.volumes.entries()) {
      if (volume.key !== volumeFile(part.name, index)) {
        return fail(`volume ${index} of part ${part.name} is ${JSON.stringify(volume.key)}`);
      }
    }
  }
  const volumes = parts.flatMap((part) => part.volumes);
  if (totals.plain !== sum(parts.map(({ plain }) => plain)) || totals.stored !== sum(volumes.map(({ size }) => size))) {
    return fail('its totals are not the sums of its parts');
  }
  return manifest;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
