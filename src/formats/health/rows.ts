import { countOf, formatCount } from '../../units.ts';
import type { InventoryFacts, SetFacts } from './facts.ts';
import { failed, notEvaluated, notRequested, passed, type Rule, warning } from './rule.ts';

const LOOK =
  'Look whether these rows were meant to go. Keep the older backups until you know; restore-test and restore take one by its id.';

/**
 * No table has lost more than `max-shrink` of its rows since the backup before. Without `max-shrink` tables that have
 * lost all are a warning.
 */
export const rows: Rule<SetFacts> = {
  name: 'rows',
  judge({ rows: facts }, { maxShrink }) {
    switch (facts.kind) {
      case 'not-asked':
        return notRequested('private-key or passphrase, which opens inventories');
      case 'unknown':
        return notEvaluated([facts.why], facts.next);
      case 'damaged':
        return failed([facts.why], 'Make a new backup; restore from another one, or from another store.');
      case 'read':
        break;
    }
    const { newest, before } = facts;
    const { lost, others } = compareRows(before, newest, maxShrink);
    const found = `${newest.id} has ${totalRows(newest)}; ${before.id}, the one before, has ${totalRows(before)}.`;
    if (lost.length === 0) return passed(found, ...others);
    return maxShrink === null ? warning([...lost, found, ...others], LOOK) : failed([...lost, found, ...others], LOOK);
  },
};

type Table = InventoryFacts['tables'][number];

/**
 * `lost`: tables that have lost more than so many percent of their rows (null: all of them). One that is gone has lost
 * all, unless it was a partition: those are made to be dropped. `others`: how many tables came and went.
 */
export function compareRows(
  before: InventoryFacts,
  newest: InventoryFacts,
  percent: number | null,
): { lost: string[]; others: string[] } {
  const now = new Map(newest.tables.map((table) => [keyOf(table), table]));
  const then = new Set(before.tables.map(keyOf));
  const gone = before.tables.filter((table) => !now.has(keyOf(table)));
  const fresh = newest.tables.filter((table) => !then.has(keyOf(table)));
  const lost = before.tables.flatMap((table) => {
    const found = now.get(keyOf(table));
    if (found === undefined && table.partition) return [];
    const left = found === undefined ? '0' : found.rows;
    // What nobody could count says nothing.
    if (table.rows === null || left === null || !isLost(Number(table.rows), Number(left), percent)) return [];
    const what = found === undefined ? 'is gone' : `has ${formatCount(left)}`;
    return [`${table.schema}.${table.name} had ${formatCount(table.rows)} rows and ${what}.`];
  });
  return { lost, others: [...describeTables(gone, 'gone'), ...describeTables(fresh, 'new')] };
}

function keyOf({ schema, name }: Table): string {
  return JSON.stringify([schema, name]);
}

function isLost(before: number, left: number, percent: number | null): boolean {
  return percent === null ? before > 0 && left === 0 : left * 100 < before * (100 - percent);
}

function describeTables(tables: Table[], what: string): string[] {
  if (tables.length === 0) return [];
  return [`${tables.length === 1 ? '1 table is' : `${formatCount(tables.length)} tables are`} ${what}.`];
}

function totalRows({ tables }: InventoryFacts): string {
  const rows = tables.reduce((sum, table) => sum + BigInt(table.rows ?? 0), 0n);
  return `${countOf(rows, 'row')} in ${countOf(tables.length, 'table')}`;
}
