import { COMMANDS } from '../commands/index.ts';
import type { Command } from '../commands/shared/command.ts';
import { INPUTS } from '../inputs/declarations.ts';
import { inputsOf, variableOf } from './arguments.ts';

const WIDTH = 100;

const EXIT_CODES = `Exit codes: 0 good; 1 failed, or a check is not passed; 2 usage error, nothing was started; 3 could not verify;
130 cancelled.`;

/** `lifeboat --help`. */
export function overallHelp(version: string): string {
  const commands = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(14)}${summary}`);
  return `Lifeboat ${version}: PostgreSQL backups that are proven by restoring them.

  lifeboat COMMAND [--input text …]      lifeboat COMMAND --help

${commands.join('\n')}

Every input of the Action is a flag, a variable (${variableOf('store')}), or a file (--store-file PATH, - is
standard input). Secrets are never flags: give them in a variable or a file. A flag may stand several
times, a line for each. PG* and AWS_* variables are read as everywhere.

  --json    the JSON report on standard output, words for people on standard error

${EXIT_CODES}
`;
}

/** `lifeboat COMMAND --help`. */
export function commandHelp(command: Command): string {
  const inputs = inputsOf(command).map((name) => {
    const { default: byDefault, help } = INPUTS[name];
    const head = `  --${name}${byDefault === '' ? '' : `   (default: ${byDefault})`}`;
    return [head, ...wrapText(help, WIDTH - 6).map((line) => `      ${line}`)].join('\n');
  });
  return `lifeboat ${command.name}: ${command.summary}.\n\n${inputs.join('\n')}\n\n${EXIT_CODES}\n`;
}

function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
