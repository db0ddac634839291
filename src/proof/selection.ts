import { type Inventory, type ObjectFacts, type TableFacts, textsOf } from '../formats/inventory/inventory.ts';
import { nameOf, parseRelation, relationOf } from '../formats/inventory/relation.ts';
import { relationsOf } from '../formats/inventory/selection.ts';

/** What of a backup was restored. */
export interface Restored {
  /** The names of the relations that were wanted. */
  wanted: Set<string>;
  /** With those that these need, of which the definition came alone. */
  relations: Set<string>;
}

/**
 * What the inventory says of a part of the backup: the expectation of a restore of it. The rows of extensions are part
 * of what comes along; large objects belong to no table, and do not.
 */
export function inventoryOf(inventory: Inventory, restored: Restored): Inventory {
  const { wanted, relations } = restored;
  const withRowsIfWanted = (table: TableFacts): TableFacts =>
    table.extension !== null || wanted.has(nameOf(table)) ? table : { ...table, dumped: false, fingerprint: null };
  const { tables, sequences, materializedViews, largeObjects, objects } = inventory;
  const known = relationsOf(inventory); // Sequences of extensions that are dumped stand in the list of values alone.
  const those = objects
    .filter((object) => comesBack(object, restored))
    .map((object) => withoutLostOwner(object, restored));
  return {
    ...inventory,
    extensionTables: [], // The restore was not asked for them.
    tables: tables.filter((table) => table.extension !== null || relations.has(nameOf(table))).map(withRowsIfWanted),
    sequences: sequences.filter((sequence) => relations.has(nameOf(sequence)) || !known.has(nameOf(sequence))),
    materializedViews: materializedViews.filter((view) => relations.has(nameOf(view))),
    largeObjects: { ...largeObjects, count: '0', dumped: false },
    objects: those.map((object) => (isWholeAgain(object, those) ? withoutFlag(object, 'notValid') : object)),
  };
}

/** The foreign keys of what comes back that are left out because they need rows that were not asked for; in words. */
export function lostForeignKeys({ objects }: Inventory, restored: Restored): string[] {
  const lost = objects.filter((object) => {
    const table = nameOfTable(object);
    return table !== null && restored.relations.has(table) && !comesBack(object, restored);
  });
  return lost.map((object) => `${object.identity} (references ${referencedBy(object)})`);
}

function comesBack(object: ObjectFacts, { wanted, relations }: Restored): boolean {
  const table = nameOfTable(object);
  if (table === null) return true;
  const references = referencedBy(object);
  if (references === null) return relations.has(table);
  return wanted.has(table) && wanted.has(references);
}

function nameOfTable(object: ObjectFacts): string | null {
  const relation = relationOf(object);
  return relation === null ? null : nameOf(relation);
}

/** The table that a foreign key goes to; null when it is something else. */
function referencedBy({ type, flags }: ObjectFacts): string | null {
  if (type !== 'table constraint' || flags.type !== 'foreign key') return null;
  const relation = parseRelation(String(flags.references));
  return relation === null ? null : nameOf(relation);
}

/** A sequence that another table's default uses has no owner when its own table is left out. */
function withoutLostOwner(object: ObjectFacts, { relations }: Restored): ObjectFacts {
  const { sequenceOf } = object.flags;
  const owner = typeof sequenceOf === 'string' ? parseRelation(sequenceOf) : null;
  return owner === null || relations.has(nameOf(owner)) ? object : withoutFlag(object, 'sequenceOf');
}

/** The index of a partitioned table is not valid while a partition lacks it; that one may have been left out. */
function isWholeAgain({ type, identity, flags }: ObjectFacts, those: ObjectFacts[]): boolean {
  if (type !== 'index' || flags.notValid !== true) return false;
  const tables = those.filter((object) => object.flags.partitionBound !== undefined && isBelow(object, flags.table));
  const have = those.filter((object) => object.type === 'index' && object.flags.parent === identity);
  return tables.every((table) => have.some((index) => index.flags.table === table.identity && !index.flags.notValid));
}

function isBelow({ flags }: ObjectFacts, table: unknown): boolean {
  return textsOf(flags.parents).includes(String(table));
}

function withoutFlag(object: ObjectFacts, flag: string): ObjectFacts {
  const { [flag]: _, ...flags } = object.flags;
  return { ...object, flags };
}
