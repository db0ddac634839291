import { cpSync, existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { quoteIdentifier, quoteLiteral, type Session } from '../../../src/postgres/session/session.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../../support/action/run-backup.ts';
import { expectFailed, runRestoreTest } from '../../support/action/run-restore-test.ts';
import { newStoreFolder, type StoreFolder } from '../../support/action/stored-backup.ts';
import { makeTree } from '../../support/data/made-tree.ts';
import { openSession } from '../../support/postgres/inventory.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';
import { runFolder } from '../../support/servers/run.ts';
import { type ForgedInventory, forgeInventory } from './forged-inventory.ts';

const DATABASE = 'psql_parser';

let server: PostgresServer;
let original: StoreFolder;
let id: string;
/** A file that a shell of the attacker's makes. */
let proof: string;

beforeAll(async () => {
  server = await sharedPostgres();
  await server.createDatabase(DATABASE);
  await server.psql(
    DATABASE,
    "create table orders (id int primary key, what text); insert into orders values (1, 'x')",
  );
  original = newStoreFolder();
  const result = await runBackup(backupInputs(server, DATABASE, original));
  expect(errorsOf(result)).toEqual([]);
  id = result.outputs.id ?? '';
});

beforeEach(() => {
  proof = join(mkdtempSync(join(runFolder(), 'attack-')), 'proof');
});

/** A store of its own with the backup. */
function copiedStore(): StoreFolder {
  const store = newStoreFolder();
  cpSync(original.path, store.path, { recursive: true });
  return store;
}

/** Ends the statement that it stands in, puts `\! touch` into a variable of psql's, and has psql read that variable. */
const broken = (before: string) =>
  `${before}\n" ; do $q$ begin raise exception using message = chr(92) || $m$! touch ${proof} #$m$; end $q$; :LAST_ERROR_MESSAGE\n; --`;

const ROLE = { attributes: [], connectionLimit: -1, validUntil: null, comment: null, memberOf: [], settings: [] };

describe('text of a forged inventory runs nothing on the runner', () => {
  const forgeries: [string, (inventory: ForgedInventory) => void][] = [
    ['a NUL in the name of a role', ({ roles }) => roles.unshift({ ...ROLE, name: 'x\0', validUntil: broken('z') })],
    [
      'a NUL in a setting of the database',
      ({ database }) => database.settings.push({ role: null, settings: [broken('n\0=z')] }),
    ],
    ['a NUL in the comment of the database', ({ database }) => (database.comment = broken("c\0'"))],
    ['a NUL in a grant', ({ database }) => (database.acl = [`${broken('"g\0')}"=C/${database.owner}`])],
    ['a NUL in a collation', ({ database }) => (database.collate = broken("c\0'"))],
  ];

  test.each(forgeries)('restore-test: %s', async (_, forge) => {
    const store = copiedStore();
    await forgeInventory(store, DATABASE, id, forge);
    const first = expectFailed(await runRestoreTest(store));
    expect(first).toMatchObject({ kind: 'part', object: 'inventory', message: expect.stringContaining('NUL') });
    expect(existsSync(proof)).toBe(false);
  });

  test('restore: a NUL in a setting of the database', async () => {
    const store = copiedStore();
    await forgeInventory(store, DATABASE, id, (inventory) =>
      inventory.database.settings.push({ role: null, settings: [broken('n\0=z')] }),
    );
    const inputs = { command: 'restore', store: store.url, passphrase: PASSPHRASE, confirm: DATABASE };
    const result = await runBackup({ ...inputs, 'database-url': server.url(DATABASE) });
    expect(errorsOf(result)).toEqual([expect.objectContaining({ message: expect.stringContaining('NUL') })]);
    expect(existsSync(proof)).toBe(false);
  });
});

describe('the SQL of a pull request runs nothing on the runner', () => {
  const attacks = (): string[] => [
    // The server's error is a command of psql's, and the next query has psql read it.
    `select cast(chr(34) || chr(92) || '! touch ${proof} #' as int)`,
    'select 1 where :LAST_ERROR_MESSAGE',
    `select 1 \\! touch ${proof}`,
    `select 1) x \\g | touch ${proof}\n select (1`,
    `select 1) x \\set a \`touch ${proof}\` \n select (1`,
    `select $a$ \\! touch ${proof} $a$ as a`,
    "select :'USER'",
  ];

  test('assertions', async () => {
    const store = copiedStore();
    const assertions = attacks().map((sql, index) => ({ name: `attack ${index}`, sql, expect: { equals: 'never' } }));
    const result = await runRestoreTest(store, { assertions: JSON.stringify(assertions) });
    expectFailed(result);
    expect(result.report.findings.map(({ object }) => object)).toEqual(assertions.map(({ name }) => name));
    expect(result.report.findings[1]?.message).toContain('syntax error');
    expect(result.report.findings[6]?.message).toContain('syntax error');
    expect(existsSync(proof)).toBe(false);
  });

  test('file-references', async () => {
    const store = newStoreFolder();
    const labels = attacks().map((_, index) => `tree${index}`);
    const folder = makeTree({ a: 'content' });
    const paths = labels.map((label) => `${label}=${folder}`).join('\n');
    expect(errorsOf(await runBackup({ ...backupInputs(server, DATABASE, store), paths }))).toEqual([]);
    const references = Object.fromEntries(attacks().map((sql, index) => [labels[index], sql]));
    const result = await runRestoreTest(store, { 'file-references': JSON.stringify(references) });
    expectFailed(result);
    expect(result.report.findings).toHaveLength(labels.length);
    expect(existsSync(proof)).toBe(false);
  });
});

describe('what is quoted comes back as it was', () => {
  let session: Session;
  beforeAll(async () => {
    await server.createDatabase('psql_parser_quotes');
    await server.psql('postgres', 'alter database psql_parser_quotes set standard_conforming_strings = off');
    session = await openSession(server.env('psql_parser_quotes'));
  });

  // psql leaves out of its output code points that are no characters (mb_utf_validate in mbprint.c).
  const REAL = /^[^\0\p{Cs}\p{Cn}]*$/u;
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: fc.constantFrom(...'\\\'"!:;$\n`{}()0005cu&Eabc'), maxLength: 40 }),
  );

  test('literals', async () => {
    await fc.assert(
      fc.asyncProperty(
        texts.filter((text) => REAL.test(text)),
        async (text) => {
          const rows = await session.query<{ text: string }>(`select ${quoteLiteral(text)} as text`);
          expect(rows).toEqual([{ text }]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('identifiers', async () => {
    const names = texts.filter((name) => name !== '' && REAL.test(name) && Buffer.byteLength(name) < 64);
    await fc.assert(
      fc.asyncProperty(names, async (name) => {
        expect(await session.query(`select 1 as ${quoteIdentifier(name)}`)).toEqual([{ [name]: 1 }]);
      }),
      { numRuns: 300 },
    );
  });

  test.each(['\0', 'a\0b'])('a NUL is refused: %j', (text) => {
    expect(() => quoteLiteral(text)).toThrow(/NUL/);
    expect(() => quoteIdentifier(text)).toThrow(/NUL/);
  });

  test.each(['select 1 \\! id', "select 'a\0'"])(
    'a session sends no statement that psql could obey: %j',
    async (sql) => {
      await expect(session.run(sql)).rejects.toThrow(/backslash/);
      await expect(session.query(sql)).rejects.toThrow(/backslash/);
      expect(await session.query('select 1 as one')).toEqual([{ one: 1 }]);
    },
  );
});
