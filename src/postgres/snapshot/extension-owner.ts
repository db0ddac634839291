/**
 * Joins the extension `e` that the relation `c` of pg_class belongs to (PostgreSQL, pg_depend: deptype `e`). Whether
 * the extension has marked it, so that pg_dump dumps its rows, says `c.oid = any (e.extconfig)`.
 */
export function joinExtension(join: 'join' | 'left join'): string {
  return `
    ${join} pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.objsubid = 0 and d.deptype = 'e'
    ${join} pg_catalog.pg_extension e
      on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.oid = d.refobjid`;
}
