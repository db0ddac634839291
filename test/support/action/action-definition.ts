import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** The repository's own folder, which holds action.yml. */
export const REPOSITORY = join(import.meta.dirname, '..', '..', '..');

/** The parts of an action.yml by which a runner starts it. */
export interface ActionDefinition {
  /** The folder of action.yml. */
  folder: string;
  inputs: Record<string, { default?: string | number | boolean }>;
  main: string;
  post: string | null;
}

/** Reads action.yml of the folder. */
export function readAction(folder: string): ActionDefinition {
  const action = parse(readFileSync(join(folder, 'action.yml'), 'utf8'));
  return { folder, inputs: action.inputs ?? {}, main: action.runs.main, post: action.runs.post ?? null };
}

/** INPUT_* for every input of the action, as the runner sets them: given, or by default, or empty. */
export function inputEnvironment(action: ActionDefinition, given: Record<string, string>): Record<string, string> {
  const unknown = Object.keys(given).filter((name) => !(name in action.inputs));
  if (unknown.length > 0) throw new Error(`action.yml has no input ${unknown.join(', ')}`);
  return Object.fromEntries(
    Object.entries(action.inputs).map(([name, input]) => [
      `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`,
      given[name] ?? String(input.default ?? ''),
    ]),
  );
}
