import { LifeboatError } from '../../errors.ts';

/**
 * The versions of the archive format whose head is read here, by their minor number: pg_dump 12 to 15 write 1.14, 16
 * writes 1.15, 17 and 18 write 1.16 (pg_backup_archiver.h).
 */
const OLDEST = 14;
const NEWEST = 16;
const CUSTOM = 1;
/** Numbers are a byte for the sign and so many bytes, the lowest first (ReadInt in pg_backup_archiver.c). */
const INT_SIZE = 4;
/** How long the strings that must be read can be; no name or text of the database is among them. */
const LONGEST = 64;
/** A statement of pg_dump that holds a schema's name and a sequence's is shorter, with every character escaped twice. */
const LONGEST_SET = 1024;

/** What a reader of the head needs next: so many bytes at once, or (negative) so many to pass over. */
type Reader<T> = Generator<number, T, Uint8Array>;
type Needed = Reader<number>;

/** What the head of an archive says about data. */
export interface ArchiveHead {
  /** The oid of the table whose rows an entry holds, by the id that its data blocks carry. */
  tables: Map<number, number>;
  sequences: SequenceSet[];
}

/** An entry that sets a sequence's value. All bytes are in the encoding of the source's database. */
export interface SequenceSet {
  schema: Buffer;
  name: Buffer;
  /** pg_dump's statement. */
  statement: Buffer;
}

/**
 * Reads the head of a custom-format archive (ReadHead and ReadToc in pg_backup_archiver.c). Yields what it needs of the
 * stream. Throws a LifeboatError when it cannot be read.
 */
export function* readHeadOfArchive(): Reader<ArchiveHead> {
  const minor = yield* readStart();
  const head: ArchiveHead = { tables: new Map(), sequences: [] };
  for (let entries = yield* readInt(); entries > 0; entries--) yield* readEntry(minor, head);
  return head;
}

function* readEntry(minor: number, head: ArchiveHead): Reader<void> {
  const id = yield* readInt();
  yield* readInt(); // Whether there is data.
  const catalog = yield* readText();
  const oid = yield* readText();
  const name = yield* readUpTo(LONGEST); // The tag.
  const kind = yield* readText();
  yield* readInt(); // The section.
  const statement = yield* readUpTo(kind === 'SEQUENCE SET' ? LONGEST_SET : 0);
  for (let text = 0; text < 2; text++) yield* skipText(); // dropStmt, copyStmt
  const schema = yield* readUpTo(LONGEST);
  for (let text = 0; text < 2; text++) yield* skipText(); // tablespace, tableam
  if (minor >= 16) yield* readInt(); // relkind
  for (let text = 0; text < 2; text++) yield* skipText(); // The owner, WITH OIDS.
  while ((yield* skipText()) >= 0); // Dependencies; a missing string ends them.
  yield -offsetLength; // Where the data is: not known to a pg_dump that writes into a pipe.
  if (kind === 'TABLE DATA' && catalog === '0') head.tables.set(id, Number(oid));
  if (kind === 'SEQUENCE SET' && schema && name && statement) head.sequences.push({ schema, name, statement });
}

/** A byte that says what the offset is, and the offset. */
const offsetLength = 1 + 8;

/** Magic, version, sizes, format, compression, date and names. Returns the minor version. */
function* readStart(): Needed {
  const start = Buffer.from(yield 11);
  const [major = 0, minor = 0, , intSize, offsetSize, format] = start.subarray(5);
  if (start.toString('latin1', 0, 5) !== 'PGDMP') throw unreadableArchive('it does not begin as an archive does');
  if (major !== 1 || minor < OLDEST || minor > NEWEST) {
    throw new LifeboatError(
      `pg_dump wrote an archive of version ${major}.${minor}. This version of Lifeboat reads 1.${OLDEST} to 1.${NEWEST} (pg_dump 13 to 18) and cannot count the rows in it. The backup was not kept. Use a newer version of Lifeboat.`,
    );
  }
  if (intSize !== INT_SIZE || offsetSize !== offsetLength - 1 || format !== CUSTOM) {
    throw unreadableArchive(`sizes ${intSize} and ${offsetSize}, format ${format}`);
  }
  const compression = minor >= 15 ? (yield 1)[0] : yield* readInt();
  if (compression !== 0) throw unreadableArchive('it is compressed');
  for (let field = 0; field < 7; field++) yield* readInt(); // The date.
  for (let name = 0; name < 3; name++) yield* skipText(); // The database, the server's version, pg_dump's.
  return minor;
}

function* readInt(): Needed {
  return intAt(yield 1 + INT_SIZE, 0);
}

/** A number of an archive; one beyond 31 bits (an oid can be) comes out negative, and is not 0. */
export function intAt(bytes: Uint8Array, at: number): number {
  // The places are known to be there: a check of each would cost as much as the rest.
  const value =
    (bytes[at + 1] as number) |
    ((bytes[at + 2] as number) << 8) |
    ((bytes[at + 3] as number) << 16) |
    ((bytes[at + 4] as number) << 24);
  return bytes[at] === 0 ? value : -value;
}

/** Passes over a string. Returns its length; -1: there is none. */
function* skipText(): Needed {
  const length = yield* readInt();
  if (length > 0) yield -length;
  return length;
}

/** A string; null: there is none, or it is longer, and was passed over. */
function* readUpTo(longest: number): Reader<Buffer | null> {
  const length = yield* readInt();
  if (length > 0 && length <= longest) return Buffer.from(yield length);
  if (length > 0) yield -length;
  return null;
}

function* readText(): Reader<string> {
  const length = yield* readInt();
  if (length > LONGEST) throw unreadableArchive(`a text of ${length} bytes where a number or a kind was expected`);
  return length > 0 ? Buffer.from(yield length).toString('latin1') : '';
}

export function unreadableArchive(what: string): LifeboatError {
  return new LifeboatError(
    `The rows in pg_dump's archive cannot be counted: ${what}. The backup was not kept. Run it again; if it happens again, report it with the versions of server and pg_dump.`,
  );
}
