import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readManifest } from '../../src/formats/manifest.ts';
import { keyOf, MANIFEST_FILE } from '../../src/formats/names.ts';
import type { Finding } from '../../src/formats/restore-test/finding.ts';
import type { Verdict } from '../../src/formats/restore-test/record.ts';
import { readState } from '../../src/postgres/restore/state.ts';
import { compareDatabases } from '../../src/proof/compare.ts';
import { verdictOf, worstFirst } from '../../src/proof/verdict.ts';
import { BackupParts } from '../../src/repository/backup-parts.ts';
import { openFileStore } from '../../src/store/file/store.ts';
import { serverTo } from '../../test/support/postgres/server-to.ts';
import type { PostgresServer } from '../../test/support/servers/postgres.ts';

/** A backup in a folder, and what opens it. */
export interface BackupInFolder {
  store: string;
  set: string;
  id: string;
  passphrase: string;
}

/** The restore test's own comparison, of a database that is there already with what the backup says was dumped. */
export async function compareWithBackup(
  server: PostgresServer,
  database: string,
  { store: path, set, id, passphrase }: BackupInFolder,
): Promise<{ verdict: Verdict; findings: Finding[] }> {
  const { signal } = new AbortController();
  const store = openFileStore(
    { path, url: pathToFileURL(path).href },
    { signal, track: () => () => {}, info: () => {} },
  );
  const key = keyOf(set, id, MANIFEST_FILE);
  const manifest = readManifest(readFileSync(join(path, key)), key, { set, id });
  const decryption = { kind: 'passphrase' as const, passphrases: [passphrase] };
  const expected = await new BackupParts({
    store,
    manifest,
    decryption,
    withoutSums: 'refuse',
    signal,
    info: () => {},
  }).inventory();
  const restored = await readState(await serverTo(server, database), 'content', { ours: true });
  const { findings } = compareDatabases(expected, restored, {
    lacking: [],
    acceptedMissingRows: [],
    existingRoles: ['postgres'],
    partial: null,
    leftOut: false,
  });
  return { verdict: verdictOf(findings), findings: worstFirst(findings) };
}
