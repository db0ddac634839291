import { spawnSync } from 'node:child_process';
import { parseDocument } from 'yaml';
import { commandInputs } from '../../src/commands/index.ts';
import type { Schema } from '../../src/inputs/schema.ts';
import { lintWorkflow } from '../lint-workflow.ts';
import type { Page, Problem, Snippet } from './page.ts';

/** What people copy must at least be read by what they copy it for: YAML and this action's inputs, shell, JSON. */
export async function wrongSnippets({ snippets }: Page): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const snippet of snippets) {
    for (const { line, message } of await problemsOf(snippet)) {
      problems.push({ line: snippet.line + line - 1, message });
    }
  }
  return problems;
}

/** Lines count from the snippet's first. */
async function problemsOf({ language, text }: Snippet): Promise<Problem[]> {
  // Behind the language stands which test runs it.
  switch (language.split(' ')[0]) {
    case 'sh':
    case 'bash':
      return shellProblems(text);
    case 'json':
      return jsonProblems(text);
    case 'yaml':
    case 'yml':
      return await yamlProblems(text);
    default:
      return [];
  }
}

function shellProblems(text: string): Problem[] {
  const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
  if (status === 0) return [];
  const [first = ''] = stderr.split('\n');
  return [{ line: Number(/line (\d+)/.exec(first)?.[1] ?? 1), message: first }];
}

function jsonProblems(text: string): Problem[] {
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    return [{ line: 1, message: `no JSON: ${(error as Error).message}` }];
  }
}

async function yamlProblems(text: string): Promise<Problem[]> {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) return [{ line: error.linePos?.[0].line ?? 1, message: `no YAML: ${error.message.split('\n')[0]}` }];
  const value: unknown = document.toJS();
  const problems = wrongSteps(value).map((message) => ({ line: 1, message }));
  if (!isWorkflow(value)) return problems;
  const findings = await lintWorkflow(text, 'workflow.yml');
  return [...problems, ...findings.map(({ line, message, kind }) => ({ line, message: `${message} [${kind}]` }))];
}

function isWorkflow(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'on' in value && 'jobs' in value;
}

/** Inputs that this action, or the command of the step, does not have, in every step that uses it. */
export function wrongSteps(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { uses, with: inputs } = value as { uses?: unknown; with?: Record<string, unknown> };
  const own = typeof uses === 'string' && uses.startsWith('OWNER/lifeboat') ? wrongInputs(inputs ?? {}) : [];
  return [...own, ...Object.values(value).flatMap(wrongSteps)];
}

function wrongInputs(inputs: Record<string, unknown>): string[] {
  const schemas: Record<string, Schema> = commandInputs;
  const command = String(inputs.command ?? 'backup');
  const schema = schemas[command];
  if (schema === undefined) return [`${JSON.stringify(command)} is no command`];
  return Object.keys(inputs)
    .filter((name) => !(name in schema))
    .map((name) =>
      Object.values(schemas).some((other) => name in other)
        ? `the command ${command} has no input ${name}`
        : `action.yml has no input ${name}`,
    );
}
