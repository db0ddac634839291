import { COMMAND_NAMES, commandInputs, DEFAULT_COMMAND, findCommand } from '../commands/index.ts';
import type { Command } from '../commands/shared/command.ts';
import { LifeboatError } from '../errors.ts';
import { Problems } from '../inputs/problems.ts';
import type { Environment, GetInput, InputLog, Schema } from '../inputs/schema.ts';
import { maskSecrets, secretsOf } from '../inputs/secrets.ts';
import { joinWithOr } from '../inputs/values/words.ts';
import type { StoreLocation } from '../store/location.ts';
import { quote } from '../text.ts';

/** The command that an input's text names, before anything is checked: for the title of an error. */
export function namedCommand(text: string): Command {
  return findCommand(text.trim()) ?? DEFAULT_COMMAND;
}

/**
 * Reads and checks every input of the command. Secrets are masked before the first check. `get` gives an input's text
 * untrimmed, empty when it was not given. Throws one LifeboatError with a line for each problem, which names the input.
 */
export async function readSettings(
  get: GetInput,
  env: Environment,
  log: InputLog,
): Promise<{ stores: StoreLocation[] }> {
  maskSecrets(secretsOf(get, env), log);
  const command = await readCommand(get);
  noteUnusedInputs(command, get, log);
  return command.readSettings(get, env, log);
}

async function readCommand(get: GetInput): Promise<Command> {
  const problems = new Problems();
  const command = await problems.collect('command', () => parseCommand(get('command').trim()));
  problems.throwIfAny();
  return command ?? DEFAULT_COMMAND;
}

function parseCommand(text: string): Command {
  if (text === '') return DEFAULT_COMMAND;
  const command = findCommand(text);
  if (command !== undefined) return command;
  throw new LifeboatError(`${quote(text)} is not a command. Write ${joinWithOr(COMMAND_NAMES)}.`);
}

/** An input of another command has no effect here, though the workflow's author may expect one. */
function noteUnusedInputs({ name: command, inputs }: Command, get: GetInput, log: InputLog): void {
  const all: Schema = Object.assign({}, ...Object.values(commandInputs));
  for (const [name, { default: byDefault }] of Object.entries(all)) {
    const text = get(name).trim();
    if (name in inputs || text === '' || text === byDefault) continue;
    log.notice(`${name}: the command ${command} has no use for it.`);
  }
}
