import { LifeboatError } from '../../errors.ts';
import type { ObjectFacts } from '../../formats/inventory/inventory.ts';
import { type Session, SqlError } from '../session/session.ts';
import { SQLSTATE } from './errors.ts';
import { kindsOf } from './kinds/all.ts';
import type { Kind } from './kinds/kind.ts';
import { describedObjects, dumpedObjects, grantedObjects } from './kinds/query.ts';
import { behindSavepoint, withFixedSettings } from './savepoint.ts';

/** So many objects are read by one statement: psql holds an answer whole in its memory. */
const SLICE = 5000;
/** How often a catalog is read anew when it changed under the reading. */
const ATTEMPTS = 3;

export interface ReadObjects {
  objects: ObjectFacts[];
  /** In words, what could not be read. */
  notRecorded: string[];
}

type Row = Omit<ObjectFacts, 'identity'> & { identity: string | null };

/**
 * Every object that pg_dump dumps, by the identity that the server itself gives it, sorted. Objects of extensions and
 * of the system are there only when somebody has changed who may use them, with the ACL and nothing else: so does
 * pg_dump.
 */
export async function readObjects(session: Session, versionNumber: number): Promise<ReadObjects> {
  const [role] = await session.query<{ superuser: boolean }>(
    "select pg_catalog.current_setting('is_superuser') = 'on' as superuser",
  );
  const kinds = kindsOf(versionNumber, role?.superuser ?? false);
  const queries = [
    ...kinds.map((kind) => ({ kind, sql: dumpedObjects(kind) })),
    ...kinds.flatMap((kind) =>
      kind.acl && kind.home ? [{ kind, sql: grantedObjects(kind, kind.acl, kind.home) }] : [],
    ),
  ];
  const read: ReadObjects[] = [];
  await withFixedSettings(session, 'the definitions', async () => {
    for (const { kind, sql } of queries) read.push(await readKind(session, kind, sql));
  });
  return {
    objects: read
      .flatMap(({ objects }) => objects)
      .sort((a, b) => compareText(a.type, b.type) || compareText(a.identity, b.identity)),
    notRecorded: read.flatMap(({ notRecorded }) => notRecorded),
  };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The rows of a catalog are those of the snapshot, but the server looks up names in the present (pg_identify_object
 * reads the system caches). So an object that another session has dropped since then has no identity any more, or its
 * lookup fails, before PostgreSQL 14 as a rule: then all is read again without it.
 */
async function readKind(session: Session, kind: Kind, sql: string): Promise<ReadObjects> {
  const gone: number[] = [];
  for (let attempt = 1; ; attempt++) {
    try {
      const rows = await behindSavepoint(session, () => readSlices(session, kind, sql, gone));
      const objects = rows.filter((row): row is ObjectFacts => row.identity !== null);
      const lost = rows.length - objects.length + gone.length;
      const line = `Dropped by another session while the backup read them, in ${kind.catalog}: ${lost}.`;
      return { objects, notRecorded: lost > 0 ? [line] : [] };
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      const oid = failedLookup(error);
      if (oid === null) throw error;
      if (attempt === ATTEMPTS) throw changedMeanwhile(error, kind);
      gone.push(oid);
    }
  }
}

/** `cache lookup failed for function 16401`, `could not find tuple for trigger 16402`, `could not open relation with OID 16403`. */
function failedLookup({ sqlstate, message }: SqlError): number | null {
  const oid = /^(?:cache lookup failed|could not find tuple|could not open relation).* (\d+) \(/.exec(message)?.[1];
  return oid !== undefined && (sqlstate === SQLSTATE.internalError || sqlstate === SQLSTATE.undefinedTable)
    ? Number(oid)
    : null;
}

function changedMeanwhile(error: SqlError, kind: Kind): LifeboatError {
  return new LifeboatError(
    `The definitions in ${kind.catalog} changed while they were read, ${ATTEMPTS} times: ${error.message}. Run the backup when no migration runs.`,
    { cause: error },
  );
}

/** Reads the objects in slices of about the same size: by ranges of their oids. */
async function readSlices(session: Session, kind: Kind, sql: string, gone: number[]): Promise<Row[]> {
  const ends = await session.query<{ end: number }>(`
    select pg_catalog.max(objid)::pg_catalog.int8 as end
    from (select objid, (pg_catalog.row_number() over (order by objid) - 1) / ${SLICE} as slice from (${sql}) k) numbered
    group by slice order by 1`);
  const rows: Row[] = [];
  let last = 0;
  for (const { end } of ends) {
    const range = `k.objid > ${last} and k.objid <= ${end} and k.objid <> all ('{${gone.join(',')}}')`;
    for (const row of await session.query<Row>(describedObjects(kind, sql, range))) rows.push(row);
    last = end;
  }
  return rows;
}
