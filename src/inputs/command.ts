import { LifeboatError } from '../errors.ts';
import { quote } from './values/text.ts';
import { alternatives } from './values/words.ts';

const COMMANDS = ['backup', 'restore-test', 'restore', 'list', 'check', 'prune', 'hold', 'release'] as const;

export type Command = (typeof COMMANDS)[number];

/** The command that is meant, for the title of an error, before anything is checked. */
export function commandMeant(text: string): Command {
  return COMMANDS.find((candidate) => candidate === text.trim()) ?? 'backup';
}

export function parseCommand(text: string): Command {
  const command = COMMANDS.find((candidate) => candidate === text);
  if (command !== undefined) return command;
  throw new LifeboatError(`${quote(text)} is not a command. Write ${alternatives(COMMANDS)}.`);
}
