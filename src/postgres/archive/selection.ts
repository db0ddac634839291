import { LifeboatError } from '../../errors.ts';
import { RELATIONS } from '../../formats/inventory/relation.ts';
import type { Relation } from '../../formats/inventory/selection.ts';
import { type ArchiveEntry, isLargeObject } from './contents.ts';
import {
  isForeignKey,
  isIndependent,
  isOwnedBy,
  isPartOfItsOnlyTable,
  isRelation,
  isRows,
  isTable,
  textOfNamedPart,
} from './kinds.ts';

/** What of an archive is restored for the relations that are wanted. */
export interface SelectedEntries {
  /** In the archive's order. */
  ids: number[];
  /** The names of the relations that come back: the wanted ones, and without rows those that they need. */
  relations: Set<string>;
  /** Wanted relations that the archive does not hold. */
  absent: string[];
  /** Functions, types and the like that need a relation which is left out, as the archive lists them. */
  leftOut: string[];
}

/**
 * Chooses the entries of an archive that bring the wanted relations back with all that belongs to them. Whatever else is
 * defined comes too, for the body of a function does not say what it needs; only what depends on a relation that is left
 * out cannot. A relation that something chosen depends on comes without rows, and a foreign key only when both its
 * tables are wanted. `relations` are the inventory's. Throws a LifeboatError when names cannot be told apart.
 */
export function selectEntries(
  listed: ArchiveEntry[],
  relations: Map<string, Relation>,
  wanted: Set<string>,
): SelectedEntries {
  const contents = new Contents(listed, relations);
  const found = [...wanted].map((name) => ({ name, id: contents.idOf(name) }));
  const wantedIds = new Set(found.flatMap(({ id }) => id ?? []));
  const kept = contents.withNeeds(wantedIds);
  const out = contents.withDependents((entry) => {
    if (isRelation(entry)) return !kept.has(entry.id);
    if (isRows(entry) || isForeignKey(entry)) return contents.relationsOf(entry).some((id) => !wantedIds.has(id));
    return isLargeObject(entry.text);
  });
  return {
    ids: listed.map(({ id }) => id).filter((id) => !out.has(id)),
    relations: contents.namesOf(kept),
    absent: found.filter(({ id }) => id === null).map(({ name }) => name),
    leftOut: listed.filter((entry) => out.has(entry.id) && isIndependent(entry)).map(({ text }) => text),
  };
}

/** An archive's entries, and which of them are which relations. */
class Contents {
  readonly #entries = new Map<number, ArchiveEntry>();
  readonly #named = new Map<number, string>();
  readonly #ids = new Map<string, number>();
  /** Names that the archive does not tell apart. */
  readonly #alike = new Set<string>();
  readonly #relations: Map<string, Relation>;

  constructor(listed: ArchiveEntry[], relations: Map<string, Relation>) {
    this.#relations = relations;
    for (const entry of withOwnersApart(listed)) this.#entries.set(entry.id, entry);
    const byText = Map.groupBy(relations.keys(), (name) => listedAs(relations.get(name) as Relation));
    for (const [text, entries] of Map.groupBy(listed.filter(isRelation), (entry) => entry.text)) {
      const names = byText.get(text) ?? [];
      const [[name], [entry]] = [names, entries];
      if (names.length > 1 || entries.length > 1) {
        for (const each of names) this.#alike.add(each);
      } else if (name !== undefined && entry !== undefined) {
        this.#named.set(entry.id, name);
        this.#ids.set(name, entry.id);
      }
    }
  }

  /** null: the archive does not hold it. */
  idOf(name: string): number | null {
    if (this.#alike.has(name)) throw ambiguousName(name);
    return this.#ids.get(name) ?? null;
  }

  namesOf(ids: Set<number>): Set<string> {
    const names = new Set<string>();
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry === undefined || !isRelation(entry)) continue;
      const name = this.#named.get(id);
      if (name === undefined) throw ambiguousName(entry.text);
      names.add(name);
    }
    return names;
  }

  /** Of the relations that the entry depends on, the ids. */
  relationsOf({ needs }: ArchiveEntry): number[] {
    return this.#having(needs, isRelation);
  }

  #having(ids: number[], is: (entry: ArchiveEntry) => boolean): number[] {
    return ids.filter((id) => {
      const entry = this.#entries.get(id);
      return entry !== undefined && is(entry);
    });
  }

  /** With what they depend on, and with what belongs to each relation among it, and what that depends on. */
  withNeeds(ids: Set<number>): Set<number> {
    const parts = this.#parts();
    const all = new Set(ids);
    // A set that is walked while it grows.
    for (const id of all) {
      for (const need of this.#entries.get(id)?.needs ?? []) all.add(need);
      for (const part of parts.get(id) ?? []) all.add(part);
    }
    return all;
  }

  /** The entries that are meant, and all that depends on them. */
  withDependents(meant: (entry: ArchiveEntry) => boolean): Set<number> {
    const dependents = new Map<number, number[]>();
    const all = new Set<number>();
    for (const entry of this.#entries.values()) {
      for (const need of entry.needs) addTo(dependents, need, entry.id);
      if (meant(entry)) all.add(entry.id);
    }
    for (const id of all) for (const dependent of dependents.get(id) ?? []) all.add(dependent);
    return all;
  }

  /** What belongs to each relation, by its id. */
  #parts(): Map<number, number[]> {
    const parts = new Map<number, number[]>();
    for (const entry of this.#entries.values()) {
      for (const owner of this.#ownersOf(entry)) addTo(parts, owner, entry.id);
    }
    return parts;
  }

  /** A policy or a rule depends on other tables too, but the text of its entry begins with its own. */
  #ownersOf(entry: ArchiveEntry): number[] {
    if (isPartOfItsOnlyTable(entry)) return this.#having(entry.needs, isTable);
    const text = textOfNamedPart(entry);
    if (text === null) return [];
    return this.relationsOf(entry).filter((id) => {
      const relation = this.#relations.get(this.#named.get(id) ?? '');
      return (
        relation !== undefined && text.startsWith(`${sanitizedName(relation.schema)} ${sanitizedName(relation.name)} `)
      );
    });
  }
}

function addTo(lists: Map<number, number[]>, key: number, value: number): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/**
 * A sequence that a column owns depends on the column's table. But only an identity's cannot be made without: the
 * others are given to the column by an entry of their own, and it is that one which needs both.
 */
function withOwnersApart(entries: ArchiveEntry[]): ArchiveEntry[] {
  const relations = new Set(entries.filter(isRelation).map(({ id }) => id));
  const owned = new Map<number, number[]>();
  for (const entry of entries.filter(isOwnedBy)) for (const sequence of entry.needs) owned.set(sequence, []);
  const apart = entries.map((entry) => {
    if (!owned.has(entry.id)) return entry;
    owned.set(
      entry.id,
      entry.needs.filter((id) => relations.has(id)),
    );
    return { ...entry, needs: entry.needs.filter((id) => !relations.has(id)) };
  });
  return apart.map((entry) => {
    if (!isOwnedBy(entry)) return entry;
    return { ...entry, needs: [...entry.needs, ...entry.needs.flatMap((sequence) => owned.get(sequence) ?? [])] };
  });
}

/** How pg_restore -l shows a relation. */
function listedAs({ type, schema, name, owner }: Relation): string {
  return `${RELATIONS[type]} ${sanitizedName(schema)} ${sanitizedName(name)} ${sanitizedName(owner)}`;
}

/** sanitize_line in dumputils.c. */
function sanitizedName(name: string): string {
  return name.replace(/[\r\n]/g, ' ');
}

function ambiguousName(name: string): LifeboatError {
  return new LifeboatError(
    `${name} cannot be distinguished from others in the archive's table of contents, which shows names without quotes and line breaks. Restore the whole backup beside the live database, and copy what you need.`,
  );
}
