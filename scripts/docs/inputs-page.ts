import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { commandInputs } from '../../src/commands/index.ts';
import type { Schema } from '../../src/inputs/schema.ts';
import { REPOSITORY } from '../run-node.ts';

/** What of action.yml is for people. */
export interface ActionYml {
  inputs: Record<string, { description: string; default: string }>;
  outputs: Record<string, { description: string }>;
}

export function readActionYml(): ActionYml {
  return parse(readFileSync(join(REPOSITORY, 'action.yml'), 'utf8'));
}

/** The page of all inputs and outputs, as Markdown. */
export function inputsPage({ inputs, outputs }: ActionYml): string {
  const sections = [
    '# Inputs and outputs',
    'Made from `action.yml` and the commands by `npm run docs`: what is to be changed here is changed there.',
    'Durations are `90s`, `15m`, `26h`, `30d`. `true` and `false` are the two words for yes and no. An input that the command has no use for is told in a notice, and does nothing.',
    '## By command',
    table(
      ['Command', 'Its inputs'],
      Object.entries<Schema>(commandInputs).map(([command, schema]) => [
        `\`${command}\``,
        Object.keys(inputs)
          .filter((name) => name in schema && name !== 'command')
          .map((name) => `[${name}](#${name})`)
          .join(', '),
      ]),
    ),
    '## Inputs',
    ...Object.entries(inputs).flatMap(([name, { description, default: text }]) => [
      `### ${name}`,
      `${commandsWith(name)}. ${text === '' ? 'No default' : `Default: \`${text}\``}.`,
      prose(description),
    ]),
    '## Outputs',
    table(
      ['Output', 'Meaning'],
      Object.entries(outputs).map(([name, { description }]) => [`\`${name}\``, prose(description)]),
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** The same descriptions as a module: the bundle has no action.yml beside it. */
export function descriptionsModule({ inputs }: ActionYml): string {
  const entries = Object.entries(inputs).map(([name, { description }]) => {
    const key = /^[a-z]+$/.test(name) ? name : `'${name}'`;
    const text = `'${description.trim().replace(/\s+/g, ' ').replace(/[\\']/g, '\\$&')}'`;
    return `  ${key}:\n    ${text},`;
  });
  return `// Made of action.yml by \`npm run docs\`.\n// biome-ignore format: as it is made.\nexport const DESCRIPTIONS: Record<string, string> = {\n${entries.join('\n')}\n};\n`;
}

function commandsWith(name: string): string {
  const commands = Object.entries<Schema>(commandInputs).filter(([, schema]) => name in schema);
  if (commands.length === Object.keys(commandInputs).length) return 'Every command';
  return commands.map(([command]) => `\`${command}\``).join(', ');
}

function table(heads: string[], rows: string[][]): string {
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Descriptions are plain text with code in backticks: what Markdown would act on outside of code is escaped. */
function prose(description: string): string {
  return description
    .trim()
    .split('`')
    .map((piece, index) => (index % 2 === 0 ? piece.replace(/[*<[\]|\\]/g, '\\$&') : piece.replaceAll('|', '\\|')))
    .join('`');
}
