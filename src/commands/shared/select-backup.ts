import { LifeboatError } from '../../errors.ts';
import { type Relation, relationsOf, type Wanted, wantedRelations } from '../../formats/inventory/selection.ts';
import { entriesOf, readEntries } from '../../postgres/archive/contents.ts';
import { selectEntries } from '../../postgres/archive/selection.ts';
import type { Server } from '../../postgres/session/connection.ts';
import { inventoryOf, lostForeignKeys } from '../../proof/selection.ts';
import { firstNames } from '../../report/escape.ts';
import type { RestoredPart } from './backup-selection.ts';
import type { OpenedBackup } from './open-backup.ts';

/**
 * The backup as if it held nothing but what is wanted, and what that needs. Its part `schema` is read for that: the table
 * of contents says what depends on what. The server's tools are used, nothing is made on it. Throws a LifeboatError for
 * what the backup does not have.
 */
export async function selectFromBackup(backup: OpenedBackup, wanted: Wanted, server: Server): Promise<OpenedBackup> {
  const { inventory, manifest, parts } = backup;
  const relations = relationsOf(inventory);
  const names = wantedRelations(inventory, wanted);
  const { encoding } = inventory.database;
  const selected = selectEntries(await readEntries(server, parts.plain('schema'), encoding), relations, names);
  for (const name of selected.absent) {
    if (manifest.partial === null || !mayLack(relations.get(name), wanted, names))
      throw absentError(name, manifest.partial);
    names.delete(name);
  }
  const restored = { wanted: names, relations: selected.relations };
  const needed = [...selected.relations].filter((name) => !names.has(name)).sort();
  const isSequence = (name: string) => relations.get(name)?.type === 'sequence';
  const part: RestoredPart = {
    relations: [...names].sort(),
    sequences: needed.filter(isSequence),
    definitions: needed.filter((name) => !isSequence(name)),
    foreignKeysLeftOut: lostForeignKeys(inventory, restored),
    definitionsLeftOut: selected.leftOut,
    largeObjectsLeftOut: inventory.largeObjects.count,
  };
  const others = relations.size - selected.relations.size;
  return {
    ...backup,
    inventory: inventoryOf(inventory, restored),
    selection: {
      part,
      notVerified: notVerified(part, others),
      pick: (listing) => selectEntries(entriesOf(listing, encoding), relations, names).ids,
    },
  };
}

/** A backup that leaves something out on purpose may lack tables of a schema, and partitions of a table. */
function mayLack(relation: Relation | undefined, { schemas }: Wanted, names: Set<string>): boolean {
  if (relation === undefined) return false;
  return schemas.includes(relation.schema) || relation.parents.some((parent) => names.has(parent));
}

function absentError(name: string, partial: string[] | null): LifeboatError {
  const why = partial === null ? 'though it was there when it was made' : `for it was made with ${partial.join(' ')}`;
  return new LifeboatError(`tables: the backup does not hold ${name}, ${why}. Choose another backup.`);
}

function notVerified(part: RestoredPart, others: number): string[] {
  const { definitions, foreignKeysLeftOut, largeObjectsLeftOut } = part;
  return [
    `What was not asked for: ${others} tables, views and sequences of the backup.`,
    ...(definitions.length === 0 ? [] : [`Rows of ${firstNames(definitions)}: the definitions alone were restored.`]),
    ...foreignKeysLeftOut.map(
      (key) => `Foreign key ${key}: it was left out, for not both of its tables were asked for.`,
    ),
    ...(largeObjectsLeftOut === '0' ? [] : [`Large objects (${largeObjectsLeftOut}): they were left out.`]),
  ];
}
