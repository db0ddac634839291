/** With nothing of the user's in it; unless it is named, the schema for temporary objects comes first (PostgreSQL, 20.11.1). */
export const OWN_SEARCH_PATH = 'pg_catalog, pg_temp';

/**
 * What Lifeboat's own statements depend on, as SET has it: a database, a role or postgresql.conf can have any other
 * value.
 *
 * Every name in these statements has its schema (test/postgres/qualified-names.test.ts). Only the operators do not: `=`,
 * `||` and `~` rely on the search_path, because OPERATOR(pg_catalog.=) everywhere would be unreadable. So each session or
 * transaction sets this path first, and no operator can be one that a user has made. The path also decides which names
 * the server writes with their schema (`::regclass::text`).
 */
export function ownSettings(versionNumber: number): string[] {
  return [
    `search_path = ${OWN_SEARCH_PATH}`,
    'role = none',
    'standard_conforming_strings = on',
    'statement_timeout = 0',
    'lock_timeout = 0',
    'idle_in_transaction_session_timeout = 0',
    ...(versionNumber >= 140000 ? ['idle_session_timeout = 0'] : []),
    ...(versionNumber >= 170000 ? ['transaction_timeout = 0'] : []),
    "default_transaction_isolation = 'read committed'",
    'default_transaction_read_only = off',
    'default_transaction_deferrable = off',
    'row_security = off',
    'jit = off',
    'constraint_exclusion = off',
    'array_nulls = on',
    'transform_null_equals = off',
  ];
}

/**
 * Begins a transaction in which the same holds, and which leaves nothing of it behind: for a connection of which it is
 * not yet known whether others share it (a transaction pooler).
 */
export function beginOwn(versionNumber: number): string[] {
  return [
    'begin isolation level read committed',
    ...ownSettings(versionNumber).map((setting) => `set local ${setting}`),
  ];
}
