import { type ArchiveHead, intAt, readHeadOfArchive, type SequenceSet, unreadableArchive } from './head.ts';
import { LineEnds, MOST_BYTES } from './line-ends.ts';

/** Kinds of data blocks (pg_backup_archiver.h). */
const DATA = 1;
const LARGE_OBJECTS = 3;
/** What pg_dump writes after the last row (dumpTableData_copy in pg_dump.c), and the line ends in it. */
const END = Buffer.from('\\.\n\n\n');
const END_LINES = 3;

/** Which number comes next. */
type Next = 'kind' | 'entry' | 'object' | 'length';

const INT_LENGTH = 5;

/**
 * Counts the rows in pg_dump's stream (-Fc -Z0) as they pass: COPY text has a line a row, and no line end in a row (COPY,
 * Text Format). After the head come blocks: a kind and an entry's id; for large objects an oid before each, 0 at the
 * end; then lengths with so many bytes, 0 at the end (pg_backup_custom.c). A length is mostly a row, so this must be fast.
 */
export class RowCounter {
  readonly #head = new HeadFeed();
  readonly #lineEnds = new LineEnds();
  readonly #rows = new Map<number, number>();
  readonly #split = new Uint8Array(INT_LENGTH);
  /** How many bytes of a number that is split over pieces are there. */
  #held = 0;
  #next: Next = 'kind';
  #kind = DATA;
  /** Bytes that are left of the present length. */
  #left = 0;
  /** The table whose rows these are; 0: bytes of a large object. */
  #table = 0;
  #lines = 0;
  readonly #tail = new Tail();

  /** Takes the next piece of the archive. */
  take(chunk: Uint8Array): void {
    for (let start = 0; start < chunk.length; start += MOST_BYTES) {
      this.#take(chunk.length <= MOST_BYTES ? chunk : chunk.subarray(start, start + MOST_BYTES));
    }
  }

  /** When the stream has ended: the rows of each table that the archive has data of, by its oid. */
  rows(): Map<number, number> {
    if (this.#head.read === null || this.#next !== 'kind') throw unreadableArchive('it ends in the middle');
    return this.#rows;
  }

  /** When the stream has ended: what the archive says about the values of sequences. */
  sequences(): SequenceSet[] {
    return this.#head.read?.sequences ?? [];
  }

  #take(bytes: Uint8Array): void {
    let at = this.#head.read === null ? this.#head.take(bytes) : 0;
    if (at < bytes.length) this.#lineEnds.load(bytes);
    while (at < bytes.length) {
      if (this.#left === 0 && this.#next === 'length' && this.#held === 0 && this.#table !== 0) {
        at = this.#takeRows(bytes, at);
        if (at === bytes.length) return;
      }
      at = this.#left > 0 ? this.#takeContent(bytes, at) : this.#takeNumber(bytes, at);
    }
  }

  /**
   * Takes all lengths with their bytes that are whole in this piece, in one go: most of what there is. The line ends are
   * counted over everything, and the bytes of the lengths that look like one taken off.
   */
  #takeRows(bytes: Uint8Array, start: number): number {
    let at = start;
    let last = start;
    let others = 0;
    while (at + INT_LENGTH <= bytes.length) {
      const length = intAt(bytes, at);
      const end = at + INT_LENGTH + length;
      if (length < END.length || end > bytes.length) break;
      others += lineEndsIn(length);
      last = at + INT_LENGTH;
      at = end;
    }
    if (at === start) return at;
    this.#lines += this.#lineEnds.count(start, at) - others;
    this.#tail.take(bytes, last, at);
    return at;
  }

  #takeContent(bytes: Uint8Array, at: number): number {
    const end = Math.min(at + this.#left, bytes.length);
    this.#left -= end - at;
    if (this.#table === 0) return end;
    this.#lines += this.#lineEnds.count(at, end);
    this.#tail.take(bytes, at, end);
    return end;
  }

  #takeNumber(bytes: Uint8Array, at: number): number {
    if (this.#next === 'kind') {
      this.#beginBlock(bytes[at] as number);
      return at + 1;
    }
    if (this.#held === 0 && at + INT_LENGTH <= bytes.length) {
      this.#takeInt(intAt(bytes, at));
      return at + INT_LENGTH;
    }
    this.#split[this.#held++] = bytes[at] as number;
    if (this.#held === INT_LENGTH) {
      this.#held = 0;
      this.#takeInt(intAt(this.#split, 0));
    }
    return at + 1;
  }

  #beginBlock(kind: number): void {
    if (kind !== DATA && kind !== LARGE_OBJECTS) throw unreadableArchive(`a data block of the unknown kind ${kind}`);
    this.#kind = kind;
    this.#next = 'entry';
  }

  #takeInt(value: number): void {
    if (this.#next === 'length') {
      if (value < 0) throw unreadableArchive(`a length of ${value}`);
      if (value === 0) this.#endContent();
      this.#left = value;
    } else if (this.#next === 'entry') this.#beginEntry(value);
    else this.#next = value === 0 ? 'kind' : 'length';
  }

  #beginEntry(id: number): void {
    if (this.#kind === LARGE_OBJECTS) {
      this.#table = 0;
      this.#next = 'object';
      return;
    }
    const table = this.#head.read?.tables.get(id);
    if (table === undefined) throw unreadableArchive(`data of entry ${id}, which is not a table's`);
    this.#table = table;
    this.#lines = 0;
    this.#next = 'length';
  }

  #endContent(): void {
    if (this.#kind === LARGE_OBJECTS) {
      this.#next = 'object';
      return;
    }
    if (!this.#tail.isEnd())
      throw unreadableArchive(`the rows of the table with oid ${this.#table} do not end as COPY's do`);
    if (this.#rows.has(this.#table)) throw unreadableArchive(`the table with oid ${this.#table} has data twice`);
    this.#rows.set(this.#table, this.#lines - END_LINES);
    this.#next = 'kind';
  }
}

const LINE_END = 10;

/** Of the four bytes of a number. */
function lineEndsIn(value: number): number {
  const low = ((value & 255) === LINE_END ? 1 : 0) + (((value >>> 8) & 255) === LINE_END ? 1 : 0);
  return value < 65536 ? low : low + lineEndsIn(value >>> 16);
}

/** Gives the reader of the head what it needs, out of pieces that end anywhere. */
class HeadFeed {
  readonly #reader = readHeadOfArchive();
  #needed: number;
  #held: Uint8Array[] = [];
  /** null until all of the head has come. */
  read: ArchiveHead | null = null;

  constructor() {
    this.#needed = this.#reader.next().value as number;
  }

  /** Returns where the head ends in these bytes. */
  take(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && this.read === null) {
      const end = Math.min(at + Math.abs(this.#needed), bytes.length);
      if (this.#needed > 0) this.#held.push(bytes.subarray(at, end));
      this.#needed -= Math.sign(this.#needed) * (end - at);
      at = end;
      if (this.#needed === 0) this.#resume();
    }
    return at;
  }

  #resume(): void {
    const [first = new Uint8Array(), ...others] = this.#held;
    const { value, done } = this.#reader.next(others.length === 0 ? first : Buffer.concat(this.#held));
    this.#held = [];
    if (done) this.read = value;
    else this.#needed = value;
  }
}

/** The last bytes of a table's data. */
class Tail {
  readonly #bytes = Buffer.alloc(END.length);
  /** Where they are, as long as they were not needed: nothing is copied for each row. */
  #piece: Uint8Array | null = null;
  #end = 0;

  take(bytes: Uint8Array, start: number, end: number): void {
    if (end - start >= END.length) {
      this.#piece = bytes;
      this.#end = end;
      return;
    }
    this.#copy();
    this.#append(bytes, start, end);
  }

  isEnd(): boolean {
    this.#copy();
    return this.#bytes.equals(END);
  }

  #copy(): void {
    if (this.#piece !== null) this.#append(this.#piece, this.#end - END.length, this.#end);
    this.#piece = null;
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes.copyWithin(0, end - start);
    for (let at = start; at < end; at++) this.#bytes[END.length - end + at] = bytes[at] as number;
  }
}
