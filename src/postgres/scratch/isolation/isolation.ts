import type { User } from '../server-user.ts';

/** What stands between the code of a dump and the machine, the strongest first. */
export type IsolationKind = 'container' | 'bubblewrap' | 'another user' | 'none';

/** One way to run the throwaway server. */
export interface Isolation {
  kind: Exclude<IsolationKind, 'container'>;
  /** Whom the server runs as; null: ourselves. */
  user: User | null;
  /** That user is reached by `sudo -n`. */
  sudo: boolean;
  /** It has its own process ids: everything in it ends with its first process. */
  closed: boolean;
  /** How a program of PostgreSQL runs in it. */
  wrap(argv: string[], options: WrapOptions): Wrapped;
}

export interface WrapOptions {
  env: Record<string, string>;
  /** Folders that it may write. */
  writable: string[];
}

export interface Wrapped {
  command: string;
  args: string[];
  /** The whole environment of the command. */
  env: Record<string, string>;
  /** For `spawn`, which enters the folder before it becomes the user. */
  cwd?: string;
  user?: User;
}

/** `sudo` resets the environment, so it is given again behind it. No secret is in it. */
export function withSudo(sudo: boolean, argv: string[], env: Record<string, string>): Wrapped {
  const [command = '', ...args] = sudo
    ? ['sudo', '-n', '--', 'env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...argv]
    : argv;
  return { command, args, env };
}

/** Becomes that user, with no groups and no way to more rights: setuid programs such as sudo do not work behind it. */
export function switchUser({ uid, gid }: User, options: string[] = []): string[] {
  const rights = ['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs'];
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...rights, ...options, '--'];
}
