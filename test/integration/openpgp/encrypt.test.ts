import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { prepareEncryption } from '../../../src/openpgp/encrypt.ts';

/* What is written here must be read by GnuPG, not just by the library that wrote it. */
let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'lb-gpg-'));
});
afterAll(() => {
  execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
  rmSync(home, { recursive: true });
});

function gpg(args: string[], input: Uint8Array, passphrase?: string): Buffer {
  const options = ['--homedir', home, '--batch', '--no-tty', '--quiet', '--pinentry-mode', 'loopback'];
  const file = join(home, 'passphrase');
  if (passphrase !== undefined) writeFileSync(file, passphrase, { mode: 0o600 });
  const withPassphrase = passphrase === undefined ? [] : ['--passphrase-file', file];
  return execFileSync('gpg', [...options, ...withPassphrase, ...args], { input, stdio: 'pipe', maxBuffer: 2 ** 28 });
}

async function encrypted(settings: Parameters<typeof prepareEncryption>[0], plain: Buffer): Promise<Buffer> {
  const { encrypt } = await prepareEncryption(settings);
  const chunks: Uint8Array[] = [];
  for await (const chunk of encrypt(Readable.from([plain], { objectMode: false }))) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const BLOCK = 2 ** 19;
/** The literal packet has 6 bytes before the data, the message 19 before that packet, and 22 after it. */
const sizes = [0, 1, 511, 512, 65_536, BLOCK - 7, BLOCK - 6, BLOCK - 5, BLOCK - 53, 2 * BLOCK - 6, 3_000_001];

describe('with a passphrase', () => {
  test.each(sizes)('%d bytes are read by gpg', async (size) => {
    const plain = Buffer.alloc(size, 'lifeboat');
    const message = await encrypted({ kind: 'passphrase', passphrase: 'correct horse' }, plain);
    expect(gpg(['--decrypt'], message, 'correct horse').equals(plain)).toBe(true);
  });

  test.each(['x'.repeat(255), 'pässwörd 🛟 with spaces', '        leading and trailing  ', 'quo\'te"\\$'])(
    'the passphrase may be %j',
    async (passphrase) => {
      const message = await encrypted({ kind: 'passphrase', passphrase }, Buffer.from('plain'));
      expect(gpg(['--decrypt'], message, passphrase).toString()).toBe('plain');
    },
  );

  test('another passphrase does not read it', async () => {
    const message = await encrypted({ kind: 'passphrase', passphrase: 'correct horse' }, Buffer.from('plain'));
    expect(() => gpg(['--decrypt'], message, 'correct house')).toThrow(/Bad session key|decryption failed/);
  });

  test('one changed byte is seen', async () => {
    const message = await encrypted({ kind: 'passphrase', passphrase: 'correct horse' }, Buffer.alloc(10_000));
    message[5_000] = (message[5_000] ?? 0) ^ 1;
    expect(() => gpg(['--decrypt'], message, 'correct horse')).toThrow(/manipulated/);
  });

  test('G5: AES-256, a modification check, and the strongest count', async () => {
    const message = await encrypted({ kind: 'passphrase', passphrase: 'correct horse' }, Buffer.from('plain'));
    const packets = gpg(['--list-packets'], message, 'correct horse').toString();
    expect(packets).toMatch(/symkey enc packet: version 4, cipher 9, .*s2k 3, hash 8/);
    expect(packets).toMatch(/count 65011712 \(255\)/);
    expect(packets).toMatch(/mdc_method: 2/);
    expect(packets).not.toMatch(/compressed packet/);
  });

  test('each message has a key and a salt of its own', async () => {
    const { encrypt } = await prepareEncryption({ kind: 'passphrase', passphrase: 'correct horse' });
    const [first, second] = await Promise.all(
      ['a', 'b'].map(async () => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of encrypt(Readable.from([Buffer.alloc(64)], { objectMode: false })))
          chunks.push(Buffer.from(chunk));
        return Buffer.concat(chunks);
      }),
    );
    expect(first?.subarray(6, 14).equals(second?.subarray(6, 14) ?? Buffer.of())).toBe(false);
    expect(first?.subarray(-40).equals(second?.subarray(-40) ?? Buffer.of())).toBe(false);
  });
});

test('a source that fails does not end in a whole message', async () => {
  const { encrypt } = await prepareEncryption({ kind: 'passphrase', passphrase: 'correct horse' });
  const source = Readable.from(
    (async function* () {
      yield Buffer.alloc(100_000);
      throw new Error('torn');
    })(),
    { objectMode: false },
  );
  const read = async () => {
    for await (const chunk of encrypt(source)) void chunk;
  };
  await expect(read()).rejects.toThrow('torn');
});

describe('for certificates', () => {
  function makeKey(name: string, algorithm: string): string {
    gpg(
      ['--passphrase', '', '--quick-generate-key', `${name} <${name}@example.com>`, algorithm, 'default', 'never'],
      Buffer.of(),
    );
    return gpg(['--armor', '--export', `${name}@example.com`], Buffer.of()).toString();
  }

  test.each(['default', 'future-default'])(
    'gpg reads what is for its own %s key, and AES-256 is used',
    async (algorithm) => {
      const armored = makeKey(algorithm, algorithm);
      const message = await encrypted({ kind: 'public-key', armored }, Buffer.from('plain'));
      expect(gpg(['--decrypt'], message).toString()).toBe('plain');
      const { describe: described } = await prepareEncryption({ kind: 'public-key', armored });
      expect(described).toEqual({ kind: 'public-key', recipients: [expect.stringMatching(/^[0-9A-F]{40}$/)] });
      const shown = gpg(['--show-session-key', '--decrypt', '--status-fd', '1'], message).toString();
      expect(shown).toMatch(/DECRYPTION_INFO 2 9/);
    },
  );
});
