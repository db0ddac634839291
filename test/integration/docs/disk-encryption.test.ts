import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runBlocks } from '../../support/runbooks/run-blocks.ts';
import { diskMachine } from '../../support/servers/disk-machine.ts';
import { execute } from '../../support/servers/execute.ts';
import { notRun } from '../../support/servers/not-run.ts';
import { runFolder, serverEnvironment } from '../../support/servers/run.ts';

/*
 * The commands of docs/runbooks/disk-encryption.md as they stand there. Partitioning, opening and mounting need a kernel
 * with device-mapper; what only reads and writes the LUKS header runs on a file.
 */
const FIRST = 'correct horse battery staple';
const SECOND = 'another set of words';
const THIRD = 'words of a new custodian';

const machine = await diskMachine();
if (machine === null) {
  notRun('opening an encrypted disk', 'neither device-mapper with root rights nor user-mode Linux is there');
} else if (machine === 'panics') {
  const why = 'user-mode Linux panics on a processor with AMX, and this kernel has no device-mapper';
  notRun('opening an encrypted disk', why, { hopeless: true });
}

function newFolder(): string {
  return mkdtempSync(join(runFolder(), 'luks-'));
}

/** The environment of the commands, with a cryptsetup whose passphrases take milliseconds to try, and not two seconds. */
function quickEnvironment(): Record<string, string> {
  const bin = newFolder();
  const quick = '--pbkdf-force-iterations 4 --pbkdf-memory 1024';
  const line = `case "$1" in luksFormat | luksAddKey) set -- "$@" ${quick} ;; esac\nexec "$(PATH="$REST" command -v cryptsetup)" "$@"`;
  writeFileSync(join(bin, 'cryptsetup'), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  const { PATH = '', ...env } = serverEnvironment();
  return { ...env, PATH: `${bin}:${PATH}`, REST: PATH };
}

describe('the whole disk', () => {
  // Where it is hopeless it is listed once, above, and not as skipped too.
  if (machine !== 'panics')
    (machine === null ? test.skip : test)('packed, partitioned, encrypted for two custodians, unpacked', async () => {
      if (machine === null) return;
      const folder = newFolder();
      mkdirSync(join(folder, 'installed', 'boot', 'efi'), { recursive: true });
      mkdirSync(join(folder, 'installed', 'etc'));
      writeFileSync(join(folder, 'installed', 'boot', 'vmlinuz-6.1.0'), 'a kernel');
      const { disk, partition } = machine;
      const values = { DISK: disk, SYSTEM: partition(1), ESP: partition(2), BOOT: partition(3), CRYPT: partition(4) };
      // An installation as a provider makes it.
      const before = `sgdisk --new=1:0:0 ${disk} && mkfs.ext4 -q -d installed ${partition(1)}`;
      const typed = {
        'cryptsetup luksFormat': `${FIRST}\n`,
        'cryptsetup luksAddKey': `${FIRST}\n${SECOND}\n`,
        'cryptsetup open --test-passphrase': `${FIRST}\n`,
        'cryptsetup open "$CRYPT"': `${SECOND}\n`,
      };
      await runBlocks('disk-encryption', 'disk', {
        folder,
        env: quickEnvironment(),
        values,
        typed,
        before,
        shell: machine.run,
      });
    });
});

describe('the LUKS header', () => {
  /** A container in a file, with two custodians. */
  async function newContainer(): Promise<{ folder: string; env: Record<string, string> & { CRYPT: string } }> {
    const folder = newFolder();
    const env = { ...quickEnvironment(), HOME: folder, CRYPT: join(folder, 'container') };
    await execute('truncate', ['--size', '32M', env.CRYPT]);
    await cryptsetup(env, ['luksFormat', '--type', 'luks2', env.CRYPT], `${FIRST}\n`);
    await cryptsetup(env, ['luksAddKey', env.CRYPT], `${FIRST}\n${SECOND}\n`);
    return { folder, env };
  }

  function cryptsetup(env: Record<string, string>, args: string[], input = ''): Promise<string> {
    return execute('sh', ['-c', 'cryptsetup "$@"', 'sh', ...args], { env, input });
  }

  const opens = (env: Record<string, string>, passphrase: string) =>
    cryptsetup(env, ['open', '--test-passphrase', env.CRYPT ?? ''], `${passphrase}\n`);

  test('one that is damaged comes back from its copy', async () => {
    const { folder, env } = await newContainer();
    await cryptsetup(env, ['luksHeaderBackup', env.CRYPT, '--header-backup-file', join(folder, 'luks-header.img')]);
    await execute('dd', ['if=/dev/zero', `of=${env.CRYPT}`, 'bs=1M', 'count=4', 'conv=notrunc', 'status=none']);
    await expect(opens(env, FIRST)).rejects.toThrow(/is not a valid LUKS device/);
    await runBlocks('disk-encryption', 'header', { folder, env, values: {} });
    await opens(env, FIRST);
    await opens(env, SECOND);
  });

  test('a custodian leaves: the new passphrase opens it, the old one does not', async () => {
    const { folder, env } = await newContainer();
    const typed = {
      'cryptsetup luksAddKey': `${FIRST}\n${THIRD}\n`,
      'cryptsetup open --test-passphrase': `${THIRD}\n`,
      'cryptsetup luksRemoveKey': `${SECOND}\n`,
    };
    await runBlocks('disk-encryption', 'rotate', { folder, env, values: {}, typed });
    await opens(env, FIRST);
    await expect(opens(env, SECOND)).rejects.toThrow(/No key available with this passphrase/);
  });
});

test('what lies on which device is shown', async () => {
  const folder = newFolder();
  await runBlocks('disk-encryption', 'check', { folder, env: serverEnvironment(), values: {} });
});
