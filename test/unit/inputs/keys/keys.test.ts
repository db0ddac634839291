import { describe, expect, test } from '@jest/globals';
import * as openpgp from 'openpgp';
import {
  describeRecipients,
  describeSigners,
  parsePublicKeys,
  parseSigningKey,
} from '../../../../src/inputs/keys/keys.ts';
import { checkDetached } from '../../../../src/openpgp/verify.ts';
import { KEY_PASSPHRASE, makeTestKeys } from '../../../support/data/test-keys.ts';
import { RecordingLog } from '../../../support/recording-log.ts';

const keys = await makeTestKeys();
const now = new Date();

async function fingerprintsOf(armored: string): Promise<string[]> {
  return (await openpgp.readKeys({ armoredKeys: armored })).map((key) => key.getFingerprint());
}

describe('public-key', () => {
  test('several certificates, pasted one after another, become one armored block', async () => {
    const log = new RecordingLog();
    const armored = await parsePublicKeys(`${keys.public}\n${keys.otherPublic}`, now, log);
    expect(armored.match(/-----BEGIN/g)).toHaveLength(1);
    expect(await fingerprintsOf(armored)).toEqual([
      ...(await fingerprintsOf(keys.public)),
      ...(await fingerprintsOf(keys.otherPublic)),
    ]);
    expect([log.notices, log.warnings]).toEqual([[], []]);
  });

  test('the same certificate twice counts once, with a notice', async () => {
    const log = new RecordingLog();
    const armored = await parsePublicKeys(keys.public + keys.public, now, log);
    expect(await fingerprintsOf(armored)).toHaveLength(1);
    expect(log.notices).toEqual([expect.stringMatching(/is listed twice/)]);
  });

  test.each([
    ['literal \\n', (key: string) => key.replaceAll('\n', '\\n')],
    ['literal \\r\\n', (key: string) => key.replaceAll('\n', '\\r\\n')],
    ['CRLF', (key: string) => key.replaceAll('\n', '\r\n')],
    ['indentation', (key: string) => key.replaceAll('\n', '\n    ')],
    ['blanks at line ends', (key: string) => key.replaceAll('\n', '  \n')],
    ['quotes', (key: string) => `"${key.replaceAll('\n', '\\n')}"`],
    ['text around it', (key: string) => `Our key:\n${key}\nKeep it.`],
    ['a headline in the armor', (key: string) => key.replace('-----\n', '-----\nComment: for backups\n')],
  ])('%s is undone', async (_, spoil) => {
    const spoilt = spoil(keys.public);
    expect(spoilt).not.toBe(keys.public);
    const armored = await parsePublicKeys(spoilt, now, new RecordingLog());
    expect(await fingerprintsOf(armored)).toEqual(await fingerprintsOf(keys.public));
  });

  test('G3: a key that expires within 30 days is taken, with a warning that names the day', async () => {
    const log = new RecordingLog();
    await parsePublicKeys(keys.expiring, now, log);
    const day = new Date(now.getTime() + 10 * 86_400_000).toISOString().slice(0, 10);
    expect(log.warnings).toEqual([expect.stringContaining(`expires on ${day}; from then on backups fail`)]);
    await expect(parsePublicKeys(keys.expiring, new Date(now.getTime() + 11 * 86_400_000), log)).rejects.toThrow(
      `expired on ${day}`,
    );
  });

  test('rejects an RSA key that is too short', async () => {
    const weak = await openpgp.generateKey({
      type: 'rsa',
      rsaBits: 1024,
      userIDs: [{ email: 'weak@example.com' }],
      config: { minRSABits: 1024 },
    });
    await expect(parsePublicKeys(weak.publicKey, new Date(), new RecordingLog())).rejects.toThrow(
      /RSA keys shorter than 2047/,
    );
  });
});

describe('signing-key', () => {
  test('unlocked', async () => {
    const log = new RecordingLog();
    const key = await parseSigningKey(keys.private.replaceAll('\n', '\\n'), null, now, log);
    expect((await openpgp.readPrivateKey({ armoredKey: key })).isDecrypted()).toBe(true);
    expect(log.notices).toEqual([]);
  });

  test('locked: it is handed on locked', async () => {
    const key = await parseSigningKey(keys.locked, KEY_PASSPHRASE, now, new RecordingLog());
    expect((await openpgp.readPrivateKey({ armoredKey: key })).isDecrypted()).toBe(false);
  });

  test('a passphrase that is not needed gives a notice', async () => {
    const log = new RecordingLog();
    await parseSigningKey(keys.private, KEY_PASSPHRASE, now, log);
    expect(log.notices).toEqual([expect.stringMatching(/^signing-key-passphrase: the key is not locked/)]);
  });
});

describe('keys that are watched over', () => {
  test('recipients: the subkey in use and when it ends, whatever is wrong with it', async () => {
    const DAY = 86_400_000;
    const [good, expiring, subkey, revoked, signOnly] = await describeRecipients(
      [keys.public, keys.expiring, keys.expiredSubkey, keys.revoked, keys.signOnly].join('\n'),
      now,
    );
    const key = await openpgp.readKey({ armoredKey: keys.public });
    expect(good).toEqual({
      name: `key ${key.getFingerprint().toUpperCase()}`,
      problem: null,
      expires: null,
      subkey: (await key.getEncryptionKey()).getFingerprint().toUpperCase(),
    });
    expect(expiring).toMatchObject({ problem: null, subkey: expect.stringMatching(/^[0-9A-F]{40}$/) });
    expect((Date.parse(expiring?.expires ?? '') - now.getTime()) / DAY).toBeCloseTo(10, 1);
    expect(subkey).toMatchObject({
      problem: expect.stringMatching(/^has an encryption subkey that expired on 2020-01-31/),
      expires: '2020-01-31T00:00:00.000Z',
      subkey: expect.stringMatching(/^[0-9A-F]{40}$/),
    });
    expect(revoked?.problem).toMatch(/^is revoked/);
    expect(signOnly).toMatchObject({ problem: expect.stringMatching(/^has no subkey that can encrypt/), subkey: null });
  });

  test('who may have signed: a signature names one of them', async () => {
    const [first, ...others] = await describeSigners(`${keys.public}\n${keys.expired}`);
    const key = await openpgp.readKey({ armoredKey: keys.public });
    expect(first).toEqual({
      name: `key ${key.getFingerprint().toUpperCase()}`,
      keyId: key.getKeyID().toHex(),
      expires: null,
    });
    expect(others.map(({ expires }) => expires)).toEqual([
      null,
      '2020-01-31T00:00:00.000Z',
      '2020-01-31T00:00:00.000Z',
    ]);
    const message = await openpgp.createMessage({ text: 'x' });
    const signingKeys = await openpgp.readPrivateKey({ armoredKey: keys.private });
    const signature = await openpgp.sign({ message, signingKeys, detached: true });
    expect(await checkDetached(Buffer.from('x'), signature, keys.public, now)).toEqual({ signer: first?.keyId });
  });
});
