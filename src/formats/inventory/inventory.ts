import { LifeboatError, messageOf } from '../../errors.ts';
import {
  type Check,
  count,
  digits,
  FormatError,
  flag,
  integer,
  list,
  literal,
  nullable,
  object,
  parseChecked,
  record,
  sha256,
  signedDigits,
  text,
  withDefault,
} from '../checked.ts';
import { checkTreeFacts, type TreeFacts } from './file-tree.ts';

/**
 * What the database held at the dump's snapshot: the expectation of a restore test. Format version 1.
 * Row counts and sums are strings of digits, for they can be larger than a JavaScript number holds exactly.
 */
export interface Inventory {
  format: 1;
  id: string;
  name: string;
  /** The other parts, so that nobody can put one backup's data beside another's inventory. sha256 is of the stored bytes, all volumes. */
  parts: BoundPart[];
  /** As in the manifest, which may be unsigned. */
  partial: string[] | null;
  server: ServerFacts;
  database: DatabaseFacts;
  extensions: ExtensionFacts[];
  roles: RoleFacts[];
  tables: TableFacts[];
  /** Tables whose rows no dump holds, because they belong to extensions; missing in older inventories. */
  extensionTables: ExtensionTableFacts[];
  sequences: SequenceFacts[];
  largeObjects: LargeObjectFacts;
  materializedViews: MaterializedViewFacts[];
  objects: ObjectFacts[];
  /** The file trees beside the database; missing in inventories before file trees. */
  files: TreeFacts[];
  /** What could not be recorded, in words. */
  notRecorded: string[];
}

/** It is not the inventory of its backup. */
export class DamagedInventory extends LifeboatError {
  override readonly name = 'DamagedInventory';
}

export interface BoundPart {
  name: string;
  plain: number;
  sha256: string;
  /** sha256 of the side object of each volume, in their order; null: it has none, as in older backups. */
  sums: string[] | null;
}

/**
 * Reads an inventory from a store. Who could encrypt it could write anything into it: what is made of it is quoted, and
 * only what this checks may be relied on. Throws a {@link DamagedInventory}.
 */
export function readInventory(bytes: Uint8Array, expected: { id: string; name: string }): Inventory {
  const fail = (what: string): never => {
    throw new DamagedInventory(`The inventory of backup ${expected.id} cannot be used: ${what}.`);
  };
  let inventory: Inventory;
  try {
    inventory = parseChecked(bytes, checkShape);
  } catch (error) {
    return fail(messageOf(error));
  }
  if (inventory.id !== expected.id) return fail(`it belongs to backup ${JSON.stringify(inventory.id)}`);
  if (inventory.name !== expected.name) return fail(`it belongs to set ${JSON.stringify(inventory.name)}`);
  return inventory;
}

/** The names of pg_encoding_to_char for what a database can have (PostgreSQL, 24.3.1). */
const ENCODINGS = [
  ...['SQL_ASCII', 'UTF8', 'MULE_INTERNAL', 'KOI8R', 'KOI8U'],
  ...['EUC_JP', 'EUC_CN', 'EUC_KR', 'EUC_TW', 'EUC_JIS_2004'],
  ...Array.from({ length: 10 }, (_, index) => `LATIN${index + 1}`),
  ...[5, 6, 7, 8].map((part) => `ISO_8859_${part}`),
  ...[866, 874, ...Array.from({ length: 9 }, (_, index) => 1250 + index)].map((page) => `WIN${page}`),
];

const checkDatabase = object<DatabaseFacts>({
  name: text,
  owner: text,
  encoding: literal(...ENCODINGS),
  collate: text,
  ctype: text,
  provider: text,
  locale: nullable(text),
  icuRules: nullable(text),
  collationVersion: nullable(text),
  tablespace: text,
  connectionLimit: integer,
  acl: nullable(list(text)),
  comment: nullable(text),
  settings: list(object({ role: nullable(text), settings: list(text) })),
});

const checkExtension = object<ExtensionFacts>({ name: text, version: text, schema: text, owner: text });

const checkRole = object<RoleFacts>({
  name: text,
  attributes: list(text),
  connectionLimit: integer,
  validUntil: nullable(text),
  comment: nullable(text),
  memberOf: list(
    object({ role: text, grantor: nullable(text), admin: flag, inherit: nullable(flag), set: nullable(flag) }),
  ),
  settings: list(text),
});

const checkTable = object<TableFacts>({
  schema: text,
  name: text,
  persistence: literal('permanent', 'unlogged'),
  partition: flag,
  extension: nullable(text),
  bytes: count,
  rows: nullable(digits),
  fingerprint: nullable(text),
  dumped: flag,
  reason: nullable(text),
  userCode: withDefault(nullable(text), null),
  conditional: withDefault(flag, false),
});

const checkExtensionTable = object<ExtensionTableFacts>({
  schema: text,
  name: text,
  extension: text,
  rows: nullable(digits),
  reason: nullable(text),
});

const checkSequenceValue = object<SequenceValue>({ lastValue: signedDigits, isCalled: flag });

const checkSequence = object<SequenceFacts>({
  schema: text,
  name: text,
  increment: signedDigits,
  cycle: flag,
  before: checkSequenceValue,
  after: checkSequenceValue,
});

const checkLargeObjects = object<LargeObjectFacts>({
  count: digits,
  bytes: nullable(digits),
  definitions: text,
  fingerprint: nullable(text),
  dumped: flag,
});

const checkMaterializedView = object<MaterializedViewFacts>({
  schema: text,
  name: text,
  populated: flag,
  rows: nullable(digits),
});

const checkFlag: Check<ObjectFacts['flags'][string]> = (value, path) => {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string') return text(value, path);
  throw new FormatError(`${path} must be text, a number, true, false or null`);
};

const checkObject = object<ObjectFacts>({
  type: text,
  identity: text,
  owner: nullable(text),
  acl: nullable(list(text)),
  comment: nullable(text),
  securityLabels: list(text),
  flags: record(checkFlag),
});

const checkShape = object<Inventory>({
  format: literal(1),
  id: text,
  name: text,
  parts: list(object<BoundPart>({ name: text, plain: count, sha256, sums: withDefault(nullable(list(sha256)), null) })),
  partial: nullable(list(text)),
  server: object({ version: text, versionNumber: count, bootstrap: text, standby: flag }),
  database: checkDatabase,
  extensions: list(checkExtension),
  roles: list(checkRole),
  tables: list(checkTable),
  extensionTables: withDefault(list(checkExtensionTable), []),
  sequences: list(checkSequence),
  largeObjects: checkLargeObjects,
  materializedViews: list(checkMaterializedView),
  objects: list(checkObject),
  files: withDefault(list(checkTreeFacts), []),
  notRecorded: list(text),
});

/** The texts of a flag that is a list of them in JSON. An attacker's inventory may have something else there: none then. */
export function textsOf(flagValue: ObjectFacts['flags'][string] | undefined): string[] {
  try {
    return parseChecked(Buffer.from(String(flagValue)), list(text));
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}

/** What a restored database holds, read in the same way as the source was. */
export interface RestoredState
  extends Pick<Inventory, 'server' | 'database' | 'extensions' | 'roles' | 'materializedViews' | 'objects'> {
  tables: RestoredTable[];
  extensionTables: ExtensionTableFacts[];
  sequences: { schema: string; name: string; current: SequenceValue | null }[];
  largeObjects: Omit<LargeObjectFacts, 'dumped'>;
}

export interface RestoredTable extends Pick<TableFacts, 'schema' | 'name' | 'rows' | 'fingerprint' | 'userCode'> {
  /** Those that its extension's condition selects; null: it has no condition. */
  conditionRows: string | null;
}

export interface ServerFacts {
  version: string;
  /** `server_version_num`. */
  versionNumber: number;
  /** The superuser that initdb made: what the server brought along belongs to it. */
  bootstrap: string;
  /** A standby was dumped. */
  standby: boolean;
}

export interface DatabaseFacts {
  name: string;
  owner: string;
  encoding: string;
  collate: string;
  ctype: string;
  /** `libc`, `icu`, `builtin`. */
  provider: string;
  locale: string | null;
  icuRules: string | null;
  collationVersion: string | null;
  tablespace: string;
  connectionLimit: number;
  /** Sorted, null: the default. */
  acl: string[] | null;
  comment: string | null;
  /** `name=value` for every role and for one. */
  settings: { role: string | null; settings: string[] }[];
}

export interface ExtensionFacts {
  name: string;
  version: string;
  schema: string;
  owner: string;
}

export interface RoleFacts {
  name: string;
  /** `LOGIN`, `SUPERUSER`, `BYPASSRLS`, ... as CREATE ROLE spells them. */
  attributes: string[];
  connectionLimit: number;
  validUntil: string | null;
  comment: string | null;
  /** `grantor` is null when that role was dropped (before PostgreSQL 16), `inherit` and `set` before PostgreSQL 16. */
  memberOf: { role: string; grantor: string | null; admin: boolean; inherit: boolean | null; set: boolean | null }[];
  /** `name=value`, in every database. */
  settings: string[];
}

export interface TableFacts {
  schema: string;
  name: string;
  /** `permanent` or `unlogged`. */
  persistence: 'permanent' | 'unlogged';
  partition: boolean;
  /** The extension that owns the table, of which pg_dump dumps the rows (pg_extension_config_dump). */
  extension: string | null;
  /** Of the table with its TOAST, at the time of the dump. */
  bytes: number;
  /** Exact, by FROM ONLY, or of the dump's own stream where `userCode` forbids a query; null with the reason in `reason`. */
  rows: string | null;
  /** Order-free digest of every row, with `fingerprint: content`. */
  fingerprint: string | null;
  /** The archive holds its rows. */
  dumped: boolean;
  reason: string | null;
  /** Why no query reads this table: what of it would run a user's code. null in older inventories, which did read it. */
  userCode: string | null;
  /**
   * `rows` are those that the extension's condition selects (extcondition), which the dump holds; the others come from the
   * extension's script. false in older inventories, which counted them all.
   */
  conditional: boolean;
}

export interface ExtensionTableFacts {
  schema: string;
  name: string;
  /** The extension that owns the table, and has not marked it as configuration. */
  extension: string;
  /** Exact; null with the reason in `reason`. */
  rows: string | null;
  reason: string | null;
}

export interface SequenceFacts {
  schema: string;
  name: string;
  increment: string;
  cycle: boolean;
  /** Sequences are not transactional: pg_dump read them at some moment between these two. */
  before: SequenceValue;
  after: SequenceValue;
}

export interface SequenceValue {
  lastValue: string;
  isCalled: boolean;
}

export interface LargeObjectFacts {
  count: string;
  bytes: string | null;
  /** Order-free digest of oid, owner, ACL and comment of each. */
  definitions: string;
  /** Order-free digest of every byte, with `fingerprint: content`. */
  fingerprint: string | null;
  dumped: boolean;
}

export interface MaterializedViewFacts {
  schema: string;
  name: string;
  populated: boolean;
  /** In older inventories; now null: they are not read. */
  rows: string | null;
}

export interface ObjectFacts {
  /** As pg_identify_object says it: `table`, `function`, `policy`, ... */
  type: string;
  identity: string;
  owner: string | null;
  /** `grantee=privileges/grantor`, sorted; null: the default. */
  acl: string[] | null;
  comment: string | null;
  /** `provider: label`, sorted. */
  securityLabels: string[];
  /** What else makes it the same object: an index unique, a constraint validated, row-level security on ... What is usual is left out. */
  flags: Record<string, string | boolean | number | null>;
}
