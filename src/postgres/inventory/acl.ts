/**
 * SQL for the items of an aclitem[] as a sorted text[]; NULL when they say no more than the default: a restore makes an
 * ACL that was granted and revoked back to the default NULL again.
 */
export function sortedAcl(acl: string, byDefault: string): string {
  const sorted = (items: string) =>
    `array(select item::pg_catalog.text collate pg_catalog."C" from pg_catalog.unnest(${items}) item order by 1)`;
  return `case when ${acl} is null then null else nullif(${sorted(acl)}, ${sorted(byDefault)}) end`;
}
