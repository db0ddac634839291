import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { REPOSITORY } from '../support/action/action-definition.ts';
import { inputsOf } from '../support/action/example.ts';
import { type Person, people } from '../support/action/gnupg.ts';
import { errorsOf, runBackup } from '../support/action/run-backup.ts';
import { expectFailed, expectProven, runRestoreTest } from '../support/action/run-restore-test.ts';
import { newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { makeTree } from '../support/data/made-tree.ts';
import { execute } from '../support/servers/execute.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';

/* examples/supabase.yml, with a plain PostgreSQL that has a table storage.objects in the place of Supabase's. */
const DATABASE = 'like_supabase';

let server: PostgresServer;
let alice: Person;
let signer: Person;
let store: StoreFolder;
let storage: string;

beforeAll(async () => {
  server = await sharedPostgres();
  ({ alice, signer } = await people());
  await server.createDatabase(DATABASE);
  await server.psql(
    DATABASE,
    `create schema storage;
    create table storage.objects (id int primary key, bucket_id text, name text, version text, metadata jsonb);
    insert into storage.objects values
      (1, 'avatars', E'people/it''s \\u00fc 1.png', 'v1', '{"mimetype": "image/png", "cacheControl": "max-age=3600"}'),
      (2, 'avatars', 'before versions', null, '{"mimetype": "text/plain"}')`,
  );
  storage = makeTree({
    "stub/stub/avatars/people/it's ü 1.png/v1": 'image',
    'stub/stub/avatars/before versions': 'text',
  });
  store = newStoreFolder();
});

async function backUp(): Promise<void> {
  const { paths = '' } = inputsOf('supabase', 'backup');
  const result = await runBackup({
    ...inputsOf('supabase', 'backup'),
    'database-url': server.url(DATABASE),
    store: store.url,
    paths: paths.replace('/srv/supabase/docker/volumes/storage', storage),
    'public-key': alice.publicKey,
    'signing-key': signer.secretKey,
    'signing-key-passphrase': '',
  });
  expect(errorsOf(result)).toEqual([]);
}

function restoreTest(): ReturnType<typeof runRestoreTest> {
  const { 'scratch-url': _, ...inputs } = inputsOf('supabase', 'restore-test');
  return runRestoreTest(store, {
    ...inputs,
    store: store.url,
    'private-key': alice.secretKey,
    'private-key-passphrase': '',
    'verification-key': signer.publicKey,
    'signing-key': signer.secretKey,
    'signing-key-passphrase': '',
  });
}

test('database and storage are proven together', async () => {
  await backUp();
  const result = await restoreTest();
  expectProven(result);
  expect(result.report.verified).toContain('File tree storage: every file that the database names is in it, 2 in all');
});

test('an object whose file is gone fails the restore test', async () => {
  rmSync(join(storage, "stub/stub/avatars/people/it's ü 1.png"), { recursive: true });
  await backUp();
  expect(expectFailed(await restoreTest())).toMatchObject({
    kind: 'file reference',
    object: 'storage',
    message: expect.stringContaining(`"stub/stub/avatars/people/it's ü 1.png/v1"`),
  });
});

describe('docs/files.md', () => {
  test('its query writes the commands that make the extended attributes again', async () => {
    const page = readFileSync(join(REPOSITORY, 'docs', 'files.md'), 'utf8');
    const [, query = ''] = /```sql\n([\s\S]*?)```/.exec(page) ?? [];
    const commands = await server.psql(DATABASE, query);
    const shown = await execute('sh', ['-s'], { input: `setfattr() { printf '<%s>' "$@"; echo; }\n${commands}\n` });
    expect(shown.trim().split('\n')).toEqual([
      "<-n><user.supabase.content-type><-v><image/png><--><stub/stub/avatars/people/it's ü 1.png/v1>",
      "<-n><user.supabase.cache-control><-v><max-age=3600><--><stub/stub/avatars/people/it's ü 1.png/v1>",
      '<-n><user.supabase.content-type><-v><text/plain><--><stub/stub/avatars/before versions>',
    ]);
  });
});
