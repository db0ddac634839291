import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeId } from '../../../src/formats/id.ts';
import { type Person, people } from '../../support/action/gnupg.ts';
import type { ActionInputs, ActionResult } from '../../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../../support/action/run-backup.ts';
import { newStoreFolder, type StoreFolder } from '../../support/action/stored-backup.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';

/** One genuine, signed backup, whose copies attackers put their own objects into. */
export interface Genuine {
  postgres: PostgresServer;
  database: string;
  store: StoreFolder;
  id: string;
  signer: Person;
}

/** A store with the genuine backup, and a newer folder that is the attacker's. */
export interface Poisoned {
  store: StoreFolder;
  database: string;
  good: string;
  /** Newer than the good one. */
  evil: string;
  /** The folder of the evil one. */
  folder: string;
}

export async function genuineBackup(database: string): Promise<Genuine> {
  const [postgres, { signer }] = await Promise.all([sharedPostgres(), people()]);
  await postgres.createDatabase(database);
  await postgres.psql(database, 'create table orders as select n from generate_series(1, 1000) n');
  const store = newStoreFolder();
  const inputs = { ...backupInputs(postgres, database, store), name: database, 'signing-key': signer.secretKey };
  const result = await runBackup(inputs);
  if (result.outputs.id === undefined) throw new Error(result.stdout);
  return { postgres, database, store, id: result.outputs.id, signer };
}

/** A copy of the store, in which a newer backup looks like the good one; the attack changes it. */
export function poison({ store, database, id: good }: Genuine): Poisoned {
  const copy = newStoreFolder();
  cpSync(store.path, copy.path, { recursive: true });
  const evil = makeId(new Date(), '0bad0bad');
  const folder = join(copy.path, database, evil);
  cpSync(join(copy.path, database, good), folder, { recursive: true });
  for (const name of readdirSync(folder).filter((name) => name === 'manifest.json')) {
    const path = join(folder, name);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(good, evil));
  }
  return { store: copy, database, good, evil, folder };
}

/** The inputs of every command on a store. With `signed`, signatures are required. */
export function inputsOf(
  command: string,
  { postgres, signer }: Genuine,
  { store, database, evil }: Poisoned,
): ActionInputs {
  const common = { command, store: store.url, name: database };
  const key = { 'verification-key': signer.publicKey };
  const byCommand: Record<string, ActionInputs> = {
    list: {},
    check: key,
    prune: { ...key, 'keep-last': '1' },
    'restore-test': { passphrase: PASSPHRASE },
    restore: { passphrase: PASSPHRASE, 'database-url': postgres.url(database), 'dry-run': 'true' },
    backup: { passphrase: PASSPHRASE, 'database-url': postgres.url(database), 'keep-last': '1', ...key },
    hold: { backup: evil },
    release: { backup: evil },
  };
  return { ...common, ...byCommand[command] };
}

export const COMMANDS = ['list', 'check', 'prune', 'restore-test', 'restore', 'backup', 'hold'];

/** It ended by itself, said something, and nothing of it is a bug of Lifeboat. */
export function expectOrderlyEnd(result: ActionResult): void {
  const { exitCode, stdout, stderr } = result;
  if (exitCode === null || exitCode > 3) throw new Error(`exit code ${exitCode}:\n${stdout}${stderr}`);
  if (/This is a bug|TypeError|RangeError|heap out of memory|\n {4}at /.test(stdout + stderr)) {
    throw new Error(`not an orderly end:\n${stdout}${stderr}`);
  }
}

/** All that a person reads of a run. */
export function saidBy(result: ActionResult): string {
  return [result.log, ...result.annotations.map(({ message }) => message), result.summary].join('\n');
}

export { errorsOf, runBackup };
