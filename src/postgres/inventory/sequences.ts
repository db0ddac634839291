import { LifeboatError } from '../../errors.ts';
import type { SequenceValue } from '../../formats/inventory/inventory.ts';
import { type Session, SqlError } from '../session/session.ts';
import { joinExtension } from '../snapshot/extension-owner.ts';
import { commonError, labelOf, SQLSTATE } from './errors.ts';

/** So many sequences are locked at once, because the server's lock table is shared and bounded (max_locks_per_transaction). */
const BATCH = 200;
/** How long a reading waits for sequences that other sessions have locked (ALTER SEQUENCE, TRUNCATE ... RESTART IDENTITY). */
const LOCK_TIMEOUT = '1s';

export interface Sequence {
  oid: number;
  schema: string;
  name: string;
  increment: string;
  cycle: boolean;
  min: string;
  max: string;
}

export interface SequenceReading {
  /** null: a server before PostgreSQL 18 does not say the value of a sequence that is not called. */
  lastValue: string | null;
  isCalled: boolean;
}

/** By the sequence's oid. One that was dropped since is missing, and a batch of which another session has locked one. */
export type SequenceReadings = Map<number, SequenceReading>;

/** null: it was not read, or the server does not say it. */
export function knownValue(reading: SequenceReading | undefined): SequenceValue | null {
  if (reading === undefined || reading.lastValue === null) return null;
  return { lastValue: reading.lastValue, isCalled: reading.isCalled };
}

/**
 * Every sequence that a dump holds, those of identity columns too. As with tables, an extension's sequence is dumped only
 * when the extension has marked it (pg_extension_config_dump). An unlogged sequence cannot be read on a standby, and
 * pg_dump leaves its value out there.
 */
export async function listSequences(session: Session): Promise<Sequence[]> {
  return withCommonErrors(
    session.query<Sequence>(`
    select c.oid::pg_catalog.int8 as oid, n.nspname as schema, c.relname as name,
      s.seqincrement::pg_catalog.text as increment, s.seqcycle as cycle, s.seqmin::pg_catalog.text as min, s.seqmax::pg_catalog.text as max
    from pg_catalog.pg_sequence s
    join pg_catalog.pg_class c on c.oid = s.seqrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    ${joinExtension('left join')}
    where c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and (e.oid is null or c.oid = any (e.extconfig))
      and not (c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery())
    order by n.nspname, c.relname`),
  );
}

/**
 * Reads the values that the sequences have now, because no snapshot holds them. The session must not be in a transaction:
 * its own would keep a lock on each sequence, which blocks ALTER SEQUENCE, to its end, also behind a savepoint
 * (lock_and_open_sequence in sequence.c). Throws a LifeboatError naming a sequence that the role may not read.
 */
export function readSequences(session: Session, sequences: Sequence[]): Promise<SequenceReadings> {
  const query = session.versionNumber >= SEQUENCE_DATA ? BY_DATA : BY_LAST_VALUE;
  return readBatches(session, sequences, { query, lockTimeout: LOCK_TIMEOUT, ...SELECT_PRIVILEGE });
}

/**
 * The same for a database that was just restored and that no client uses yet. Before PostgreSQL 18, nextval() returns the
 * value of a sequence that is not called, and setval() makes it what it was: no value is missing.
 */
export function readRestoredSequences(session: Session, sequences: Sequence[]): Promise<SequenceReadings> {
  const method =
    session.versionNumber >= SEQUENCE_DATA
      ? { query: BY_DATA, ...SELECT_PRIVILEGE }
      : { query: BY_NEXT_VALUE, ...UPDATE_PRIVILEGE };
  return readBatches(session, sequences, { ...method, lockTimeout: '0' });
}

/** The first server with pg_get_sequence_data(). */
const SEQUENCE_DATA = 180000;

/*
 * The queries are given oids and no names. By its name, a table with an index on a user's function could have taken the
 * place of a sequence: planning a query on it runs that function with the rights of this role (see user-code.ts).
 */
/** Of a sequence that was dropped since, the function returns nulls. */
const BY_DATA = `
  select s.oid::pg_catalog.int8 as oid, d.last_value::pg_catalog.text as "lastValue", d.is_called as "isCalled"
  from given s cross join lateral pg_catalog.pg_get_sequence_data(s.oid) d
  where d.is_called is not null`;

/** null: it is not called. */
const LAST_VALUE = 'select oid, pg_catalog.pg_sequence_last_value(oid) as value from given';

const BY_LAST_VALUE = `
  select s.oid::pg_catalog.int8 as oid, s.value::pg_catalog.text as "lastValue", s.value is not null as "isCalled"
  from (${LAST_VALUE}) s`;

const BY_NEXT_VALUE = `
  select s.oid::pg_catalog.int8 as oid, s.value is not null as "isCalled",
    coalesce(
      s.value,
      pg_catalog.setval(s.oid::pg_catalog.regclass, pg_catalog.nextval(s.oid::pg_catalog.regclass), false)
    )::pg_catalog.text as "lastValue"
  from (${LAST_VALUE}) s`;

interface Method {
  /** Reads the sequences whose oids are in the relation `given`. */
  query: string;
  lockTimeout: string;
  /** What the role needs on each sequence, and how to get it. */
  privilege: 'select' | 'update';
  grant: string;
}

/** pg_dump needs SELECT as well. */
const SELECT_PRIVILEGE = {
  privilege: 'select',
  grant:
    'Grant the role that backs up SELECT on every sequence, or the role pg_read_all_data (PostgreSQL 14 and newer).',
} as const;
/** nextval() and setval() need it. */
const UPDATE_PRIVILEGE = {
  privilege: 'update',
  grant: 'Restore as a superuser, or grant the role that restores UPDATE on every sequence.',
} as const;

async function readBatches(session: Session, sequences: Sequence[], method: Method): Promise<SequenceReadings> {
  const readings: SequenceReadings = new Map();
  for (let start = 0; start < sequences.length; start += BATCH) {
    const batch = sequences.slice(start, start + BATCH);
    for (const { oid, ...reading } of await withCommonErrors(readBatch(session, batch, method)))
      readings.set(oid, reading);
  }
  return readings;
}

type Row = SequenceReading & { oid: number };

async function readBatch(session: Session, batch: Sequence[], method: Method): Promise<Row[]> {
  const { query, lockTimeout } = method;
  for (let tried = batch.length + 1; ; ) {
    const oids = await readableOids(session, batch, method);
    try {
      return await inTransaction(session, lockTimeout, () =>
        session.query<Row>(`with given as materialized (${unnestOids(oids)}) ${query}`),
      );
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      if (error.sqlstate === SQLSTATE.lockNotAvailable) return [];
      // One was dropped since the last query, which the next one sees: then there are fewer to read.
      const isGone = error.sqlstate === SQLSTATE.internalError && /^could not open relation/.test(error.message);
      if (!isGone || oids.length >= tried) throw error;
      tried = oids.length;
    }
  }
}

/** Of those that still exist. */
async function readableOids(session: Session, batch: Sequence[], { privilege, grant }: Method): Promise<number[]> {
  const rows = await session.query<{ oid: number; readable: boolean | null }>(
    `select oid::pg_catalog.int8 as oid, pg_catalog.has_sequence_privilege(oid, '${privilege}') as readable
    from (${unnestOids(batch.map(({ oid }) => oid))}) s`,
  );
  const unreadable = new Set(rows.filter(({ readable }) => readable === false).map(({ oid }) => oid));
  const first = batch.find(({ oid }) => unreadable.has(oid));
  if (first) {
    throw new LifeboatError(`Sequence ${labelOf(first)} cannot be read: permission denied. ${grant}`);
  }
  return rows.filter(({ readable }) => readable).map(({ oid }) => oid);
}

function unnestOids(oids: number[]): string {
  return `select oid from pg_catalog.unnest('{${oids.join(',')}}'::pg_catalog.oid[]) as s (oid)`;
}

/** Gives the locks back at the end. */
async function inTransaction<T>(session: Session, lockTimeout: string, read: () => Promise<T>): Promise<T> {
  await session.runTogether(['begin', `set local lock_timeout = '${lockTimeout}'`]);
  try {
    const result = await read();
    await session.run('commit');
    return result;
  } catch (error) {
    // The connection may be gone: the first error is the one to throw.
    await session.run('rollback').catch(() => {});
    throw error;
  }
}

async function withCommonErrors<T>(reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    throw commonError(error, 'the sequences') ?? error;
  });
}
