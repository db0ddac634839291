import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute } from '../servers/execute.ts';
import { localPrograms } from '../servers/postgres-programs.ts';
import { oncePerRun, runFolder, serverEnvironment } from '../servers/run.ts';

/** Somebody with a GnuPG of their own: one key without a passphrase, made by gpg, with a subkey that encrypts. */
export interface Person {
  /** GNUPGHOME. */
  home: string;
  fingerprint: string;
  /** The subkey's fingerprint. */
  subkey: string;
  /** Armored. */
  publicKey: string;
  secretKey: string;
}

/** The people of this test run. Alice's key is RSA, the others' are Curve25519. */
export function people(): Promise<{ alice: Person; bob: Person; signer: Person }> {
  return oncePerRun('people', async (folder) => ({
    alice: await makePerson(join(folder, 'alice'), RSA),
    bob: await makePerson(join(folder, 'bob'), CURVE25519),
    signer: await makePerson(join(folder, 'signer'), CURVE25519),
  }));
}

const RSA = 'Key-Type: RSA\nKey-Length: 3072\nSubkey-Type: RSA\nSubkey-Length: 3072\nSubkey-Usage: encrypt';
const CURVE25519 = 'Key-Type: EDDSA\nKey-Curve: ed25519\nSubkey-Type: ECDH\nSubkey-Curve: cv25519';

async function makePerson(home: string, parameters: string): Promise<Person> {
  mkdirSync(home, { mode: 0o700 });
  const name = 'Name-Real: Lifeboat test\nName-Email: test@example.com';
  const status = await gpg(
    home,
    ['--status-fd', '1', '--gen-key'],
    `${parameters}\n${name}\n%no-protection\n%commit\n`,
  );
  const fingerprint = /KEY_CREATED B ([0-9A-F]{40})/.exec(status)?.[1] ?? '';
  const listing = await gpg(home, ['--with-colons', '--list-keys', fingerprint]);
  return {
    home,
    fingerprint,
    subkey: /^sub:.*\n(?:.*\n)*?fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1] ?? '',
    publicKey: await gpg(home, ['--armor', '--export', fingerprint]),
    secretKey: await gpg(home, ['--armor', '--export-secret-keys', fingerprint]),
  };
}

/** An empty GnuPG. The run's folder is short: the socket of the agent may have no longer path than 107 bytes. */
export function newGnupgHome(): string {
  const home = mkdtempSync(join(runFolder(), 'gpg-'));
  chmodSync(home, 0o700);
  return home;
}

/** Runs gpg; the agent that it starts ends with the test run. */
export function gpg(home: string, args: string[], input = ''): Promise<string> {
  return execute('gpg', ['--batch', '--no-tty', '--quiet', ...args], { env: environment(home), input });
}

export interface ByHand {
  /** The home of the GnuPG that decrypts. */
  home: string;
  passphrase?: string;
  /** What the plain bytes are piped into, for the shell. */
  into?: string;
  env?: Record<string, string>;
}

/**
 * Reads a part as a person does: `cat part* | gpg -d | zstd -d | into`, where `part` is the path of its first volume.
 * gpg takes a passphrase from descriptor 3. Resolves with the standard output; rejects when one of the commands failed.
 */
export function readByHand(part: string, { home, passphrase, into = 'cat', env = {} }: ByHand): Promise<string> {
  let decrypt = 'gpg --batch --no-tty --quiet';
  if (passphrase !== undefined) {
    const file = join(newGnupgHome(), 'passphrase');
    writeFileSync(file, passphrase, { mode: 0o600 });
    decrypt += ` --pinentry-mode loopback --passphrase-fd 3 3<'${file}'`;
  }
  const script = `set -o pipefail; cat "$1"* | ${decrypt} -d | zstd -d | ${into}`;
  return execute('bash', ['-c', script, 'bash', part], { env: { ...environment(home), ...env } });
}

function environment(home: string): Record<string, string> {
  const { PATH, ...env } = serverEnvironment();
  return { ...env, PATH: `${localPrograms()?.binDir}:${PATH}`, GNUPGHOME: home };
}
