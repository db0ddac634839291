import { LifeboatError } from '../../../errors.ts';
import { quoteIdentifier, type Session, SqlError } from '../../session/session.ts';

/** `object_not_in_prerequisite_state` (PostgreSQL, Appendix A): the view reads another one that is not populated. */
const NOT_POPULATED = '55000';

/**
 * Computes every populated materialized view anew. They are all emptied first, so none can be computed from old rows:
 * one that reads another, which a function may hide from pg_depend, fails until that one has its new rows, and is tried again.
 */
export async function refreshMaterializedViews(session: Session): Promise<void> {
  const views = await session.query<{ schema: string; name: string }>(`
    select namespace.nspname as schema, class.relname as name
    from pg_catalog.pg_class class join pg_catalog.pg_namespace namespace on namespace.oid = class.relnamespace
    where class.relkind = 'm' and class.relispopulated
    order by class.oid`);
  const names = views.map(({ schema, name }) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`);
  for (const name of names) await session.run(`refresh materialized view ${name} with no data`);
  let left = names;
  while (left.length > 0) {
    const waiting: { name: string; error: SqlError }[] = [];
    for (const name of left) {
      const error = await refreshView(session, name);
      if (error !== null) waiting.push({ name, error });
    }
    const [first] = waiting;
    if (first !== undefined && waiting.length === left.length) throw cannotRefresh(first.name, first.error);
    left = waiting.map(({ name }) => name);
  }
}

/** Resolves with the error of one that must wait for others. */
async function refreshView(session: Session, name: string): Promise<SqlError | null> {
  try {
    await session.run(`refresh materialized view ${name}`);
    return null;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    if (error.sqlstate === NOT_POPULATED) return error;
    throw cannotRefresh(name, error);
  }
}

function cannotRefresh(name: string, error: SqlError): LifeboatError {
  return new LifeboatError(
    `Materialized view ${name} cannot be refreshed from the changed rows: ${error.message}. Correct the file, or drop the view in it.`,
    { cause: error },
  );
}
