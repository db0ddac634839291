import { afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Inventory } from '../../../src/formats/inventory/inventory.ts';
import type { Finding } from '../../../src/formats/restore-test/finding.ts';
import { compareSchemaText } from '../../../src/postgres/restore/schema-text.ts';
import { readState } from '../../../src/postgres/restore/state.ts';
import { compareDatabases } from '../../../src/proof/compare.ts';
import { verdictOf, worstFirst } from '../../../src/proof/verdict.ts';
import { inventoryOf } from '../../support/action/inventory-of.ts';
import { serverTo } from '../../support/postgres/server-to.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';
import { MUTATIONS, SCHEMA } from './mutations.ts';

const SOURCE = 'mutations';
const COPY = 'mutations_copy';
const TWIN = 'mutations_twin';

let server: PostgresServer;
let expected: Inventory;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase(SOURCE);
  await server.psql(SOURCE, SCHEMA);
  await server.createDatabase(TWIN, `template ${SOURCE}`);
  expected = await inventoryOf(server, SOURCE);
});

afterEach(() => server.dropDatabase(COPY));

/** What is found in a copy of the source after this was done to it. */
async function findingsAfter(sql: string): Promise<Finding[]> {
  await server.createDatabase(COPY, `template ${SOURCE}`);
  if (sql !== '') await server.psql(COPY, sql);
  const restored = await readState(await serverTo(server, COPY), 'content', { ours: true });
  const { findings } = compareDatabases(expected, restored, {
    lacking: [],
    acceptedMissingRows: [],
    existingRoles: [],
    partial: null,
    leftOut: false,
  });
  const text = await compareSchemaText(await serverTo(server, COPY), await serverTo(server, TWIN));
  const different: Finding[] =
    text === null ? [] : [{ severity: 'failed', kind: 'definitions', object: 'text', message: text }];
  return worstFirst([...findings, ...different]);
}

test('a copy that nobody has touched: nothing is found', async () => {
  const findings = await findingsAfter('');
  expect(findings).toEqual([]);
  expect(verdictOf(findings)).toBe('proven');
});

test.each(MUTATIONS)('$title: the first finding names it', async ({ sql, kind, object, others = [] }) => {
  const [first, ...rest] = await findingsAfter(sql);
  expect(first).toMatchObject({ severity: 'failed', kind, object: expect.stringMatching(object) });
  // What else is found depends on the first.
  const strangers = rest.filter((finding) => finding.kind !== 'definitions' && !object.test(finding.object));
  expect(strangers.filter((finding) => !others.some((other) => other.test(finding.object)))).toEqual([]);
});
