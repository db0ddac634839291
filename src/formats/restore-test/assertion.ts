/** What people know about their data, held against a restored copy. */
export interface Assertion {
  name: string;
  /** One query. Of its answer the first column of the first row counts. */
  sql: string;
  expect: Expectation;
}

export type Expectation =
  | { kind: 'true' }
  /** At least one row. */
  | { kind: 'not-empty' }
  /** As text. */
  | { kind: 'equals'; value: string }
  | { kind: 'at-least' | 'at-most'; value: number };
