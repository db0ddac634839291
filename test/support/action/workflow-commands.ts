/**
 * What GitHub's runner makes of a step's output: each line may be a command to it, whoever wrote it.
 * Follows actions/runner, src/Runner.Common/ActionCommand.cs and src/Runner.Worker/ActionCommandManager.cs.
 */
export interface WorkflowCommand {
  name: string;
  properties: Record<string, string>;
  message: string;
}

/** The commands that the runner knows; other lines, however they look, are text. */
const KNOWN = new Set([
  'add-mask',
  'add-matcher',
  'add-path',
  'debug',
  'echo',
  'endgroup',
  'error',
  'group',
  'notice',
  'remove-matcher',
  'save-state',
  'set-env',
  'set-output',
  'stop-commands',
  'warning',
]);

/** Reads the lines of a step's standard output and standard error as they come. */
export class CommandReader {
  readonly commands: WorkflowCommand[] = [];
  #resumeToken: string | null = null;

  /** Takes a line; tells whether it was a command, which the runner does not show as text. */
  read(line: string): boolean {
    const command = parse(line, (name) => KNOWN.has(name.toLowerCase()) || name === this.#resumeToken);
    if (command === null) return false;
    if (this.#resumeToken !== null) {
      const resumes = command.name === this.#resumeToken;
      if (resumes) this.#resumeToken = null;
      return resumes;
    }
    if (command.name === 'stop-commands') this.#resumeToken = command.message;
    this.commands.push(command);
    return true;
  }
}

function parse(line: string, isKnown: (name: string) => boolean): WorkflowCommand | null {
  return parseCurrentForm(line.trimStart(), isKnown) ?? parseOldForm(line, isKnown);
}

/** `::name key=value,key=value::message`, at the beginning of a line. */
function parseCurrentForm(line: string, isKnown: (name: string) => boolean): WorkflowCommand | null {
  const match = /^::(?<head>.*?)::(?<message>.*)$/s.exec(line);
  if (match?.groups === undefined) return null;
  const { head = '', message = '' } = match.groups;
  const { name, properties } = parseHead(head, ',', (value) => unescaped(value, { '%3A': ':', '%2C': ',' }));
  return isKnown(name) ? { name, properties, message: unescaped(message, {}) } : null;
}

/** `##[name key=value;key=value]message`, anywhere in a line. */
function parseOldForm(line: string, isKnown: (name: string) => boolean): WorkflowCommand | null {
  const match = /##\[(?<head>[^\]]*)\](?<message>.*)$/s.exec(line);
  if (match?.groups === undefined) return null;
  const unescapedOld = (value: string) => unescaped(value, { '%3B': ';', '%5D': ']' });
  const { head = '', message = '' } = match.groups;
  const { name, properties } = parseHead(head, ';', unescapedOld);
  return isKnown(name) ? { name, properties, message: unescapedOld(message) } : null;
}

function parseHead(head: string, separator: string, unescapedValue: (value: string) => string) {
  const [name = '', ...rest] = head.split(' ');
  const pairs = rest
    .join(' ')
    .split(separator)
    .map((pair) => /^\s*([^=]+)=(.+)$/s.exec(pair))
    .filter((match) => match !== null);
  return { name, properties: Object.fromEntries(pairs.map(([, key, value = '']) => [key, unescapedValue(value)])) };
}

function unescaped(text: string, more: Record<string, string>): string {
  const escapes: Record<string, string> = { '%0D': '\r', '%0A': '\n', ...more, '%25': '%' };
  return Object.entries(escapes).reduce((result, [escaped, plain]) => result.replaceAll(escaped, plain), text);
}
