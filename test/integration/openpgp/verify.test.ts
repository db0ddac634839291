import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { signDetached } from '../../../src/openpgp/sign.ts';
import { verifyDetached } from '../../../src/openpgp/verify.ts';
import { gpg, newGnupgHome, type Person, people } from '../../support/action/gnupg.ts';
import { runFolder } from '../../support/servers/run.ts';

const NOW = new Date('2026-11-21T02:00:00Z');
const manifest = Buffer.from('{\n  "format": 1\n}\n');

let alice: Person;
let signer: Person;

beforeAll(async () => {
  ({ alice, signer } = await people());
});

/** Signs as a person does, at a time of gpg's own clock. */
function gpgSign(home: string, bytes: Buffer, time: Date, args: string[] = []): Promise<string> {
  const file = join(mkdtempSync(join(runFolder(), 'sign-')), 'manifest.json');
  writeFileSync(file, bytes);
  return gpg(home, [...at(time), '--armor', '--output', '-', ...args, '--detach-sign', file]);
}

/** With `!` the clock stands still: as often as gpg asks, it is this time. */
function at(time: Date): string[] {
  return ['--faked-system-time', `${time.toISOString().replace(/[-:]|\.\d+Z/g, '')}!`];
}

const days = (number: number) => new Date(Date.now() + number * 86_400_000);
const now = days(0);

describe('a signature', () => {
  test('of our own', async () => {
    const signature = await signDetached(manifest, signer.secretKey, null);
    await expect(verifyDetached(manifest, signature, signer.publicKey, new Date())).resolves.toBeNull();
  });

  test.each(['Curve25519', 'RSA'])('that gpg made with a key of %s', async (kind) => {
    const person = kind === 'RSA' ? alice : signer;
    const signature = await gpgSign(person.home, manifest, days(0.01));
    await expect(verifyDetached(manifest, signature, person.publicKey, now)).resolves.toBeNull();
  });

  test('by any of several keys that are given', async () => {
    const signature = await signDetached(manifest, signer.secretKey, null);
    const openpgp = await import('openpgp');
    const keys = await Promise.all([alice, signer].map(({ publicKey }) => openpgp.readKey({ armoredKey: publicKey })));
    const both = openpgp.armor(openpgp.enums.armor.publicKey, Buffer.concat(keys.map((key) => key.write())));
    await expect(verifyDetached(manifest, signature, both, new Date())).resolves.toBeNull();
  });

  test('by another key', async () => {
    const signature = await signDetached(manifest, alice.secretKey, null);
    await expect(verifyDetached(manifest, signature, signer.publicKey, new Date())).resolves.toMatch(
      /could not find signing key with key id/i,
    );
  });

  test.each([
    ['a byte more', Buffer.concat([manifest, Buffer.from('\n')])],
    ['a byte less', manifest.subarray(0, -1)],
    ['another byte', Buffer.from(manifest.toString().replace('1', '2'))],
    ['another end of line', Buffer.from(manifest.toString().replaceAll('\n', '\r\n'))],
    ['nothing', Buffer.of()],
  ])('over other bytes: %s', async (_, bytes) => {
    const signature = await signDetached(manifest, signer.secretKey, null);
    await expect(verifyDetached(bytes, signature, signer.publicKey, new Date())).resolves.toMatch(
      /digest did not match/,
    );
  });

  test('two of them, of which one is good', async () => {
    const two = await Promise.all([alice, signer].map(({ home }) => gpgSign(home, manifest, days(0.01))));
    const openpgp = await import('openpgp');
    const read = await Promise.all(two.map((armoredSignature) => openpgp.readSignature({ armoredSignature })));
    const both = openpgp.armor(
      openpgp.enums.armor.signature,
      Buffer.concat(read.map((signature) => Buffer.from(signature.write()))),
    );
    await expect(verifyDetached(manifest, both, signer.publicKey, now)).resolves.toBeNull();
    await expect(verifyDetached(manifest, both, alice.publicKey, now)).resolves.toBeNull();
  });

  test.each([
    ['nothing', ''],
    ['no armor', 'a signature'],
    ['an armor of nothing', '-----BEGIN PGP SIGNATURE-----\n\n=twTO\n-----END PGP SIGNATURE-----\n'],
  ])('is %s', async (_, signature) => {
    await expect(verifyDetached(manifest, signature, signer.publicKey, new Date())).resolves.toEqual(
      expect.stringMatching(/./),
    );
  });

  test('is a certificate', async () => {
    await expect(verifyDetached(manifest, signer.publicKey, signer.publicKey, new Date())).resolves.toEqual(
      expect.stringMatching(/./),
    );
  });

  test('is cut', async () => {
    const signature = await signDetached(manifest, signer.secretKey, null);
    const lines = signature.split('\n');
    const cut = [...lines.slice(0, 3), ...lines.slice(4)].join('\n');
    await expect(verifyDetached(manifest, cut, signer.publicKey, new Date())).resolves.toEqual(
      expect.stringMatching(/./),
    );
  });

  test('made over text with other ends of lines', async () => {
    const signature = await gpgSign(signer.home, manifest, days(0.01), ['--textmode']);
    await expect(verifyDetached(manifest, signature, signer.publicKey, now)).resolves.toBeNull();
  });
});

describe('its time', () => {
  /** A key that was made on the first of March 2026 and expired ten days later. */
  let home: string;
  let certificate: string;
  const MADE = new Date('2026-03-01T00:00:00Z');
  const WITHIN = new Date('2026-03-05T00:00:00Z');
  const AFTER = new Date('2026-04-01T00:00:00Z');

  beforeAll(async () => {
    home = newGnupgHome();
    const parameters = `Key-Type: EDDSA\nKey-Curve: ed25519\nName-Email: short@example.com\nExpire-Date: 10d\n%no-protection\n%commit\n`;
    await gpg(home, [...at(MADE), '--gen-key'], parameters);
    certificate = await gpg(home, [...at(MADE), '--armor', '--export']);
  });

  test('the key has expired since: the signature is as good as on the day it was made', async () => {
    const signature = await gpgSign(home, manifest, WITHIN);
    await expect(verifyDetached(manifest, signature, certificate, NOW)).resolves.toBeNull();
  });

  test('the key had expired before', async () => {
    const signature = await signAfterExpiry();
    await expect(verifyDetached(manifest, signature, certificate, NOW)).resolves.toMatch(/expired/);
  });

  /** gpg refuses to; whoever has stolen an old key does not. */
  async function signAfterExpiry(): Promise<string> {
    const openpgp = await import('openpgp');
    const armoredKey = await gpg(home, [...at(MADE), '--armor', '--export-secret-keys']);
    const key = await openpgp.readPrivateKey({ armoredKey });
    const longer = await openpgp.reformatKey({
      privateKey: key,
      userIDs: [{ email: 'short@example.com' }],
      keyExpirationTime: 0,
      date: MADE,
      format: 'object',
    });
    return openpgp.sign({
      message: await openpgp.createMessage({ binary: manifest }),
      signingKeys: longer.privateKey,
      date: AFTER,
      detached: true,
    });
  }

  test.each([
    { ahead: 'an hour', time: new Date('2026-03-05T01:00:00Z'), good: true },
    { ahead: 'two days', time: new Date('2026-03-07T00:00:00Z'), good: false },
  ])('it is from $ahead in the future', async ({ time, good }) => {
    const signature = await gpgSign(home, manifest, time);
    const wrong = await verifyDetached(manifest, signature, certificate, WITHIN);
    if (good) expect(wrong).toBeNull();
    else expect(wrong).toBe('it is from the future (2026-03-07T00:00:00.000Z)');
  });
});
