import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute } from './execute.ts';
import { runFolder, serverEnvironment } from './run.ts';

/** A restic repository that holds snapshots of nothing: what `restic forget` makes of them is what it is for. */
export interface ResticRepository {
  /** Makes a snapshot at each of the times, apart from those of other hosts. */
  addSnapshots(host: string, times: Date[]): void;
  /** What `restic forget` with these options would keep: for each host the times, newest first. */
  forget(options: string[]): Promise<Map<string, Date[]>>;
  /** Such as 0.14. */
  version: number;
}

export async function newResticRepository(): Promise<ResticRepository> {
  const folder = join(mkdtempSync(join(runFolder(), 'restic-')), 'repository');
  const restic = (args: string[]) =>
    execute('restic', [...args, '--repo', folder, '--no-cache'], {
      env: { ...serverEnvironment(), RESTIC_PASSWORD: 'test', TZ: 'UTC' },
    });
  await restic(['init', '--repository-version', '1']);
  const keys = keysOf(JSON.parse(await restic(['cat', 'masterkey'])));
  mkdirSync(join(folder, 'snapshots'), { recursive: true });
  return {
    version: Number(/^restic 0\.(\d+)/.exec(await restic(['version']))?.[1]) / 100,
    addSnapshots: (hostname, times) => {
      for (const time of times) {
        const snapshot = { time: time.toISOString(), tree: '0'.repeat(64), paths: ['/x'], hostname };
        const bytes = sealed(Buffer.from(JSON.stringify(snapshot)), keys);
        writeFileSync(join(folder, 'snapshots', createHash('sha256').update(bytes).digest('hex')), bytes);
      }
    },
    forget: async (options) => {
      const groups = JSON.parse(await restic(['forget', '--dry-run', '--json', '--group-by', 'host', ...options]));
      return new Map(groups.map(({ host, keep }: ForgottenGroup) => [host, datesOf(keep)]));
    },
  };
}

interface ForgottenGroup {
  host: string;
  keep: { time: string }[] | null;
}

function datesOf(snapshots: ForgottenGroup['keep']): Date[] {
  const dates = (snapshots ?? []).map(({ time }) => new Date(time));
  return dates.sort((a, b) => b.getTime() - a.getTime());
}

interface Keys {
  encrypt: Buffer;
  /** AES key and r of Poly1305-AES. */
  k: Buffer;
  r: Buffer;
}

function keysOf({ encrypt, mac }: { encrypt: string; mac: { k: string; r: string } }): Keys {
  const [key, k, r] = [encrypt, mac.k, mac.r].map((text) => Buffer.from(text, 'base64'));
  return { encrypt: key, k, r } as Keys;
}

/** `restic backup` takes half a second for a snapshot. restic's own design document says how a file of one is made. */
function sealed(plain: Buffer, { encrypt, k, r }: Keys): Buffer {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-ctr', encrypt, iv);
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  const nonce = createCipheriv('aes-128-ecb', k, null).setAutoPadding(false).update(iv);
  return Buffer.concat([iv, encrypted, poly1305(encrypted, r, nonce)]);
}

/** RFC 8439, 2.5. */
function poly1305(message: Buffer, r: Buffer, s: Buffer): Buffer {
  const key = littleEndian(r) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let start = 0; start < message.length; start += 16) {
    const block = Buffer.concat([message.subarray(start, start + 16), Buffer.of(1)]);
    sum = ((sum + littleEndian(block)) * key) % (2n ** 130n - 5n);
  }
  const tag = (sum + littleEndian(s)) % 2n ** 128n;
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}
