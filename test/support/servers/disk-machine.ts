import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HANG_LIMIT } from '../hang-limit.ts';
import { execute } from './execute.ts';
import { runFolder, serverEnvironment } from './run.ts';

/** How a shell script ended, and what it printed, both streams in one. */
export interface ScriptResult {
  /** The exit code, or the name of the signal. */
  end: string;
  output: string;
}

/**
 * Where a script is root, has a disk of its own that it may partition and encrypt, and a kernel with device-mapper.
 * What it mounts is seen by nobody else. Its working folder is shared with this machine.
 */
export interface DiskMachine {
  /** Such as `/dev/sda`. */
  disk: string;
  partition(number: number): string;
  run(script: string, folder: string, env: Record<string, string>): Promise<ScriptResult>;
}

/** The disk: a file with holes. */
const DISK_SIZE = 2 * 1024 ** 3;
const UML = '/usr/bin/linux.uml';
const UML_MODULES = '/usr/lib/uml/modules';

/**
 * This machine itself where its kernel can do it, else user-mode Linux; `panics`: that is all there is, and it cannot run on
 * this processor; null when there is neither.
 */
export async function diskMachine(): Promise<DiskMachine | 'panics' | null> {
  const image = join(mkdtempSync(join(runFolder(), 'disk-')), 'image');
  await execute('truncate', ['--size', String(DISK_SIZE), image]);
  const sudo = rootRights();
  if (hasDeviceMapper() && sudo !== null) return await thisMachine(image, sudo);
  if (!existsSync(UML)) return null;
  return hasAmx() ? 'panics' : userModeLinux(image);
}

/**
 * Linux 6.1 as a process has no room for the registers of AMX that ptrace gives and wants back whole
 * (arch/x86/um/os-Linux/registers.c): it panics at its first process, "set fp regs failed".
 */
function hasAmx(): boolean {
  return /\bamx_tile\b/.test(readFileSync('/proc/cpuinfo', 'utf8'));
}

/** The kernel says it: /dev/mapper/control is made by who asks in vain, too. */
export function hasDeviceMapper(): boolean {
  return readFileSync('/proc/misc', 'utf8').includes('device-mapper');
}

/** The words before a command that gives it root's rights; null when we cannot have them. */
function rootRights(): string[] | null {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : null;
}

async function thisMachine(image: string, sudo: string[]): Promise<DiskMachine> {
  const asRoot = (words: string[]) => {
    const [command = '', ...args] = [...sudo, ...words];
    return execute(command, args);
  };
  const disk = (await asRoot(['losetup', '--find'])).trim();
  return {
    disk,
    partition: (number) => `${disk}p${number}`,
    run: async (script, folder, env) => {
      const [init, result] = writeInit(script, folder, env);
      await asRoot(['losetup', '--partscan', disk, image]);
      try {
        await asRoot(['unshare', '--mount', 'sh', init]);
      } finally {
        await asRoot(['cryptsetup', 'close', 'cryptroot']).catch(() => {}); // It is not open when a step has failed.
        await asRoot(['losetup', '--detach', disk]);
      }
      return result();
    },
  };
}

/** Debian's package: a whole kernel that runs as one process of ours, over this machine's own files. */
function userModeLinux(image: string): DiskMachine {
  return {
    disk: '/dev/ubda',
    partition: (number) => `/dev/ubda${number}`,
    run: async (script, folder, variables) => {
      const [init, result] = writeInit(script, folder, variables, ['#!/bin/sh', ...umlBoot()], UML_END);
      const memory = existsSync('/dev/shm') ? '/dev/shm' : folder;
      const files = ['rootfstype=hostfs', 'rootflags=/', 'rw', `ubda=${image}`];
      const console = ['con=null', 'con0=null,fd:1', 'quiet', 'mem=512M'];
      const env = { ...serverEnvironment(), TMPDIR: memory };
      // It takes 15 s, and was seen to hang for ever.
      const limit = { signal: AbortSignal.timeout(HANG_LIMIT), killSignal: 'SIGKILL' } as const;
      await execute(UML, [...files, ...console, `init=${init}`], { env, ...limit });
      return result();
    },
  };
}

/** In this order; the rest is built in. */
const MODULES = [
  'crypto/cbc.ko',
  'crypto/ecb.ko',
  'crypto/xts.ko',
  'drivers/md/dm-mod.ko',
  'security/keys/encrypted-keys/encrypted-keys.ko',
  'drivers/md/dm-crypt.ko',
  'fs/nls/nls_cp437.ko',
  'fs/nls/nls_ascii.ko',
  'fs/nls/nls_iso8859-1.ko',
  'fs/nls/nls_utf8.ko',
  'fs/fat/fat.ko',
  'fs/fat/vfat.ko',
];

function umlBoot(): string[] {
  const [version = ''] = readdirSync(UML_MODULES);
  const files = MODULES.map((module) => join(UML_MODULES, version, 'kernel', module));
  return [
    'export PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    'mount -t proc proc /proc',
    'mount -t sysfs sysfs /sys',
    'mount -t tmpfs tmpfs /run',
    ...files.map((file) => `insmod ${file}`),
  ];
}

/** Switches the machine off; waits, for the kernel panics when its first process ends. */
const UML_END = ['echo o > /proc/sysrq-trigger', 'sleep 60'];

/** Writes what runs the script; with it, what reads afterwards how it ended. */
function writeInit(
  script: string,
  folder: string,
  env: Record<string, string>,
  before: string[] = [],
  after: string[] = [],
): [path: string, result: () => ScriptResult] {
  const [init, output, end] = ['init', 'output', 'end'].map((name) => join(folder, name)) as [string, string, string];
  const variables = Object.entries({ ...serverEnvironment(), HOME: folder, ...env });
  const lines = [
    ...before,
    ...variables.map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`),
    `cd '${folder}'`,
    `bash '${script}' > '${output}' 2>&1`,
    `echo $? > '${end}'`,
    ...after,
    '',
  ];
  writeFileSync(init, lines.join('\n'), { mode: 0o755 });
  return [init, () => ({ end: readFileSync(end, 'utf8').trim(), output: readFileSync(output, 'utf8') })];
}
