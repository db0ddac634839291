import type { Assertion, Expectation } from '../formats/restore-test/assertion.ts';
import type { Finding } from '../formats/restore-test/finding.ts';

/** Asks one query and gives its rows, each by column. Throws when the server refuses it. */
export type Ask = (sql: string) => Promise<Record<string, unknown>[]>;

/** Longer answers are cut: they stand in a log. */
const LONGEST_ANSWER = 200;

/** The assertions that do not hold. A query that fails does not hold either. */
export async function failedAssertions(assertions: Assertion[], ask: Ask): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name, sql, expect } of assertions) {
    const message = await whyNot(sql, expect, ask);
    if (message !== null) findings.push({ severity: 'failed', kind: 'assertion', object: name, message });
  }
  return findings;
}

async function whyNot(sql: string, expect: Expectation, ask: Ask): Promise<string | null> {
  let rows: Record<string, unknown>[];
  try {
    rows = await ask(sql);
  } catch (error) {
    return `Its query failed: ${(error as Error).message}.`;
  }
  const [first] = rows;
  if (expect.kind === 'not-empty') return first ? null : 'A row was expected, there is none.';
  if (!first) return `${describeExpectation(expect)} was expected, but the query returned no row.`;
  const [answer] = Object.values(first);
  if (isExpected(answer, expect)) return null;
  return `${describeExpectation(expect)} was expected, the answer is ${showAnswer(answer)}.`;
}

function isExpected(answer: unknown, expect: Exclude<Expectation, { kind: 'not-empty' }>): boolean {
  if (expect.kind === 'true') return answer === true;
  if (expect.kind === 'equals') return answer !== null && textOf(answer) === expect.value;
  const number = typeof answer === 'number' || typeof answer === 'string' ? Number(answer) : Number.NaN;
  return expect.kind === 'at-least' ? number >= expect.value : number <= expect.value;
}

function describeExpectation(expect: Expectation): string {
  if (expect.kind === 'true' || expect.kind === 'not-empty') return expect.kind;
  return expect.kind === 'equals' ? JSON.stringify(expect.value) : `${expect.kind.replace('-', ' ')} ${expect.value}`;
}

function textOf(answer: unknown): string {
  return typeof answer === 'object' ? JSON.stringify(answer) : String(answer);
}

function showAnswer(answer: unknown): string {
  const text = textOf(answer);
  return text.length > LONGEST_ANSWER ? `${text.slice(0, LONGEST_ANSWER)}…` : text;
}
