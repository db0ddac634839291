import { type ArchiveEntry, isLargeObject, PG_CLASS } from './contents.ts';

/** Catalogs by their oids (pg_*.h). */
const attrdef = 2604;
const constraint = 2606;
const rewrite = 2618;
const trigger = 2620;
const policy = 3256;
const statistics = 3381;
const publicationTable = 6106;

/** A table of any kind, a view or a sequence: its definition. */
export function isRelation({ catalog, text }: ArchiveEntry): boolean {
  return catalog === PG_CLASS && !text.startsWith('INDEX ');
}

/** A relation that others can belong to. */
export function isTable(entry: ArchiveEntry): boolean {
  return isRelation(entry) && !entry.text.startsWith('SEQUENCE ');
}

/** The rows of a table. Those of a materialized view are computed from what is there. */
export function isRows({ catalog, text }: ArchiveEntry): boolean {
  return catalog === 0 && text.startsWith('TABLE DATA ');
}

export function isForeignKey({ catalog, text }: ArchiveEntry): boolean {
  return catalog === constraint && text.startsWith('FK CONSTRAINT ');
}

/** Gives a sequence to a column. */
export function isOwnedBy({ catalog, text }: ArchiveEntry): boolean {
  return catalog === 0 && text.startsWith('SEQUENCE OWNED BY ');
}

/** It depends on no table but the one that it belongs to. */
export function isPartOfItsOnlyTable(entry: ArchiveEntry): boolean {
  const { catalog } = entry;
  if (catalog === PG_CLASS) return !isTable(entry);
  return catalog === statistics || catalog === publicationTable || isOwnedBy(entry);
}

const NAMED_PARTS = [attrdef, constraint, rewrite, trigger, policy];

/** `schema table name owner` of what belongs to a table and can depend on others; null when it is nothing such. */
export function textOfNamedPart({ catalog, text }: ArchiveEntry): string | null {
  if (!NAMED_PARTS.includes(catalog)) return null;
  return /^(?:DEFAULT|CONSTRAINT|CHECK CONSTRAINT|RULE|TRIGGER|POLICY) (.*)$/s.exec(text)?.[1] ?? null;
}

/** Neither a relation, nor a part of one, nor something said of another entry. */
export function isIndependent({ catalog, text }: ArchiveEntry): boolean {
  const ofRelations = [0, PG_CLASS, statistics, publicationTable, ...NAMED_PARTS];
  return !ofRelations.includes(catalog) && !isLargeObject(text);
}
