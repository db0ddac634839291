import { LifeboatError } from '../../errors.ts';
import type { LargeObjectFacts } from '../../formats/inventory/inventory.ts';
import { type Session, SqlError } from '../session/session.ts';
import { SQLSTATE } from './errors.ts';
import { withFixedSettings } from './savepoint.ts';

/** So many large objects are opened by one statement. */
const BATCH = 1000;
/** INV_READ of libpq/libpq-fs.h. */
const READ = 0x40000;

/** What is summed over the large objects. */
interface Sums {
  bytes: string;
  fingerprint: string | null;
}

/**
 * Number and total size of all large objects, a digest of their owners, ACLs and comments, and with `content` one of
 * every byte. Throws a LifeboatError naming one that the role may not read: pg_dump could not dump it either.
 */
export async function readLargeObjects(
  session: Session,
  { content }: { content: boolean },
): Promise<Omit<LargeObjectFacts, 'dumped'>> {
  return withFixedSettings(session, 'the large objects', async () => {
    const [described] = await session.query<{ count: string; definitions: string; direct: boolean }>(`
      select pg_catalog.count(*)::pg_catalog.text as count, ${DEFINITIONS} as definitions,
        pg_catalog.has_table_privilege('pg_catalog.pg_largeobject', 'select') as direct
      from pg_catalog.pg_largeobject_metadata m
      left join pg_catalog.pg_description d
        on d.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass and d.objoid = m.oid and d.objsubid = 0`);
    const { count = '0', definitions = '0', direct = false } = described ?? {};
    const sums = direct ? await sumPages(session, content) : await sumOpened(session, content);
    return { count, bytes: sums.bytes, definitions, fingerprint: sums.fingerprint };
  });
}

/** An ACL that says no more than the default is the default; its order does not matter. */
const ACL = `
  coalesce(nullif(
    (select pg_catalog.string_agg(item::pg_catalog.text, ',' order by item::pg_catalog.text collate pg_catalog."C")
      from pg_catalog.unnest(m.lomacl) item),
    (select pg_catalog.string_agg(item::pg_catalog.text, ',' order by item::pg_catalog.text collate pg_catalog."C")
      from pg_catalog.unnest(pg_catalog.acldefault('L', m.lomowner)) item)), '')`;

const DEFINITIONS = `
  coalesce(pg_catalog.sum(pg_catalog.hashtextextended(pg_catalog.concat_ws(
    '\n', m.oid, pg_catalog.pg_get_userbyid(m.lomowner), ${ACL}, d.description) collate pg_catalog."C", 0)), 0)::pg_catalog.text`;

/**
 * A page's bytes without the zeros at their end, so that a hole and written zeros are the same, as they are to a reader
 * (inv_api.c): a restore fills the holes.
 */
const pageHash = (object: string, page: string, data: string) => `
  case when ${withoutZeros(data)} = '' then 0
    else pg_catalog.hashtextextended(
      pg_catalog.concat_ws(' ', ${object}, ${page}, ${withoutZeros(data)}) collate pg_catalog."C", 0) end`;

function withoutZeros(data: string): string {
  return `pg_catalog.regexp_replace(pg_catalog.encode(${data}, 'hex'), '(00)+$', '')`;
}

/** An object ends where its last page ends; LOBLKSIZE is a quarter of a block (large_object.h). */
const PAGE = `(pg_catalog.current_setting('block_size')::pg_catalog.int8 / 4)`;

/** With SELECT on the table that holds the pages: the superuser, unless granted. */
async function sumPages(session: Session, content: boolean): Promise<Sums> {
  const digest = content ? `pg_catalog.sum(${pageHash('loid', 'pageno', 'data')})` : 'null::pg_catalog.numeric';
  const [sums] = await session.query<Sums>(`
      select coalesce(pg_catalog.sum(size), 0)::pg_catalog.text as bytes,
        ${content ? 'coalesce(pg_catalog.sum(digest), 0)' : 'null'}::pg_catalog.text as fingerprint
      from (
        select pg_catalog.max(pageno * ${PAGE} + pg_catalog.length(data)) as size, ${digest} as digest
        from pg_catalog.pg_largeobject group by loid
      ) objects`);
  return sums ?? { bytes: '0', fingerprint: null };
}

/** As an ordinary role: each object is opened, its end sought, its pages read; in batches by oid. */
async function sumOpened(session: Session, content: boolean): Promise<Sums> {
  let bytes = 0n;
  let fingerprint = 0n;
  for (let last = 0; ; ) {
    const [batch] = await openBatch(session, last, content);
    if (!batch?.last) break;
    bytes += BigInt(batch.bytes);
    fingerprint += BigInt(batch.fingerprint ?? 0);
    last = batch.last;
  }
  return { bytes: bytes.toString(), fingerprint: content ? fingerprint.toString() : null };
}

/**
 * Each step stands in a subquery of its own, which OFFSET 0 keeps apart: every object is opened, measured and closed
 * once, in this order. A join could answer from a cache instead (Memoize).
 */
async function openBatch(
  session: Session,
  after: number,
  content: boolean,
): Promise<(Sums & { last: number | null })[]> {
  const page = pageHash('oid', 'page', `pg_catalog.lo_get(oid, page * ${PAGE}, ${PAGE}::pg_catalog.int4)`);
  const digest = `(select pg_catalog.sum(${page}) from pg_catalog.generate_series(0, (size - 1) / ${PAGE}) page)`;
  const batch = `select oid from pg_catalog.pg_largeobject_metadata where oid > ${after} order by oid limit ${BATCH}`;
  const opened = `select oid, pg_catalog.lo_open(oid, ${READ}) as fd from (${batch}) batch offset 0`;
  const measured = `select oid, fd, pg_catalog.lo_lseek64(fd, 0, 2) as size from (${opened}) opened offset 0`;
  const closed = `select oid, size, pg_catalog.lo_close(fd) as closed from (${measured}) measured offset 0`;
  const sums = `
    select pg_catalog.max(oid::pg_catalog.int8) as last, coalesce(pg_catalog.sum(size), 0)::pg_catalog.text as bytes,
      ${content ? `coalesce(pg_catalog.sum(${digest}), 0)::pg_catalog.text` : 'null'} as fingerprint
    from (${closed}) closed where closed = 0`;
  try {
    return await session.query<Sums & { last: number | null }>(sums);
  } catch (error) {
    throw largeObjectError(error);
  }
}

/** The server's message names the object: "permission denied for large object 16401". */
function largeObjectError(error: unknown): unknown {
  if (!(error instanceof SqlError) || error.sqlstate !== SQLSTATE.insufficientPrivilege) return error;
  return new LifeboatError(
    `The large objects cannot be read: ${error.message}. ALTER ROLE … SET lo_compat_privileges = on lets the role read all of them; GRANT SELECT ON LARGE OBJECT … TO … one; pg_dump needs it as well. --no-large-objects in dump-args leaves them out.`,
    { cause: error },
  );
}
