import type { MaterializedViewFacts } from '../../catalog/inventory.ts';
import { type Session, SqlError } from '../session.ts';
import { qualifiedName } from '../snapshot.ts';
import { commonError, label } from './errors.ts';
import { behindSavepoint, withFixedSettings } from './savepoint.ts';

/** How long a count waits for a REFRESH to end. */
const LOCK_TIMEOUT = '2s';

type View = Omit<MaterializedViewFacts, 'rows'> & { oid: number };

/**
 * Every materialized view that is not an extension's: populated or not, and its rows. They are not locked, are
 * recomputed by a restore, and one that cannot be read is no error: then `rows` is null.
 */
export async function readMaterializedViews(session: Session): Promise<MaterializedViewFacts[]> {
  return withFixedSettings(session, 'the materialized views', async () => {
    await session.run(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
    const views = await session.query<View>(`
      select c.oid::int8 as oid, n.nspname as schema, c.relname as name, c.relispopulated as populated
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'm' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and not exists (
          select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
      order by n.nspname, c.relname`);
    const facts: MaterializedViewFacts[] = [];
    for (const { oid, schema, name, populated } of views) {
      facts.push({ schema, name, populated, rows: populated ? await countRows(session, oid, { schema, name }) : null });
    }
    return facts;
  });
}

/** null also when a REFRESH has replaced the file since the snapshot, which then does not see the rows. */
async function countRows(
  session: Session,
  oid: number,
  view: { schema: string; name: string },
): Promise<string | null> {
  try {
    const [row] = await behindSavepoint(session, () =>
      session.query<{ rows: string; same: boolean }>(`
        select count(*)::text as rows,
          (select relfilenode = pg_relation_filenode(oid) from pg_class where oid = ${oid}) as same
        from ${qualifiedName(view)}`),
    );
    return row?.same ? row.rows : null;
  } catch (error) {
    if (error instanceof SqlError && commonError(error, label(view)) === null) return null;
    throw error;
  }
}
