import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readPage } from '../../../scripts/docs/page.ts';
import {
  parsePrivateKeys,
  parsePublicKeys,
  parseSigningKey,
  parseVerificationKeys,
} from '../../../src/inputs/keys/keys.ts';
import { decrypt } from '../../../src/openpgp/decrypt.ts';
import { prepareEncryption } from '../../../src/openpgp/encrypt.ts';
import { signDetached } from '../../../src/openpgp/sign.ts';
import { verifyDetached } from '../../../src/openpgp/verify.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { execute } from '../../support/servers/execute.ts';
import { runFolder, serverEnvironment } from '../../support/servers/run.ts';

const DOCS = join(import.meta.dirname, '..', '..', '..', 'docs');
let home: string;

/** The block of shell on a page that holds these words, run as a person would; GitHub is not there. */
async function follow(page: string, words: string): Promise<void> {
  const found = readPage(join(DOCS, page)).snippets.filter(({ text }) => text.includes(words));
  expect(found.map(({ language }) => language.split(' ')[0])).toEqual(['sh']);
  const script = `set -euo pipefail; gh() { cat > /dev/null; }\n${found[0]?.text}`;
  await execute('bash', ['-c', script], { env: { ...serverEnvironment(), HOME: home }, cwd: home });
}

const made = (file: string) => readFileSync(join(home, file), 'utf8');
const passphraseIn = (file: string) => made(file).trim();

/** Encrypts for the certificates in one file, decrypts with the private key in another. */
async function passedOn(publicKeys: string, privateKey: string, passphrase: string): Promise<string> {
  const log = new RecordingLog();
  const armored = await parsePublicKeys(made(publicKeys), new Date(), log);
  expect(log).toEqual(new RecordingLog());
  const { encrypt } = await prepareEncryption({ kind: 'public-key', armored });
  const keys = await parsePrivateKeys(made(privateKey), passphraseIn(passphrase));
  return text(Readable.from(decrypt(encrypt(Readable.from([Buffer.from('a row')])), { kind: 'private-key', keys })));
}

/** Signs as a backup (`signing-key`) or a restore test (`record-signing-key`) does, and verifies as a restore does. */
async function wrongWithSignature(by: 'signing-key' | 'record-signing-key'): Promise<string | null> {
  const passphrase = passphraseIn(`lifeboat-keys/${by}.pass`);
  const key = await parseSigningKey(made(`lifeboat-keys/${by}.asc`), passphrase, new Date(), new RecordingLog());
  const signature = await signDetached(Buffer.from('a manifest'), key, passphrase);
  const certificates = await parseVerificationKeys(made('lifeboat-keys/verification-key.asc'));
  return verifyDetached(Buffer.from('a manifest'), signature, certificates, new Date());
}

beforeAll(async () => {
  // Short: the socket of gpg's agent may have no longer path than 107 bytes.
  home = mkdtempSync(join(runFolder(), 'keys-'));
  await follow('getting-started.md', '--quick-generate-key');
});

describe('the commands of docs/getting-started.md make', () => {
  test('a pair that encrypts and decrypts', async () => {
    expect(
      await passedOn('lifeboat-keys/public-key.asc', 'lifeboat-keys/private-key.asc', 'lifeboat-keys/private-key.pass'),
    ).toBe('a row');
  });

  test.each(['signing-key', 'record-signing-key'] as const)('a %s, and its certificate', async (by) => {
    expect(await wrongWithSignature(by)).toBe(null);
  });
});

test('the commands of docs/keys.md make an escrow that opens what is encrypted for both', async () => {
  await follow('keys.md', '--quick-add-key');
  await follow('keys.md', 'both.asc');
  const both = 'lifeboat-keys/both.asc';
  expect(await passedOn(both, 'lifeboat-escrow/escrow-private.asc', 'lifeboat-escrow/escrow.pass')).toBe('a row');
  expect(await passedOn(both, 'lifeboat-keys/private-key.asc', 'lifeboat-keys/private-key.pass')).toBe('a row');
  expect(made('lifeboat-escrow/escrow-private.asc').trim().split('\n')).toHaveLength(17);
});

test('the commands of docs/keys.md extend every key', async () => {
  const before = made('lifeboat-keys/public-key.asc');
  await follow('keys.md', '--quick-set-expire');
  expect(made('lifeboat-keys/public-key.asc')).not.toBe(before);
  expect(
    await passedOn('lifeboat-keys/public-key.asc', 'lifeboat-keys/private-key.asc', 'lifeboat-keys/private-key.pass'),
  ).toBe('a row');
  expect(await wrongWithSignature('signing-key')).toBe(null);
  expect(await wrongWithSignature('record-signing-key')).toBe(null);
});
