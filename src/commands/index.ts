import type { Schema } from '../inputs/schema.ts';
import { backup } from './backup/index.ts';
import { check } from './check/index.ts';
import { hold } from './hold/index.ts';
import { list } from './list/index.ts';
import { prune } from './prune/index.ts';
import { release } from './release/index.ts';
import { restore } from './restore/index.ts';
import { restoreTest } from './restore-test/index.ts';
import type { Command } from './shared/command.ts';

/** Every command, in the order of `--help`. What is known of commands derives from this. */
export const COMMANDS = [backup, restoreTest, restore, list, check, prune, hold, release] as const satisfies Command[];

export type CommandName = (typeof COMMANDS)[number]['name'];

export const COMMAND_NAMES: CommandName[] = COMMANDS.map(({ name }) => name);

/** What runs when no command is named. */
export const DEFAULT_COMMAND = backup;

/** undefined: no command has this name. */
export function findCommand(name: string): (Command & { name: CommandName }) | undefined {
  return COMMANDS.find((command) => command.name === name);
}

/** The inputs of each command, by its name. */
export const commandInputs: Record<string, Schema> = Object.fromEntries(
  COMMANDS.map(({ name, inputs }) => [name, inputs]),
);
