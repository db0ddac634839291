import { existsSync, readFileSync } from 'node:fs';
import { LifeboatError, messageOf } from '../../errors.ts';
import type { Assertion, Expectation } from '../../formats/restore-test/assertion.ts';
import { quote } from '../../text.ts';

const SHAPE =
  'Write a list of entries such as {name: at least 10 customers, sql: select count(*) from customers, expect: {at-least: 10}}.';
const EXPECTATIONS = 'Write true, not-empty, {equals: VALUE}, {at-least: NUMBER} or {at-most: NUMBER}.';

/**
 * What people know about their data: YAML as it stands in the workflow, or the path of a file that holds it. Throws one
 * problem a line.
 */
export async function parseAssertions(text: string): Promise<Assertion[]> {
  const entries = await parseYaml(text, SHAPE);
  if (!Array.isArray(entries)) throw new LifeboatError(`it is no list. ${SHAPE}`);
  const problems: string[] = [];
  const assertions = entries.flatMap((entry, index) => {
    try {
      return [parseAssertion(entry, index)];
    } catch (error) {
      problems.push(messageOf(error));
      return [];
    }
  });
  if (problems.length > 0) throw new LifeboatError(problems.join('\n'));
  return assertions;
}

/** One line that is no YAML of ours. */
function isPath(text: string): boolean {
  return !text.includes('\n') && (/\.ya?ml$/i.test(text) || existsSync(text));
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new LifeboatError(
      `the file ${quote(path)} cannot be read (${messageOf(error)}). Paths start in the workspace; run actions/checkout first.`,
    );
  }
}

/** YAML as it stands in the workflow, or of a file. `shape`: what to write, for the error. */
export async function parseYaml(text: string, shape: string): Promise<unknown> {
  const { parse } = await import('yaml');
  const yaml = isPath(text) ? readFile(text) : text;
  try {
    return parse(yaml);
  } catch (error) {
    throw new LifeboatError(`it is not YAML (${messageOf(error).split('\n')[0]}). ${shape}`);
  }
}

function parseAssertion(entry: unknown, index: number): Assertion {
  if (typeof entry !== 'object' || entry === null) throw new LifeboatError(`entry ${index + 1} is no entry. ${SHAPE}`);
  const { name, sql, expect, ...others } = entry as Record<string, unknown>;
  if (typeof name !== 'string' || name.trim() === '') {
    throw new LifeboatError(`entry ${index + 1} has no name. ${SHAPE}`);
  }
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new LifeboatError(`${quote(name)}: ${quote(unknown)} is not known. An entry has name, sql and expect.`);
  }
  return { name, sql: parseSql(sql, name, SHAPE), expect: parseExpectation(expect, name) };
}

/** One query, as it will stand in parentheses. */
export function parseSql(sql: unknown, name: string, shape: string): string {
  if (typeof sql !== 'string' || sql.trim() === '') throw new LifeboatError(`${quote(name)} has no sql. ${shape}`);
  const query = sql.trim().replace(/;$/, '').trim();
  if (query.replace(/'(?:[^']|'')*'/g, '').includes(';')) {
    throw new LifeboatError(`${quote(name)}: its sql holds several statements. Write one query.`);
  }
  return query;
}

function parseExpectation(expect: unknown, name: string): Expectation {
  if (expect === true) return { kind: 'true' };
  if (expect === 'not-empty') return { kind: 'not-empty' };
  const [[kind, value] = [], ...others] = typeof expect === 'object' && expect !== null ? Object.entries(expect) : [];
  if (others.length === 0) {
    if (kind === 'equals' && ['string', 'number', 'boolean'].includes(typeof value)) {
      return { kind, value: String(value) };
    }
    if ((kind === 'at-least' || kind === 'at-most') && typeof value === 'number' && Number.isFinite(value)) {
      return { kind, value };
    }
  }
  throw new LifeboatError(`${quote(name)}: ${quote(JSON.stringify(expect) ?? '')} is no expectation. ${EXPECTATIONS}`);
}
