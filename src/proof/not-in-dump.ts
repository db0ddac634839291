import type { ObjectFacts } from '../formats/inventory/inventory.ts';

/** A property of an object, before and after. */
export interface Property {
  /** `comment`, or the name of a flag. */
  name: string;
  before: unknown;
  after: unknown;
}

/**
 * Why a restore has another value although the backup is whole: pg_dump does not write this property. null: it writes it,
 * and a difference is a finding. `identityColumns`: the identities of the source's identity columns.
 */
export function whyNotInDump(
  object: Pick<ObjectFacts, 'type' | 'flags'>,
  { name, before, after }: Property,
  identityColumns: ReadonlySet<string>,
): string | null {
  if (object.type === 'extension' && name === 'comment' && before === null)
    return "pg_dump does not write that an extension's comment was removed";
  // An index of a partitioned table is marked valid when its last partition's index is attached (validatePartitionedIndex).
  if (object.type === 'index' && name === 'notValid' && before === true && after === null)
    return 'it was marked invalid in the source, and is valid after the restore';
  // CREATE TABLE (LIKE ... INCLUDING IDENTITY) makes it bigint whatever the column is; dumpSequence writes no type for it.
  if (name === 'sequenceType' && identityColumns.has(String(object.flags.sequenceOf)))
    return "pg_dump does not write the type of an identity column's sequence";
  return null;
}
