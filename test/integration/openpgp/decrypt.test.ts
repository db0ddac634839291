import { createCipheriv, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as openpgp from 'openpgp';
import { parsePublicKeys } from '../../../src/inputs/keys/keys.ts';
import { DamagedMessage, decrypt } from '../../../src/openpgp/decrypt.ts';
import { prepareEncryption } from '../../../src/openpgp/encrypt.ts';
import { CannotDecrypt } from '../../../src/openpgp/session-key.ts';
import type { DecryptionSettings } from '../../../src/openpgp/settings.ts';
import { newGnupgHome, type Person, people } from '../../support/action/gnupg.ts';
import { execute } from '../../support/servers/execute.ts';
import { bytesOf, failureOf } from '../../support/store/objects.ts';

const PASSPHRASE = 'correct horse';
const BLOCK = 2 ** 19;
const silent = { notice: () => {}, warning: () => {}, mask: () => {} };
const plain = bytesOf(2 * BLOCK + 12_345);

let alice: Person;
let bob: Person;
const withPassphrase: DecryptionSettings = { kind: 'passphrase', passphrases: [PASSPHRASE] };
let withAlicesKey: DecryptionSettings;
let withBobsKey: DecryptionSettings;

beforeAll(async () => {
  ({ alice, bob } = await people());
  withAlicesKey = { kind: 'private-key', keys: [await openpgp.readPrivateKey({ armoredKey: alice.secretKey })] };
  withBobsKey = { kind: 'private-key', keys: [await openpgp.readPrivateKey({ armoredKey: bob.secretKey })] };
});

async function encrypted(settings: Parameters<typeof prepareEncryption>[0], bytes: Buffer): Promise<Buffer> {
  const { encrypt } = await prepareEncryption(settings);
  return collect(encrypt(inChunks(bytes)));
}

const sealed = (bytes: Buffer) => encrypted({ kind: 'passphrase', passphrase: PASSPHRASE }, bytes);
const forAlice = (bytes: Buffer) => encrypted({ kind: 'public-key', armored: alice.publicKey }, bytes);

/** As a store gives them: chunks that know nothing of packets. */
async function* inChunks(bytes: Uint8Array, size = 65_521): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size));
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const opened = (message: Uint8Array, settings: DecryptionSettings) => collect(decrypt(inChunks(message), settings));

/** Runs gpg on a file of any bytes. */
async function gpgEncrypt(person: Person, args: string[], bytes: Buffer): Promise<Buffer> {
  const folder = newGnupgHome();
  const [from, to] = [join(folder, 'plain'), join(folder, 'sealed')];
  writeFileSync(from, bytes);
  const options = ['--batch', '--no-tty', '--quiet', '--trust-model', 'always', '--output', to];
  await execute('gpg', [...options, ...args, from], { env: { PATH: process.env.PATH, GNUPGHOME: person.home } });
  return readFileSync(to);
}

describe('a message with a passphrase', () => {
  test.each([0, 1, 100, 511, 512, BLOCK - 6, BLOCK - 5, 2 * BLOCK + 12_345])('of %d bytes', async (size) => {
    const bytes = plain.subarray(0, size);
    expect((await opened(await sealed(bytes), withPassphrase)).equals(bytes)).toBe(true);
  });

  test('that comes byte by byte', async () => {
    const bytes = plain.subarray(0, 300);
    expect((await collect(decrypt(inChunks(await sealed(bytes), 1), withPassphrase))).equals(bytes)).toBe(true);
  });

  test('the second passphrase fits', async () => {
    const passphrases = ['the new one', PASSPHRASE, 'another'];
    expect((await opened(await sealed(plain), { kind: 'passphrase', passphrases })).equals(plain)).toBe(true);
  });

  test.each([
    { passphrases: ['correct house'], says: 'The passphrase does not open it.' },
    { passphrases: ['a', 'b', 'c'], says: 'None of 3 passphrases opens it.' },
  ])('none of $passphrases.length fits', async ({ passphrases, says }) => {
    const error = await failureOf(opened(await sealed(plain), { kind: 'passphrase', passphrases }));
    expect(error).toBeInstanceOf(CannotDecrypt);
    expect(error.message).toContain(says);
    expect(error.message).toContain('previous-passphrases');
    for (const secret of passphrases.filter(({ length }) => length > 1)) expect(error.message).not.toContain(secret);
  });

  test('one for a public key is none', async () => {
    const error = await failureOf(opened(await forAlice(plain), withPassphrase));
    expect(error).toBeInstanceOf(CannotDecrypt);
    expect(error.message).toContain('Give private-key');
  });
});

describe('a message for a public key', () => {
  test.each([0, 1, BLOCK - 5, 2 * BLOCK + 12_345])('of %d bytes', async (size) => {
    const bytes = plain.subarray(0, size);
    expect((await opened(await forAlice(bytes), withAlicesKey)).equals(bytes)).toBe(true);
  });

  test('for several: each reads it, and of several keys the one that fits is found', async () => {
    const armored = await parsePublicKeys(`${alice.publicKey}\n${bob.publicKey}`, new Date(), silent);
    const message = await encrypted({ kind: 'public-key', armored }, plain);
    expect((await opened(message, withAlicesKey)).equals(plain)).toBe(true);
    expect((await opened(message, withBobsKey)).equals(plain)).toBe(true);
    const keys = [withBobsKey, withAlicesKey].flatMap((settings) => ('keys' in settings ? settings.keys : []));
    expect((await opened(await forAlice(plain), { kind: 'private-key', keys })).equals(plain)).toBe(true);
  });

  test.each([
    ['as it comes', []],
    ['for nobody that is named', ['--throw-keyids']],
    ['without compression', ['--compress-algo', 'none']],
  ])('made by gpg, %s', async (_, args) => {
    const message = await gpgEncrypt(alice, ['--encrypt', '--recipient', alice.fingerprint, ...args], plain);
    expect((await opened(message, withAlicesKey)).equals(plain)).toBe(true);
  });

  test('another key does not open it', async () => {
    const error = await failureOf(opened(await forAlice(plain), withBobsKey));
    expect(error).toBeInstanceOf(CannotDecrypt);
    expect(error.message).toContain('private-key');
  });

  test('one with a passphrase is none', async () => {
    const error = await failureOf(opened(await sealed(plain), withAlicesKey));
    expect(error).toBeInstanceOf(CannotDecrypt);
    expect(error.message).toContain('Give passphrase');
  });
});

describe.each(['passphrase', 'public key'])('a message with a %s that is not as it was', (kind) => {
  const message = () => (kind === 'passphrase' ? sealed(plain) : forAlice(plain));
  const settings = () => (kind === 'passphrase' ? withPassphrase : withAlicesKey);
  const withOther = (): DecryptionSettings =>
    kind === 'passphrase' ? { kind: 'passphrase', passphrases: ['correct house'] } : withBobsKey;
  /** Where the encrypted data begins: the packets before it hold the session key. */
  const head = () => (kind === 'passphrase' ? 48 : 400);

  test.each([
    ['its first packet alone', () => 40],
    ['nothing but its head', () => head() + 100],
    ['the half of it', (size: number) => size >> 1],
    ['one block of it', () => head() + BLOCK + 20],
    ['all but its last byte', (size: number) => size - 1],
    ['all but its modification code', (size: number) => size - 22],
    ['all but the end of its literal packet', (size: number) => size - 30],
  ])('cut: %s', async (_, length) => {
    const bytes = await message();
    const error = await failureOf(opened(bytes.subarray(0, length(bytes.length)), settings()));
    expect(error).toBeInstanceOf(DamagedMessage);
  });

  test.each([
    ['after its head', () => head() + 200],
    ['in the middle', (size: number) => size >> 1],
    ['in a length of a packet', () => (kind === 'passphrase' ? 49 : 398)],
    ['before the modification code', (size: number) => size - 23],
    ['in the modification code', (size: number) => size - 10],
    ['in the last byte', (size: number) => size - 1],
  ])('a bit flipped %s', async (_, at) => {
    const bytes = await message();
    const place = at(bytes.length);
    bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
    const error = await failureOf(opened(bytes, settings()));
    expect([DamagedMessage, CannotDecrypt].some((type) => error instanceof type)).toBe(true);
  });

  test('every byte of its beginning and of its end flipped, one after the other', async () => {
    const bytes = kind === 'passphrase' ? await sealed(plain.subarray(0, 64)) : await forAlice(plain.subarray(0, 64));
    // A guess of a passphrase takes its time.
    const step = kind === 'passphrase' ? 5 : 7;
    for (let at = 0; at < bytes.length; at += step) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x10, at);
      const outcome = await opened(changed, settings()).then(
        (result) => (result.equals(plain.subarray(0, 64)) ? 'the same bytes' : 'other bytes'),
        (error: Error) => error.name,
      );
      // A key id or a file's date may differ without any harm; other bytes may never come out.
      expect({ at, outcome }).toEqual({
        at,
        outcome: expect.stringMatching(/^(DamagedMessage|CannotDecrypt|the same bytes)$/),
      });
    }
  });

  test('two blocks changed places', async () => {
    const bytes = await message();
    const [a, b] = [head() + 1000, head() + 2024];
    const swapped = Buffer.concat([
      bytes.subarray(0, a),
      bytes.subarray(b, b + 1024),
      bytes.subarray(a, b),
      bytes.subarray(b + 1024),
    ]);
    await expect(opened(swapped, settings())).rejects.toBeInstanceOf(DamagedMessage);
  });

  test('nothing at all', async () => {
    await expect(opened(Buffer.of(), settings())).rejects.toBeInstanceOf(DamagedMessage);
  });

  test('something else', async () => {
    await expect(opened(bytesOf(1000), settings())).rejects.toBeInstanceOf(DamagedMessage);
  });

  test('another message behind it', async () => {
    const bytes = Buffer.concat([await message(), await message()]);
    await expect(opened(bytes, settings())).rejects.toBeInstanceOf(DamagedMessage);
  });

  test('other bytes behind it', async () => {
    const bytes = Buffer.concat([await message(), Buffer.from('more')]);
    await expect(opened(bytes, settings())).rejects.toBeInstanceOf(DamagedMessage);
  });

  test.each([0, 1, 100_000])('its source fails after %d bytes: that is what is told', async (after) => {
    const bytes = await message();
    const source = async function* () {
      yield* inChunks(bytes.subarray(0, after));
      throw new Error('the store has failed');
    };
    await expect(collect(decrypt(source(), settings()))).rejects.toThrow(/^the store has failed$/);
  });

  test.each(['its reader stops early', 'it cannot be opened'])('its source is closed when %s', async (when) => {
    const bytes = await message();
    let closed = false;
    const source = async function* () {
      try {
        yield* inChunks(bytes);
      } finally {
        closed = true;
      }
    };
    if (when === 'it cannot be opened') await failureOf(collect(decrypt(source(), withOther())));
    else for await (const _ of decrypt(source(), settings())) break;
    expect(closed).toBe(true);
  });
});

test('a message without a modification code is refused', async () => {
  const sessionKey = randomBytes(32);
  const literal = Buffer.concat([Buffer.of(0xcb, 6 + 5, 0x62, 0, 0, 0, 0, 0), Buffer.from('plain')]);
  const cipher = createCipheriv('aes-256-cfb', sessionKey, Buffer.alloc(16));
  const random = randomBytes(16);
  const body = cipher.update(Buffer.concat([random, random.subarray(-2), literal]));
  const wrapped = await openpgp.encryptSessionKey({
    data: sessionKey,
    algorithm: 'aes256',
    encryptionKeys: await openpgp.readKey({ armoredKey: alice.publicKey }),
    format: 'binary',
  });
  /** Packet 9, Symmetrically Encrypted Data (RFC 9580, section 5.7). */
  const message = Buffer.concat([wrapped, Buffer.of(0xc9, body.length), body]);
  const error = await failureOf(opened(message, withAlicesKey));
  expect(error).toBeInstanceOf(DamagedMessage);
  expect(error.message).toMatch(/not authenticated/);
});
