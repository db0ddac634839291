import { LifeboatError } from '../../errors.ts';
import { editDistance } from '../../text.ts';
import { type Inventory, type ObjectFacts, textsOf } from './inventory.ts';
import { nameOf, parseRelation, plainOrQuoted, RELATIONS, type RelationName, relationOf } from './relation.ts';

/** What somebody wants back of a backup, by names. */
export interface Wanted {
  /** Tables, views and sequences too; without a schema when the name is enough. */
  tables: { schema: string | null; name: string }[];
  schemas: string[];
}

/** A relation of a backup, as its inventory has it. */
export interface Relation extends RelationName {
  type: string;
  owner: string;
  /** Partitions and children in the sense of INHERITS: the names of the tables above. */
  parents: string[];
  partition: boolean;
}

/** Everything that is a relation and not an extension's, by its name. */
export function relationsOf({ objects }: Pick<Inventory, 'objects'>): Map<string, Relation> {
  const relations = new Map<string, Relation>();
  for (const object of objects) {
    const name = object.type in RELATIONS ? relationOf(object) : null;
    if (name === null) continue;
    relations.set(nameOf(name), {
      ...name,
      type: object.type,
      owner: object.owner ?? '',
      parents: parentsOf(object),
      partition: object.flags.partitionBound !== undefined,
    });
  }
  return relations;
}

function parentsOf({ flags }: ObjectFacts): string[] {
  const names = textsOf(flags.parents).map(parseRelation);
  return names.filter((name) => name !== null).map(nameOf);
}

/**
 * The names of the relations that are wanted: those that were named, those in the named schemas, and the partitions of
 * both. Throws a LifeboatError with a line for each name that the backup does not have.
 */
export function wantedRelations(inventory: Inventory, { tables, schemas }: Wanted): Set<string> {
  const relations = relationsOf(inventory);
  const wanted = new Set<string>();
  const problems: string[] = [];
  for (const table of tables) {
    const found = relationsNamed(table, relations);
    if (found.length === 1) wanted.add(found[0] as string);
    else problems.push(`tables: ${whyNot(table, found, relations, inventory)}`);
  }
  const known = new Set([...relations.values()].map(({ schema }) => schema).concat(schemaNames(inventory)));
  for (const schema of schemas) {
    if (!known.has(schema)) problems.push(`schemas: ${noSchema(schema, [...known])}`);
    for (const [name, relation] of relations) if (relation.schema === schema) wanted.add(name);
  }
  if (problems.length > 0) throw new LifeboatError(problems.join('\n'));
  // A set that is walked while it grows comes to the partitions of partitions by itself.
  const partitions = partitionsOf(relations);
  for (const name of wanted) for (const partition of partitions.get(name) ?? []) wanted.add(partition);
  return wanted;
}

function relationsNamed({ schema, name }: Wanted['tables'][number], relations: Map<string, Relation>): string[] {
  if (schema !== null) return [nameOf({ schema, name })].filter((full) => relations.has(full));
  return [...relations].filter(([, relation]) => relation.name === name).map(([full]) => full);
}

/** The partitions of each partitioned table, by its name. */
function partitionsOf(relations: Map<string, Relation>): Map<string, string[]> {
  const partitions = new Map<string, string[]>();
  for (const [name, { partition, parents }] of relations) {
    for (const parent of partition ? parents : []) {
      const known = partitions.get(parent);
      if (known) known.push(name);
      else partitions.set(parent, [name]);
    }
  }
  return partitions;
}

function schemaNames({ objects }: Inventory): string[] {
  const identities = objects.filter(({ type }) => type === 'schema').map(({ identity }) => identity);
  return identities.map((identity) => parseRelation(`${identity}.x`)?.schema ?? identity);
}

function whyNot(
  table: Wanted['tables'][number],
  found: string[],
  relations: Map<string, Relation>,
  { tables }: Inventory,
): string {
  const { schema, name } = table;
  const label = schema === null ? plainOrQuoted(name) : nameOf({ schema, name });
  if (found.length > 1) return `${label} is in several schemas. Write which one: ${found.join(', ')}.`;
  const owner = tables.find((one) => one.name === name && (schema ?? one.schema) === one.schema)?.extension;
  if (owner != null) return `${label} belongs to the extension ${owner}, which brings it along. Remove the line.`;
  const near = nearestNames(
    name,
    [...relations].map(([full, relation]) => ({ name: relation.name, label: full })),
  );
  return `the backup has no ${label}.${didYouMean(near)}`;
}

function noSchema(schema: string, known: string[]): string {
  const near = nearestNames(
    schema,
    known.map((name) => ({ name, label: plainOrQuoted(name) })),
  );
  return `the backup has no schema ${plainOrQuoted(schema)}.${didYouMean(near)}`;
}

function didYouMean(near: string[]): string {
  return near.length === 0
    ? ' Names that are not all small letters need double quotes.'
    : ` It has ${near.join(', ')}.`;
}

/** So many are shown. */
const NEAR = 5;

/** Those whose names are written alike, the most alike first. */
function nearestNames(wanted: string, known: { name: string; label: string }[]): string[] {
  const most = Math.max(1, Math.floor(wanted.length / 3));
  return known
    .map(({ name, label }) => ({ label, away: editDistance(wanted.toLowerCase(), name.toLowerCase()) }))
    .filter(({ away }) => away <= most)
    .sort((a, b) => a.away - b.away)
    .slice(0, NEAR)
    .map(({ label }) => label);
}
