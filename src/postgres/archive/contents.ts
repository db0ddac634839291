import type { Writable } from 'node:stream';
import { runTool, startTool, ToolError } from '../../process/child.ts';
import { waitForDrain } from '../../process/wait-for-drain.ts';
import { connectingTool, type Server, toolCommand } from '../session/connection.ts';

/** What the table of contents at the head of a custom-format archive names, by the oids of the source's catalogs. */
export interface ArchiveContents {
  /** Tables (also partitioned and foreign ones) whose definition is in the archive. */
  definitions: Set<number>;
  /** Tables whose rows are in the archive. */
  data: Set<number>;
  largeObjects: boolean;
}

/** An entry of the table of contents at the head of a custom-format archive. */
export interface ArchiveEntry {
  id: number;
  /** The oids of the source's catalog and of the object there; 0 when pg_dump names none. */
  catalog: number;
  oid: number;
  /** `DESC schema tag owner`, blanks between. Names can hold blanks; their line breaks are blanks here. */
  text: string;
  /** The ids of what it depends on. What is not in the archive has none. */
  needs: number[];
}

/**
 * pg_restore -l prints `dumpId; tableoid oid DESC schema tag owner`, and with --verbose a line of dependencies after it
 * (PrintTOCSummary in pg_backup_archiver.c).
 */
export function parseEntries(listing: string): ArchiveEntry[] {
  const entries: ArchiveEntry[] = [];
  for (const line of listing.split('\n')) {
    const [, id, catalog, oid, text = ''] = /^(\d+); (\d+) (\d+) (.*)$/s.exec(line) ?? [];
    if (id !== undefined) entries.push({ id: Number(id), catalog: Number(catalog), oid: Number(oid), text, needs: [] });
    const needs = /^;\tdepends on:([ \d]+)$/.exec(line)?.[1];
    if (needs !== undefined) entries.at(-1)?.needs.push(...needs.trim().split(' ').map(Number));
  }
  return entries;
}

/** Encodings that the rest of the world calls otherwise than PostgreSQL does. */
const LABELS: Record<string, string> = {
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  LATIN10: 'iso-8859-16',
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
};

/** The text of a listing: names stand in an archive in the encoding of the source's database. */
export function decodeListing(listing: Buffer, encoding: string): string {
  const common = encoding
    .toLowerCase()
    .replaceAll('_', '-')
    .replace(/^win(?=\d)/, 'windows-');
  try {
    return new TextDecoder(LABELS[encoding] ?? common).decode(listing);
  } catch {
    return listing.toString('utf8'); // SQL_ASCII, or one that Node does not know: plain names are the same in all.
  }
}

/** The entries of an archive, from what pg_restore -l says of it. */
export function entriesOf(listing: Buffer, encoding: string): ArchiveEntry[] {
  return parseEntries(decodeListing(listing, encoding));
}

/**
 * Names cannot confuse this: of the text only the word at its start counts. pg_dump.c gives TABLE DATA entries the
 * tableoid 0 and the table's oid (makeTableDataInfo); 1259 is pg_class. Large objects are BLOBS or BLOB DATA up to
 * version 16, BLOB METADATA later.
 */
function contentsOf(entries: ArchiveEntry[]): ArchiveContents {
  const contents: ArchiveContents = { definitions: new Set(), data: new Set(), largeObjects: false };
  for (const { catalog, oid, text } of entries) {
    if (catalog === PG_CLASS) contents.definitions.add(oid);
    if (catalog === 0 && text.startsWith('TABLE DATA ')) contents.data.add(oid);
    if (isLargeObject(text)) contents.largeObjects = true;
  }
  return contents;
}

/** The oid of the catalog of relations and indexes (pg_class.h). */
export const PG_CLASS = 1259;

export function isLargeObject(text: string): boolean {
  return text.startsWith('BLOB');
}

/** Reads the head of an archive as it streams past: pg_restore -l takes what it needs, then closes its input. */
export class HeadReader {
  readonly #input: Writable;
  /** What pg_restore -l says, in the encoding of the source. */
  readonly listing: Promise<Buffer>;

  readonly #observe: (chunk: Uint8Array) => void;

  /** `observe` gets each piece of the archive as it passes: a stage of its own would cost as much as what it does. */
  constructor(server: Server, observe: (chunk: Uint8Array) => void = () => {}) {
    this.#observe = observe;
    const spec = toolCommand(server, 'pg_restore', 'data', LIST);
    const tool = startTool({ ...spec, env: withoutConnection(spec.env) }, server.context);
    this.#input = tool.stdin;
    const chunks: Buffer[] = [];
    tool.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    this.listing = tool.finished.then(() => Buffer.concat(chunks));
    this.listing.catch(() => {});
  }

  /** It has not read enough yet. */
  get open(): boolean {
    return this.#input.writable;
  }

  async contents(): Promise<ArchiveContents> {
    return contentsOf(parseEntries((await this.listing).toString('utf8')));
  }

  /** Passes the archive on unchanged. */
  readonly through = async function* (this: HeadReader, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of source) {
        if (this.open && !this.#input.write(chunk)) await waitForDrain(this.#input);
        this.#observe(chunk);
        yield chunk;
      }
    } finally {
      this.#input.end();
    }
  }.bind(this);
}

const LIST = ['--list', '--verbose'];

/**
 * Reads the table of contents at the head of a stream, and gives the whole archive to be read once more: as much of it
 * as the head is stays in memory until then. When there is none, all of the stream is read first, for only its end tells
 * whether the bytes are those that were stored.
 */
export async function readHead(
  server: Server,
  archive: AsyncIterable<Uint8Array>,
): Promise<{ listing: Buffer; archive: AsyncGenerator<Uint8Array> }> {
  const head = new HeadReader(server);
  const passing = head.through(archive);
  const held: Uint8Array[] = [];
  for (let next = await passing.next(); !next.done; next = await passing.next()) {
    held.push(next.value);
    if (!head.open) break;
  }
  try {
    return { listing: await head.listing, archive: replay(held, passing) };
  } catch (error) {
    for await (const _ of passing);
    throw error;
  }
}

/** The entries of an archive that is read to its end: what was read counts only then. */
export async function readEntries(
  server: Server,
  archive: AsyncIterable<Uint8Array>,
  encoding: string,
): Promise<ArchiveEntry[]> {
  const head = await readHead(server, archive);
  for await (const _ of head.archive);
  return entriesOf(head.listing, encoding);
}

async function* replay(held: Uint8Array[], rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (let chunk = held.shift(); chunk; chunk = held.shift()) yield chunk;
  yield* rest;
}

/** The table of contents of an archive in a file, as pg_restore -l says it. */
export function listFile(server: Server, file: string): Promise<Buffer> {
  const spec = toolCommand(server, 'pg_restore', 'restore', [...LIST, file]);
  return runTool({ ...spec, env: withoutConnection(spec.env) }, server.context);
}

/** The contents of what pg_dump would dump with these arguments, definitions only. Throws a ToolError. */
export async function contentsOfDump(server: Server, args: string[]): Promise<ArchiveContents> {
  const dump = connectingTool(server, 'pg_dump', 'select', [
    '--format=custom',
    '--compress=0',
    '--schema-only',
    ...args,
  ]);
  const head = await runTool(dump, server.context);
  const list = toolCommand(server, 'pg_restore', 'select', ['--list']);
  const listing = await runTool({ ...list, env: withoutConnection(list.env) }, server.context, head);
  const contents = contentsOf(parseEntries(listing.toString('utf8')));
  if (head.length === 0) throw new ToolError('pg_dump', 'pg_dump wrote nothing.', '');
  return contents;
}

/** pg_restore -l connects to nothing; what it does not need, it is not given. */
function withoutConnection(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PG')));
}
