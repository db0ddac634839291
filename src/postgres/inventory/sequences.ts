import { LifeboatError } from '../../errors.ts';
import type { SequenceFacts, SequenceValue } from '../../formats/inventory/inventory.ts';
import { type Session, SqlError } from '../session/session.ts';
import { qualifiedName } from '../snapshot/snapshot.ts';
import { commonError, label, SQLSTATE } from './errors.ts';
import { behindSavepoint, RESTRICTION, withFixedSettings } from './savepoint.ts';

/** So many sequences are read by one statement. */
const BATCH = 200;

export interface SequenceReading {
  oid: number;
  schema: string;
  name: string;
  increment: string;
  cycle: boolean;
  /** null: it was dropped or renamed since the snapshot. */
  current: SequenceValue | null;
}

type Sequence = Omit<SequenceReading, 'current'>;

/**
 * Every sequence that the dump holds, those of identity columns too, with the value that it has now: sequences are not
 * transactional, and a snapshot does not hold them. Throws a LifeboatError naming one that may not be read.
 */
export async function readSequences(session: Session): Promise<SequenceReading[]> {
  return withFixedSettings(session, 'the sequences', async () => {
    const sequences = await listSequences(session);
    const read = (await restrictsViews(session)) ? valuesByName : valuesByOid;
    const readings: SequenceReading[] = [];
    for (let start = 0; start < sequences.length; start += BATCH) {
      readings.push(...(await readBatch(session, sequences.slice(start, start + BATCH), read)));
    }
    return readings;
  });
}

/** What pg_dump read lies between the two readings. A sequence of which no value could be read is left out. */
export function mergeSequences(before: SequenceReading[], after: SequenceReading[]): SequenceFacts[] {
  const later = new Map(after.map(({ oid, current }) => [oid, current]));
  return before.flatMap(({ oid, schema, name, increment, cycle, current }) => {
    const first = current ?? later.get(oid);
    const last = later.get(oid) ?? current;
    return first && last ? [{ schema, name, increment, cycle, before: first, after: last }] : [];
  });
}

/**
 * As with tables, an extension's sequence is dumped only when the extension has marked it (pg_extension_config_dump).
 * An unlogged sequence cannot be read on a standby, and pg_dump leaves its value out there.
 */
function listSequences(session: Session): Promise<Sequence[]> {
  return session.query<Sequence>(`
    select c.oid::int8 as oid, n.nspname as schema, c.relname as name,
      s.seqincrement::text as increment, s.seqcycle as cycle
    from pg_sequence s
    join pg_class c on c.oid = s.seqrelid
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    left join pg_extension e on e.oid = d.refobjid
    where c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and (e.oid is null or c.oid = any (e.extconfig))
      and not (c.relpersistence = 'u' and pg_is_in_recovery())
    order by n.nspname, c.relname`);
}

type ReadValues = (session: Session, batch: Sequence[]) => Promise<(SequenceValue & { oid: number })[]>;

async function restrictsViews(session: Session): Promise<boolean> {
  const found = await session.query(`select 1 as yes from pg_catalog.pg_settings where name = '${RESTRICTION}'`);
  return found.length > 0;
}

/** Exact; only for a server that reads no view that took a sequence's place. */
const valuesByName: ReadValues = (session, batch) =>
  session.query(
    batch
      .map(
        ({ oid, ...sequence }) =>
          `select ${oid}::int8 as oid, last_value::text as "lastValue", is_called as "isCalled" from ${qualifiedName(sequence)}`,
      )
      .join(' union all '),
  );

/** Of a sequence that was not called since its start or RESTART it knows only where it starts. */
export const valuesByOid: ReadValues = (session, batch) =>
  session.query(`
    select seqrelid::int8 as oid, coalesce(value, seqstart)::text as "lastValue", value is not null as "isCalled"
    from (
      select seqrelid, seqstart, pg_catalog.pg_sequence_last_value(seqrelid) as value
      from pg_catalog.pg_sequence where seqrelid = any ('{${batch.map(({ oid }) => oid).join(',')}}'::oid[])
    ) sequences`);

/** The savepoint gives the locks back: the server has no room for one on each of 10,000 sequences. */
async function readBatch(session: Session, batch: Sequence[], read: ReadValues): Promise<SequenceReading[]> {
  try {
    const values = await behindSavepoint(session, () => read(session, batch));
    const current = new Map(values.map(({ oid, lastValue, isCalled }) => [oid, { lastValue, isCalled }]));
    return batch.map((sequence) => ({ ...sequence, current: current.get(sequence.oid) ?? null }));
  } catch (error) {
    return afterFailure(session, batch, read, error);
  }
}

/** It was dropped since; or something else has its name now, which has no such columns, or is a view. */
const GONE: string[] = [SQLSTATE.undefinedTable, SQLSTATE.undefinedColumn, SQLSTATE.notInPrerequisiteState];

/** Finds the one that failed by halving the batch. */
async function afterFailure(
  session: Session,
  batch: Sequence[],
  read: ReadValues,
  error: unknown,
): Promise<SequenceReading[]> {
  const [first] = batch;
  if (!(error instanceof SqlError) || !first) throw error;
  if (batch.length > 1) {
    const middle = Math.ceil(batch.length / 2);
    const firstHalf = await readBatch(session, batch.slice(0, middle), read);
    return [...firstHalf, ...(await readBatch(session, batch.slice(middle), read))];
  }
  if (GONE.includes(error.sqlstate)) return [{ ...first, current: null }];
  throw commonError(error, `sequence ${label(first)}`) ?? sequenceError(error, first);
}

function sequenceError(error: SqlError, sequence: Sequence): LifeboatError {
  const said = `Sequence ${label(sequence)} cannot be read: ${error.message}.`;
  const mend = ` Grant the role that backs up SELECT on every sequence, or the role pg_read_all_data (PostgreSQL 14 and newer).`;
  return new LifeboatError(error.sqlstate === SQLSTATE.insufficientPrivilege ? said + mend : said, { cause: error });
}
