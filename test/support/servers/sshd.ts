import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { startDaemon, waitUntilReady } from './daemon.ts';
import { execute } from './execute.ts';
import { freePort } from './free-port.ts';
import { oncePerRun } from './run.ts';

/**
 * What a server lets a key do. `shell`: everything; `chroot`: SFTP in a folder that it takes for the root of the file
 * system, as storage boxes do; `rrsync`: rsync below a folder and nothing else.
 */
export type SshForm = 'shell' | 'chroot' | 'rrsync';

/** An OpenSSH server on 127.0.0.1, and what logs in there. */
export interface SshServer {
  /** Of the process that listens; each connection has a child of it. */
  pid: number;
  port: number;
  user: string;
  /** A private key, as a file of it. */
  key: string;
  /** The server's lines of known_hosts. */
  knownHosts: string;
  /** The folder that tests write below. */
  folder: string;
  /** What the server calls that folder. */
  root: string;
}

/** Only root may change the root of the file system; the rest runs as anybody. */
export const canChroot = process.getuid?.() === 0;

/** The server of a form that all tests of the run share. */
export function ensureSshd(form: SshForm): Promise<SshServer> {
  return oncePerRun(`sshd-${form}`, (folder) => startSshd(form, folder));
}

/** Starts one in a folder that is there. It ends with the run. */
export async function startSshd(form: SshForm, folder: string): Promise<SshServer> {
  const port = await freePort();
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o755 });
  chmodSync(data, 0o755);
  for (const [file, type] of [
    ['host_ed25519', 'ed25519'],
    ['host_ecdsa', 'ecdsa'],
    ['key', 'ed25519'],
  ] as const) {
    await execute('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', '', '-f', join(folder, file)]);
  }
  const restricted = form === 'rrsync' ? `command="rrsync ${data}",restrict ` : '';
  writeFileSync(join(folder, 'authorized_keys'), restricted + readFileSync(join(folder, 'key.pub'), 'utf8'));
  writeFileSync(join(folder, 'sshd_config'), configuration(form, folder, port));
  const { uid, username } = userInfo();
  // Before it changes to another user the server goes into this empty folder.
  if (uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const command = [sshd(), '-D', '-e', '-f', join(folder, 'sshd_config')];
  // Every folder above a chroot must be root's alone, and /tmp is not: the server sees the data under /mnt instead.
  const mounted = ['unshare', '--mount', 'sh', '-c', `mount --bind "$0" /mnt && exec "$@"`, data, ...command];
  const [program = '', ...args] = form === 'chroot' ? mounted : command;
  const daemon = await startDaemon(program, args, { cwd: folder, logFile: join(folder, 'sshd.log') });
  await waitUntilReady(daemon, () => answers(port));
  const hostKeys = ['host_ed25519', 'host_ecdsa'].map((name) => readFileSync(join(folder, `${name}.pub`), 'utf8'));
  return {
    pid: daemon.pid,
    port,
    user: username,
    key: readFileSync(join(folder, 'key'), 'utf8'),
    knownHosts: hostKeys.map((key) => `[127.0.0.1]:${port} ${key}`).join(''),
    folder: data,
    root: form === 'shell' ? data : '',
  };
}

/** One key exchange that is fast: the default, with its post-quantum half, costs 80 ms a connection. */
function configuration(form: SshForm, folder: string, port: number): string {
  return `ListenAddress 127.0.0.1
Port ${port}
PidFile none
HostKey ${folder}/host_ed25519
HostKey ${folder}/host_ecdsa
AuthorizedKeysFile ${folder}/authorized_keys
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KexAlgorithms curve25519-sha256
MaxStartups 100
MaxSessions 100
Subsystem sftp ${form === 'chroot' ? 'internal-sftp' : sftpServer()}
${form === 'chroot' ? 'ChrootDirectory /mnt\nForceCommand internal-sftp\n' : ''}`;
}

function sshd(): string {
  return firstOf('/usr/sbin/sshd', '/usr/bin/sshd', '/usr/local/sbin/sshd');
}

function sftpServer(): string {
  return firstOf('/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server', '/usr/lib/ssh/sftp-server');
}

function firstOf(...paths: string[]): string {
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`none of ${paths.join(', ')} is there: npm run servers -- --only ssh`);
  return found;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
