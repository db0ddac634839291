import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { setNameOf } from '../../src/formats/names.ts';
import { newGnupgHome, readByHand } from '../support/action/gnupg.ts';
import type { ActionResult } from '../support/action/harness.ts';
import { backupInputs, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { ODD_NAMES, ODD_TABLES } from '../support/action/sample-database.ts';
import { newStoreFolder, pathOf, readBackup } from '../support/action/stored-backup.ts';
import { type PostgresServer, quoteIdentifier, sharedPostgres } from '../support/servers/postgres.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await sharedPostgres();
});

/** Those that could be a command to the runner. */
const LOG_NAMES = ODD_NAMES.filter((name) => /::|##/.test(name));

const withoutControls = (name: string) => !/[\n\r]/.test(name);

describe('P10: a database whose name is odd', () => {
  const names = [
    'a=b',
    `x y"z;$(id)'`,
    'postgresql://elsewhere/postgres',
    '-c',
    '../../tmp',
    'bıgınt 🛟 Größe',
    `${'ß'.repeat(31)}x`,
    ...LOG_NAMES,
  ];

  test.each(names)('%j', async (name) => {
    await server.createDatabase(name);
    await server.psql(name, 'create table t as select n from generate_series(1, 42) n');
    const store = newStoreFolder();
    const result = await runBackup({
      passphrase: PASSPHRASE,
      store: store.url,
      'database-url': server.url(name),
    });
    expect(result).toMatchObject({ exitCode: 0, outputs: { rows: '42', tables: '1' } });
    expectNothingInjected(result);
    const set = setNameOf(name);
    expect(set).toMatch(/^[A-Za-z0-9=][A-Za-z0-9=._-]*$/);
    const { manifest } = readBackup(store, set, result.outputs.id ?? '');
    expect(manifest).toMatchObject({ database: name, name: set });
    expect(manifest.parts.map((part) => part.name)).toContain('globals');
    const backup = readBackup(store, set, result.outputs.id ?? '');
    const listing = await readByHand(pathOf(backup, 'data'), {
      home: newGnupgHome(),
      passphrase: PASSPHRASE,
      into: '(pg_restore -l; cat > /dev/null)',
    });
    if (withoutControls(name)) expect(listing).toContain(`dbname: ${name}\n`);
    await server.dropDatabase(name);
  });

  test('by keywords and by PG*, too', async () => {
    const name = `it's a=b\\c`;
    await server.createDatabase(name);
    await server.psql(name, 'create table t as select 1');
    const { host, port, user, password } = server;
    const quoted = name.replace(/[\\']/g, '\\$&');
    const keywords = `host=${host} port=${port} user=${user} password=${password} dbname='${quoted}'`;
    for (const [url, env] of [
      [keywords, {}],
      ['', server.env(name)],
    ] as const) {
      const store = newStoreFolder();
      const result = await runBackup({ passphrase: PASSPHRASE, store: store.url, 'database-url': url }, { env });
      expect(result).toMatchObject({ exitCode: 0 });
      expect(readBackup(store, setNameOf(name), result.outputs.id ?? '').manifest.database).toBe(name);
    }
    await server.dropDatabase(name);
  });
});

describe('an error that quotes an odd name is one error, and no command to the runner', () => {
  const DATABASE = 'odd_tables';
  const ROLE = 'odd_reader';
  const url = () => server.url(DATABASE).replace(/\/\/.*@/, `//${ROLE}:reader-password@`);

  beforeAll(async () => {
    await server.createDatabase(DATABASE);
    await server.psql(
      DATABASE,
      `${ODD_TABLES}
      create role ${ROLE} login password 'reader-password'; grant select on all tables in schema public to ${ROLE}`,
    );
  });

  afterEach(async () => {
    const mend = LOG_NAMES.map((name) => `alter table ${quoteIdentifier(name)} disable row level security;`);
    await server.psql(DATABASE, `${mend.join('\n')} grant select on all tables in schema public to ${ROLE}`);
  });

  test('the role may read all of them: green', async () => {
    const result = await runBackup({ ...backupInputs(server, DATABASE, newStoreFolder()), 'database-url': url() });
    expect(result).toMatchObject({ exitCode: 0 });
    expectNothingInjected(result);
  });

  test.each(LOG_NAMES)('from our own session: %j', async (name) => {
    const table = quoteIdentifier(name);
    await server.psql(DATABASE, `revoke select on ${table} from ${ROLE}`);
    const refused = await refusal(name, /permission denied for table .*pg_read_all_data/s);
    expect(refused.log).not.toContain('pg_dump: error');
  });

  test.each(LOG_NAMES)('from pg_dump, whose words are in the log: %j', async (name) => {
    const table = quoteIdentifier(name);
    await server.psql(DATABASE, `alter table ${table} enable row level security`);
    const refused = await refusal(name, /row-level security .*BYPASSRLS/s);
    expect(refused.log).toContain('pg_dump: error: ');
  });

  async function refusal(name: string, says: RegExp): Promise<ActionResult> {
    const store = newStoreFolder();
    const refused = await runBackup({ ...backupInputs(server, DATABASE, store), 'database-url': url() });
    expect(refused.exitCode).toBe(1);
    expect(refused.annotations.filter(({ kind }) => kind === 'error')).toEqual([
      { kind: 'error', title: 'Lifeboat: backup failed', message: expect.stringMatching(says) },
    ]);
    // Names are as they are, or escaped where they hold control characters.
    if (withoutControls(name)) expect(refused.annotations.at(-1)?.message).toContain(name);
    expectNothingInjected(refused);
    return refused;
  }
});

function expectNothingInjected({ annotations, commands, log, summary }: ActionResult): void {
  expect(annotations.filter(({ title }) => !title.startsWith('Lifeboat'))).toEqual([]);
  expect(commands.map(({ name }) => name)).not.toContainEqual(
    expect.not.stringMatching(/^(add-mask|debug|error|warning|notice)$/),
  );
  expect(log).not.toMatch(/^\s*::|##\[/m);
  expect(summary).not.toMatch(/<img|<script/);
}
