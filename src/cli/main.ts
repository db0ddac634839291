import { createInterface } from 'node:readline/promises';
import { type Outcome, runCommand } from '../app/run-command.ts';
import { LifeboatError } from '../errors.ts';
import type { GetInput } from '../inputs/schema.ts';
import { VERSION } from '../version.ts';
import { type CommandLine, readCommandLine } from './arguments.ts';
import { commandHelp, overallHelp } from './help.ts';
import { Terminal } from './terminal.ts';

/** 130 is what a shell says of a program that SIGINT has ended. */
const EXIT_CODES: Record<Outcome, number> = { good: 0, failed: 1, usage: 2, 'could-not-verify': 3, cancelled: 130 };

/** The command line, for the day GitHub is down: `lifeboat COMMAND --input text`. Resolves with the exit code. */
export async function runCli(words: string[]): Promise<number> {
  if (words.length === 0 || words[0] === '--help' || words[0] === 'help') {
    process.stdout.write(overallHelp(VERSION));
    return words.length === 0 ? EXIT_CODES.usage : EXIT_CODES.good;
  }
  if (words[0] === '--version') {
    process.stdout.write(`${VERSION}\n`);
    return EXIT_CODES.good;
  }
  let line: CommandLine;
  try {
    line = readCommandLine(words, process.env);
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error;
    process.stderr.write(`lifeboat: ${error.message}\n`);
    return EXIT_CODES.usage;
  }
  if (line.help) {
    process.stdout.write(commandHelp(line.command));
    return EXIT_CODES.good;
  }
  return runCommandLine(line);
}

async function runCommandLine({ command, json, get }: CommandLine): Promise<number> {
  const reporter = new Terminal({ json, debug: process.env.LIFEBOAT_DEBUG === '1' });
  const confirmed = command.name === 'restore' ? await askToConfirm(get) : get;
  // What a run begins that must not outlive it, ends with it; there is no step after it that could.
  const track = () => () => {};
  const mask = (secret: string) => reporter.mask(secret);
  const outcome = await runCommand({ get: confirmed, env: process.env, reporter, mask, track });
  reporter.finish();
  return EXIT_CODES[outcome];
}

/** Asks a person at a terminal for what `confirm` wants; a script gives it as a flag. */
async function askToConfirm(get: GetInput): Promise<GetInput> {
  const isAsked = get('confirm') === '' && !['true', 'True', 'TRUE'].includes(get('dry-run').trim());
  if (!isAsked || !process.stdin.isTTY || !process.stderr.isTTY) return get;
  const what =
    get('replace').trim().toLowerCase() === 'true' ? 'and puts it in the place of the live one' : 'beside the live one';
  process.stderr.write(
    `This restores backup ${get('backup') || 'latest'} into a new database, ${what}. With --dry-run it would print the plan only.\n`,
  );
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = await terminal.question('Type the name of the database that is to be restored: ');
    return (name) => (name === 'confirm' ? typed.trim() : get(name));
  } finally {
    terminal.close();
  }
}
