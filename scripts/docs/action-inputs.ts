import { INPUTS, type InputDeclaration } from '../../src/inputs/declarations.ts';

/** The widest line of action.yml. */
const WIDTH = 120;
const INDENT = '      ';

/** action.yml with the inputs as they are declared. The rest of the text stays as it is. */
export function withDeclaredInputs(actionYml: string): string {
  const begin = actionYml.indexOf('\ninputs:\n');
  const end = actionYml.indexOf('\n\noutputs:\n');
  if (begin < 0 || end < begin) throw new Error('action.yml must have inputs: and, after a blank line, outputs:.');
  const inputs = Object.entries<InputDeclaration>(INPUTS).map(([name, input]) => inputYaml(name, input));
  return `${actionYml.slice(0, begin)}\ninputs:\n${inputs.join('\n')}${actionYml.slice(end)}`;
}

function inputYaml(name: string, { help, default: text }: InputDeclaration): string {
  const description = folded(help, WIDTH - INDENT.length).map((line) => `${INDENT}${line}`);
  return [`  ${name}:`, '    description: >-', ...description, `    default: ${JSON.stringify(text)}`].join('\n');
}

/** Lines of at most so many characters, which YAML joins by blanks. A longer word has a line of its own. */
function folded(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
