import { LifeboatError } from '../../errors.ts';
import { globExpression } from '../../text.ts';

/** Which databases of a server are wanted. */
export interface WantedDatabases {
  include: DatabasePattern[];
  exclude: DatabasePattern[];
}

/** A name as it is, or with `*` for any characters and `?` for one. */
export interface DatabasePattern {
  text: string;
  glob: boolean;
}

/** A database as the server lists it. */
export interface ServerDatabase {
  name: string;
  /** Why it cannot be backed up, as it goes on after its name; null: it can. */
  refuses: string | null;
}

/** So many of the server's databases are told when something fits none of them. */
const MOST_NAMED = 20;

/**
 * The names of those that are wanted, in the server's order. Whatever fits nothing is an error, before anything is dumped:
 * it is misspelt, or a database is gone that somebody counts on. What is left out may be gone.
 */
export function selectDatabases({ include, exclude }: WantedDatabases, server: ServerDatabase[]): string[] {
  const there = server.filter(({ refuses }) => refuses === null).map(({ name }) => name);
  const problems = include
    .filter((pattern) => !there.some((name) => matchesPattern(name, pattern)))
    .map((pattern) => problemOf(pattern, server));
  const selected = there.filter((name) => fitsAny(name, include) && !fitsAny(name, exclude));
  if (problems.length === 0 && selected.length === 0)
    problems.push('what begins with ! leaves nothing of what is named.');
  if (problems.length > 0)
    throw new LifeboatError(`databases: ${problems.join(' ')} ${listNames(there)} Nothing was backed up.`);
  return selected;
}

/** Whether it was named itself, not only by a glob. */
export function isNamed(name: string, { include }: WantedDatabases): boolean {
  return include.some(({ text, glob }) => !glob && text === name);
}

function fitsAny(name: string, patterns: DatabasePattern[]): boolean {
  return patterns.some((pattern) => matchesPattern(name, pattern));
}

function matchesPattern(name: string, { text, glob }: DatabasePattern): boolean {
  return glob ? globExpression(text).test(name) : name === text;
}

function problemOf({ text, glob }: DatabasePattern, server: ServerDatabase[]): string {
  if (glob) return `no database fits ${JSON.stringify(text)}.`;
  const { refuses = null } = server.find(({ name }) => name === text) ?? {};
  return `${JSON.stringify(text)} ${refuses ?? 'is no database of this server'}.`;
}

function listNames(names: string[]): string {
  if (names.length === 0) return 'The server has none that can be backed up.';
  const rest = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  const listed = names.slice(0, MOST_NAMED).map((name) => JSON.stringify(name));
  return `The server has ${listed.join(', ')}${rest}.`;
}
