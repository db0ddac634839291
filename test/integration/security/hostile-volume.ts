import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { prepareEncryption } from '../../../src/openpgp/encrypt.ts';
import { execute } from '../../support/servers/execute.ts';
import type { PostgresServer } from '../../support/servers/postgres.ts';
import { runFolder } from '../../support/servers/run.ts';

/** What an attacker does who may write the store: volumes of the right size that anyone can encrypt for a public key. */
export interface Attacker {
  /** Plain bytes of an archive whose head runs a program of the attacker's, as soon as it is restored. */
  archive: Buffer;
  /** Whether a program of the attacker's has run since the last call. */
  hasStruck(): boolean;
}

/** `server`: where the attacker makes the archive; it need not be the victim's. */
export async function makeAttacker(server: PostgresServer): Promise<Attacker> {
  const database = `attacker_${randomBytes(3).toString('hex')}`;
  const folder = mkdtempSync(join(runFolder(), 'struck-'));
  chmodSync(folder, 0o777);
  const proof = join(folder, 'proof');
  await server.createDatabase(database);
  // The rows of "a" come first, and its constraint runs the program; those of "z" hold back the end of the stream until then.
  await server.psql(
    database,
    `create function strike() returns boolean language plpgsql as
      $$ begin copy (select 1) to program 'cat > /dev/null; touch ${proof}'; return true; end $$;
    create table a (x int check (public.strike()));
    insert into a values (1);
    create table z as select repeat('z', 1000) as filler from generate_series(1, 40000);`,
  );
  const file = join(folder, 'archive');
  await execute('pg_dump', ['-Fc', '-Z0', '--no-owner', '-f', file], {
    env: { ...process.env, ...server.env(database) },
  });
  await server.dropDatabase(database);
  const attacker = {
    archive: readFileSync(file),
    hasStruck: () => {
      try {
        rmSync(proof);
        return true;
      } catch {
        return false;
      }
    },
  };
  attacker.hasStruck();
  return attacker;
}

/** A tar archive with a program that runs as root, wherever root unpacks it. */
export function setuidTree(): Buffer {
  const folder = mkdtempSync(join(runFolder(), 'tree-'));
  writeFileSync(join(folder, 'backdoor'), '#!/bin/sh\n');
  chmodSync(join(folder, 'backdoor'), 0o4755);
  // Enough of what follows it that it comes out of every buffer.
  writeFileSync(join(folder, 'filler'), Buffer.alloc(64 * 1024 * 1024, 'z'));
  return execFileSync('tar', ['--format=pax', '--sort=name', '-cf', '-', './'], { cwd: folder, maxBuffer: 1 << 28 });
}

/** A volume of exactly `size` bytes that begins as a message with these plain bytes; the rest is junk. */
export async function hostileVolume(plain: Buffer, publicKey: string, size: number): Promise<Buffer> {
  const content = Buffer.concat([zstdCompressSync(plain), randomBytes(size)]);
  const encryption = await prepareEncryption({ kind: 'public-key', armored: publicKey } as never);
  const pieces: Buffer[] = [];
  // The memory of a chunk is used again for the next.
  for await (const chunk of encryption.encrypt(chunksOf(content))) pieces.push(Buffer.from(chunk));
  return Buffer.concat(pieces).subarray(0, size);
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
