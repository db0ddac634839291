/** An archive in pg_dump's custom format, byte by byte (pg_backup_archiver.c, pg_backup_custom.c). */
export interface MadeArchive {
  /** The minor version of the format: 14, 15 or 16. */
  minor: number;
  tables: MadeTable[];
  /** The pages of each large object. */
  largeObjects: Buffer[][];
}

export interface MadeTable {
  oid: number;
  /** The rows as COPY writes them, each with its line end. */
  rows: Buffer[];
  /** Where the bytes of all rows and the end are cut into blocks. */
  cuts: number[];
}

/** The statement of the entry that sets the sequence `s`.`a "name"\n`. */
export const SET_VALUE = `SELECT pg_catalog.setval('s."a ""name""\n"', 5, true);\n`;
export const COPY_END = Buffer.from('\\.\n\n\n');

export function int(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = value < 0 ? 1 : 0;
  bytes.writeUInt32LE(Math.abs(value), 1);
  return bytes;
}

function text(value: string | null): Buffer {
  return value === null ? int(-1) : Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)]);
}

export function makeArchive({ minor, tables, largeObjects }: MadeArchive): Buffer {
  const entries = [
    entry(minor, { id: 3, catalog: '2615', oid: '2200', kind: 'SCHEMA', definition: 'CREATE SCHEMA s;\n'.repeat(50) }),
    ...tables.flatMap(({ oid }, index) => [
      entry(minor, { id: 100 + index, catalog: '1259', oid: String(oid), kind: 'TABLE', definition: 'CREATE TABLE' }),
      entry(minor, { id: 5000 + index, catalog: '0', oid: String(oid), kind: 'TABLE DATA', definition: null }),
    ]),
    entry(minor, { id: 9000, catalog: '0', oid: '0', kind: 'BLOBS', definition: '' }),
    entry(minor, { id: 9001, catalog: '0', oid: '0', kind: 'SEQUENCE SET', definition: SET_VALUE }),
    entry(minor, { id: 9002, catalog: '0', oid: '0', kind: 'SEQUENCE SET', definition: 'x'.repeat(2000) }),
  ];
  const blobs = largeObjects.map((pages, index) => Buffer.concat([int(0xf0000000 + index), ...blocks(pages)]));
  return Buffer.concat([
    head(minor),
    int(entries.length),
    ...entries,
    ...tables.flatMap((table, index) => [Buffer.of(1), int(5000 + index), ...dataOf(table)]),
    ...(blobs.length === 0 ? [] : [Buffer.of(3), int(9000), ...blobs, int(0)]),
  ]);
}

function head(minor: number): Buffer {
  const compression = minor >= 15 ? Buffer.of(0) : int(0);
  const date = [56, 1, 0, 30, 10, 126, 0].map(int);
  const names = ['shop', '15.18', '15.18 (Debian)'].map(text);
  return Buffer.concat([Buffer.from('PGDMP'), Buffer.of(1, minor, 0, 4, 8, 1), compression, ...date, ...names]);
}

function entry(
  minor: number,
  {
    id,
    catalog,
    oid,
    kind,
    definition,
  }: Record<'catalog' | 'oid' | 'kind', string> & { id: number; definition: string | null },
): Buffer {
  return Buffer.concat([
    ...[int(id), int(1), text(catalog), text(oid), text('a "name"\n'), text(kind), int(2)],
    ...[text(definition), text(''), text('COPY s.t FROM stdin;\n'), text('s'), text(''), text(null)],
    ...(minor >= 16 ? [int(114)] : []),
    ...[text('owner'), text('false'), text('3'), text('100'), text(null)],
    Buffer.alloc(9, 1),
  ]);
}

function dataOf({ rows, cuts }: MadeTable): Buffer[] {
  const all = Buffer.concat([...rows, COPY_END]);
  const ends = [...new Set([...cuts.filter((cut) => cut > 0 && cut < all.length), all.length])].sort((a, b) => a - b);
  return blocks(ends.map((end, index) => all.subarray(ends[index - 1] ?? 0, end)));
}

/** Lengths with so many bytes; a length of 0 ends them. */
function blocks(contents: Buffer[]): Buffer[] {
  return [...contents.filter(({ length }) => length > 0).flatMap((content) => [int(content.length), content]), int(0)];
}
