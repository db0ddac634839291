import { LifeboatError } from '../../errors.ts';
import type { Inventory } from '../../formats/inventory/inventory.ts';
import { isReadTwice } from '../../formats/manifest.ts';
import { databaseNameOf } from '../../formats/names.ts';
import { type Swap, swapStatements } from '../../postgres/restore/swap.ts';
import { lackingOf, type RestoreTarget } from '../../postgres/restore/target.ts';
import { firstNames } from '../../report/escape.ts';
import { formatBytes } from '../../units.ts';
import type { RestoredPart } from '../shared/backup-selection.ts';
import { READ_TWICE } from '../shared/load.ts';
import type { OpenedBackup } from '../shared/open-backup.ts';
import { treeLines, whyNotUnpacked } from './files.ts';
import type { RestoreSettings } from './inputs.ts';

/** The names of a restore, and whether the restored database takes the live one's. */
export interface PlannedSwap extends Swap {
  swap: boolean;
}

export function planSwap(live: string, id: string, target: RestoreTarget, settings: RestoreSettings): PlannedSwap {
  const { replace, wanted } = settings;
  return {
    live,
    restored: databaseNameOf(live, `_restored_${id}`),
    before: target.exists ? databaseNameOf(live, `_before_${id}`) : null,
    // When the name is free the restored database takes it, if it is whole.
    swap: wanted === null && (replace || !target.exists),
  };
}

/** What will be done, for people; throws when the target cannot take the backup. */
export function planLines(
  swap: PlannedSwap,
  { manifest, inventory, selection }: OpenedBackup,
  target: RestoreTarget,
  settings: RestoreSettings,
): string[] {
  const lacking = lackingOf(target, inventory);
  const problems = [
    ...(lacking.older
      ? [
          `The server is PostgreSQL ${target.version}, older than the source (${inventory.server.version}). Restore into the same version or a newer one.`,
        ]
      : []),
    ...(lacking.extensions.length > 0
      ? [`The server lacks the extensions ${lacking.extensions.join(', ')}. Install them there first.`]
      : []),
    ...(lacking.roles.length > 0 && !settings.createRoles
      ? [
          `The server lacks the roles ${lacking.roles.join(', ')}. Make them, or set create-roles: true (they get no passwords).`,
        ]
      : []),
    ...[swap.restored, ...(swap.swap && swap.before !== null ? [swap.before] : [])]
      .filter((name) => target.databases.has(name))
      .map((name) => `Database ${JSON.stringify(name)} is there from an earlier restore. Drop or rename it first.`),
    ...whyNotUnpacked(inventory, settings),
  ];
  const made = settings.createRoles ? rolesToMake(target, inventory) : [];
  if (problems.length > 0) throw new LifeboatError(`Nothing was changed. ${problems.join(' ')}`);
  return [
    `Restores ${selection === null ? '' : 'a part of '}backup ${manifest.id} (made ${manifest.created}) into the new database ${JSON.stringify(swap.restored)} on PostgreSQL ${target.version}, and compares it with what was dumped.`,
    ...(isReadTwice(manifest) ? [READ_TWICE] : []),
    ...(selection === null ? [] : partLines(selection.part)),
    `The tables take ${formatBytes(sizeOf(inventory))} on the source’s disk, their indexes not counted. How much room the server has, it does not tell.`,
    ...(made.length > 0 ? [`Makes the roles ${made.join(', ')}, without passwords.`] : []),
    ...treeLines(inventory, settings),
    ...commandLines(swap, settings),
    ...swapLines(swap, target),
    ...(swap.swap && target.bound.length > 0
      ? [`Stays with the old database, and must be made again by hand: ${target.bound.join(', ')}.`]
      : []),
  ];
}

/** What `create-roles` makes: the owners and grantees that the server lacks, and their members. */
export function rolesToMake(target: RestoreTarget, inventory: Inventory): string[] {
  const { roles, members } = lackingOf(target, inventory);
  return [...roles, ...members];
}

/** In bytes, of what comes with rows. */
function sizeOf({ tables }: Inventory): number {
  return tables.filter(({ dumped }) => dumped).reduce((sum, { bytes }) => sum + bytes, 0);
}

function partLines(part: RestoredPart): string[] {
  const { relations, sequences, definitions, foreignKeysLeftOut, definitionsLeftOut, largeObjectsLeftOut } = part;
  const line = (names: string[], what: string) => (names.length === 0 ? [] : [`${what}: ${firstNames(names)}.`]);
  return [
    ...line(relations, 'What was asked for, with all that belongs to it'),
    ...line(sequences, 'Sequences that they use, with their values'),
    ...line(definitions, 'Their definitions alone, without rows, for what was asked for needs them'),
    'Types, functions, extensions and other definitions that belong to no table come along.',
    ...line(foreignKeysLeftOut, 'Leaves out foreign keys of which not both tables were asked for'),
    ...line(definitionsLeftOut, 'Leaves out what needs something that was not asked for'),
    ...(largeObjectsLeftOut === '0'
      ? []
      : [`Leaves out large objects (${largeObjectsLeftOut}): nothing says to which table one belongs.`]),
  ];
}

/** The programs by name: their arguments can hold secrets. */
function commandLines({ swap }: PlannedSwap, { commands }: RestoreSettings): string[] {
  const { before, after } = commands;
  if (before.length + after.length === 0) return [];
  if (!swap) return ['Does not run the commands of before and after: nothing takes the live database’s place.'];
  const named = (lines: string[][]) => lines.map(([program]) => program).join(', ') || 'nothing';
  return [`Runs around the swap: before it ${named(before)}; after it, whatever becomes of it, ${named(after)}.`];
}

function swapLines(swap: PlannedSwap, { exists }: RestoreTarget): string[] {
  if (!swap.swap && !exists)
    return [`Does not make database ${JSON.stringify(swap.live)}: a part must not pass for it.`];
  if (!swap.swap) return [`Leaves database ${JSON.stringify(swap.live)} as it is.`];
  if (swap.before === null)
    return [`Database ${JSON.stringify(swap.live)} is not there: the restored one takes its name.`];
  return [`When it is proven: ends connections, and in one transaction ${swapStatements(swap).join('; ')}.`];
}
