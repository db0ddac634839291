import { readFileSync } from 'node:fs';

/**
 * Reads a file by which a step hands the runner named values (GITHUB_OUTPUT, GITHUB_STATE, GITHUB_ENV):
 * `name=value`, or `name<<delimiter`, lines, `delimiter`. Throws where the runner would fail the step.
 */
export function readNamedValues(file: string): Record<string, string> {
  const lines = readFileSync(file, 'utf8').split('\n');
  const values: Record<string, string> = {};
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string;
    if (line === '') continue;
    const { name, operator, rest } = /^(?<name>.*?)(?<operator>=|<<)(?<rest>.*)$/.exec(line)?.groups ?? {};
    if (!name || !operator) throw new Error(`${file}: invalid format ${JSON.stringify(line)}`);
    if (operator === '=') {
      values[name] = rest ?? '';
      continue;
    }
    const end = lines.indexOf(rest as string, index + 1);
    if (!rest || end === -1) throw new Error(`${file}: no line ends the value of ${name}`);
    values[name] = lines.slice(index + 1, end).join('\n');
    index = end;
  }
  return values;
}
