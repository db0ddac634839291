import type { MaterializedViewFacts } from '../../formats/inventory/inventory.ts';
import type { Session } from '../session/session.ts';
import { withFixedSettings } from './savepoint.ts';

/**
 * Every materialized view that is not an extension's, and whether it is populated. Their rows are not read: a query would
 * run code of their indexes' functions (see user-code.ts), the dump does not hold them, and a restore computes them anew.
 */
export async function readMaterializedViews(session: Session): Promise<MaterializedViewFacts[]> {
  return withFixedSettings(session, 'the materialized views', () =>
    session.query<MaterializedViewFacts>(`
      select n.nspname as schema, c.relname as name, c.relispopulated as populated, null as rows
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'm' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and not exists (
          select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
      order by n.nspname, c.relname`),
  );
}
