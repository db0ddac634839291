import type { ObjectFacts } from './inventory.ts';

/** A table, partitioned or foreign too, a view, a materialized view or a sequence: they share one space of names. */
export interface RelationName {
  schema: string;
  name: string;
}

/** The types of pg_identify_object that are relations, and what an archive's table of contents calls them. */
export const RELATIONS: Record<string, string> = {
  table: 'TABLE',
  'foreign table': 'FOREIGN TABLE',
  view: 'VIEW',
  'materialized view': 'MATERIALIZED VIEW',
  sequence: 'SEQUENCE',
};

/** `public.orders`; quoted as SQL does when it is not plain. Each relation has its own. */
export function nameOf({ schema, name }: RelationName): string {
  return `${plainOrQuoted(schema)}.${plainOrQuoted(name)}`;
}

export function plainOrQuoted(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** What the server says of these is their table: `index ON`, `statistics FOR`. */
const NAMED_BY_FLAG = ['index', 'statistics object'];

/** `schema.table.column`, `name on schema.table`, `for schema.table.column`, `schema.table in publication name`. */
const NAMED_BY_IDENTITY = [
  ...Object.keys(RELATIONS),
  'table column',
  'foreign table column',
  'view column',
  'materialized view column',
  'default value',
  'table constraint',
  'trigger',
  'rule',
  'policy',
  'publication relation',
];

/**
 * The relation that an object is, or is a part of; null when it is neither, such as a function. What the system and
 * extensions bring along is nobody's: only rights on it are recorded.
 */
export function relationOf({ type, identity, flags }: ObjectFacts): RelationName | null {
  if (flags.partOf !== undefined) return null;
  if (NAMED_BY_FLAG.includes(type)) return parseRelation(String(flags.table));
  return NAMED_BY_IDENTITY.includes(type) ? parseRelation(identity) : null;
}

/** A name as quote_ident writes it. */
const NAME = '(?:"((?:[^"]|"")*)"|([^\\s".]+))';
const IN_IDENTITY = new RegExp(`^(?:${NAME} on |for )?${NAME}\\.${NAME}`);

/** The first two names of a text of the server's, behind what can stand before them; null when there are none. */
export function parseRelation(text: string): RelationName | null {
  const [, , , quotedSchema, schema, quotedName, name] = IN_IDENTITY.exec(text) ?? [];
  const [inSchema, itself] = [unquoteName(quotedSchema, schema), unquoteName(quotedName, name)];
  return inSchema === null || itself === null ? null : { schema: inSchema, name: itself };
}

function unquoteName(quoted: string | undefined, bare: string | undefined): string | null {
  return quoted?.replaceAll('""', '"') ?? bare ?? null;
}
