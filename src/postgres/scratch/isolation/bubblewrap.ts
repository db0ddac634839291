import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { User } from '../server-user.ts';
import { type Isolation, switchUser, withSudo } from './isolation.ts';
import type { Limits } from './limits.ts';

/** With merged /usr these are links, else folders. */
const SYSTEM = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** What the dynamic loader, the names of users and the time zone need, and the dictionaries of Debian's packages. */
const FILES = [
  '/etc/passwd',
  '/etc/group',
  '/etc/nsswitch.conf',
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/localtime',
  '/etc/alternatives',
  '/var/cache/postgresql/dicts',
];
/** A package manager's programs link to libraries elsewhere in its folder. */
const MANAGERS = ['/home/linuxbrew/.linuxbrew', '/nix/store'];
/** Bytes of the memory that /tmp may fill. */
const TMP_SIZE = 256 * 1024 ** 2;

export interface BubblewrapOptions {
  limits: Limits;
  /** Root's way: namespaces without a user namespace, then this user. null: an ordinary user's user namespace. */
  user: User | null;
  sudo: boolean;
  /** Of the server's programs. */
  postgres: string;
  /** This bubblewrap can bound a tmpfs (since 0.7). */
  knowsSize: boolean;
}

/** A view of the machine that has the server's programs and the cluster's folders, and nothing else of it. */
export function bubblewrapIsolation({ limits, user, sudo, postgres, knowsSize }: BubblewrapOptions): Isolation {
  const namespaces =
    user === null
      ? ['--unshare-all']
      : ['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'];
  const view = [...bindSystem(), ...bindPrograms(postgres), ...bindFiles()];
  // Memory is written in three places of it alone: /tmp, and none where that cannot be bounded.
  const tmp = knowsSize
    ? ['--size', String(TMP_SIZE), '--tmpfs', '/tmp', '--chmod', '1777', '/tmp']
    : ['--dir', '/tmp'];
  const fresh = ['--proc', '/proc', '--dev', '/dev', '--remount-ro', '/dev', ...tmp, '--dir', '/home', '--dir', '/run'];
  return {
    kind: 'bubblewrap',
    user,
    sudo,
    closed: true,
    wrap: (argv, { env, writable }) => {
      const binds = writable.flatMap((path) => [...createParents(path), '--bind', path, path]);
      const box = ['bwrap', ...namespaces, '--die-with-parent', '--new-session', ...view, ...fresh, ...binds];
      const inside = [...(user === null ? [] : switchUser(user)), ...argv];
      return withSudo(
        sudo,
        [...limits.prefix, ...box, '--remount-ro', '/', '--chdir', writable[0] ?? '/', '--', ...inside],
        env,
      );
    },
  };
}

function bindSystem(): string[] {
  const folders = SYSTEM.flatMap((path) => {
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status === undefined) return [];
    return status.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
  });
  return ['--ro-bind', '/usr', '/usr', ...folders];
}

/** Where the server's programs are not below /usr: the folder above `bin`, as named and as its links lead to. */
function bindPrograms(postgres: string): string[] {
  const prefixes = [postgres, realpathSync(postgres)].map((path) => {
    const manager = MANAGERS.find((folder) => path.startsWith(`${folder}/`));
    return manager ?? dirname(dirname(path));
  });
  return [...new Set(prefixes)]
    .filter((path) => path !== '/' && !join(path, '/').startsWith('/usr/'))
    .flatMap((path) => [...createParents(path), '--ro-bind', path, path]);
}

function bindFiles(): string[] {
  return FILES.filter((path) => existsSync(path)).flatMap((path) => [...createParents(path), '--ro-bind', path, path]);
}

/** bubblewrap opens folders that it creates by itself to their owner alone, and the server is another user. */
function createParents(path: string): string[] {
  const folder = dirname(path);
  return folder === '/' ? [] : [...createParents(folder), '--dir', folder];
}
