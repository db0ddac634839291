import { readFileSync } from 'node:fs';
import { COMMAND_NAMES, findCommand } from '../commands/index.ts';
import type { Command } from '../commands/shared/command.ts';
import { LifeboatError, messageOf } from '../errors.ts';
import type { InputName } from '../inputs/declarations.ts';
import type { Environment, GetInput } from '../inputs/schema.ts';
import { holdsSecret } from '../inputs/secrets.ts';
import { joinWithOr } from '../inputs/values/words.ts';
import { editDistance } from '../text.ts';

/** What the command line asks for. */
export interface CommandLine {
  command: Command;
  help: boolean;
  /** The JSON report goes to standard output, and words for people to standard error. */
  json: boolean;
  /** An input's text: of a flag, of a file that one names, of the environment, else empty. */
  get: GetInput;
}

/** Ends a flag that names a file in which the text is. */
const FILE = '-file';
/** What makes sense in a workflow alone. */
const NO_FLAGS = ['command', 'cache'];

/** The names of a command's inputs that can be given on the command line. */
export function inputsOf(command: Command): InputName[] {
  const names = Object.keys(command.inputs) as InputName[];
  return names.filter((name) => !NO_FLAGS.includes(name));
}

/** The variable that gives an input, where no flag does. */
export function variableOf(name: string): string {
  return `LIFEBOAT_${name.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * Reads `COMMAND --input value …`. A flag that stands several times has a line for each. Throws a LifeboatError that names
 * the flag, and never shows its value: it may be a secret that somebody has written in the wrong place.
 */
export function readCommandLine(words: string[], env: Environment): CommandLine {
  const [first = '', ...rest] = words;
  const command = findCommand(first);
  if (command === undefined) {
    throw new LifeboatError(
      `${JSON.stringify(first)} is not a command. Write ${joinWithOr(COMMAND_NAMES)}; lifeboat --help says what each is for.`,
    );
  }
  const flags = new Map<string, string[]>();
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] ?? '';
    const { name, text } = flagOf(word, command);
    // A flag for yes or no needs no word after it.
    const taken = text ?? (isYesOrNo(name, command) ? 'true' : rest[++index]);
    if (taken === undefined) throw new LifeboatError(`--${name}: what comes after it is missing.`);
    flags.set(name, [...(flags.get(name) ?? []), taken]);
  }
  const has = (name: string) => flags.get(name)?.at(-1) === 'true';
  const texts = new Map<string, string>(inputsOf(command).map((name) => [name, textOf(name, flags, env)]));
  texts.set('command', command.name);
  return { command, help: has('help'), json: has('json'), get: (name) => texts.get(name) ?? '' };
}

function flagOf(word: string, command: Command): { name: string; text: string | null } {
  const [, name = '', , text = null] = /^--([a-z][a-z0-9-]*)(=(.*))?$/s.exec(word) ?? [];
  if (name === '') {
    // What is no flag may be a secret.
    throw new LifeboatError(
      'a word that belongs to no flag. Write --INPUT=TEXT or --INPUT TEXT; quote what has blanks.',
    );
  }
  const known = [...inputsOf(command).flatMap((input) => [input, `${input}${FILE}`]), 'help', 'json'];
  if (!known.includes(name)) {
    const near = known.toSorted((a, b) => editDistance(a, name) - editDistance(b, name))[0] ?? 'help';
    throw new LifeboatError(
      `Unknown flag --${name} for ${command.name}. Did you mean --${near}? "lifeboat ${command.name} --help" lists all flags.`,
    );
  }
  return { name, text };
}

function isYesOrNo(name: string, command: Command): boolean {
  return name === 'help' || name === 'json' || ['true', 'false'].includes(command.inputs[name]?.default ?? '');
}

function textOf(name: InputName, flags: Map<string, string[]>, env: Environment): string {
  const [texts, files] = [flags.get(name), flags.get(`${name}${FILE}`)];
  if (texts !== undefined && files !== undefined)
    throw new LifeboatError(`--${name} and --${name}${FILE} are both given. Remove one of the two.`);
  const text = texts?.join('\n') ?? '';
  if (holdsSecret(name, text)) {
    throw new LifeboatError(
      `--${name}: a secret on a command line can be read by everybody on this machine (not shown). Give it in the variable ${variableOf(name)}, or by --${name}${FILE} PATH, or - for standard input. Change it, for it was seen.`,
    );
  }
  if (texts !== undefined) return text;
  return files === undefined ? (env[variableOf(name)] ?? '') : files.map((file) => readFile(name, file)).join('\n');
}

function readFile(name: string, file: string): string {
  try {
    // The line end that editors leave is not meant.
    return readFileSync(file === '-' ? 0 : file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new LifeboatError(`--${name}${FILE}: ${messageOf(error)}. Name a file that can be read.`);
  }
}
