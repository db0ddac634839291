import type { User } from '../server-user.ts';
import { type Isolation, switchUser, withSudo } from './isolation.ts';
import type { Limits } from './limits.ts';

/** Its own process ids, network and IPC, in this machine's files, as a user that owns nothing of ours (unshare(1)). */
export function userInNamespaces(user: User, sudo: boolean, limits: Limits): Isolation {
  const namespaces = ['unshare', '--pid', '--net', '--ipc', '--uts', '--mount', '--fork', '--mount-proc', '--'];
  // The first process dies with unshare. That is lost when the user changes, so it is said then (prctl(2), PR_SET_PDEATHSIG).
  const theirs = switchUser(user, ['--pdeathsig=KILL']);
  return {
    kind: 'another user',
    user,
    sudo,
    closed: true,
    wrap: (argv, { env }) => withSudo(sudo, [...limits.prefix, ...namespaces, ...theirs, ...argv], env),
  };
}

/** For root where namespaces are denied, as in most containers. */
export function userAlone(user: User, limits: Limits): Isolation {
  return { kind: 'another user', user, sudo: false, closed: false, wrap: wrapDirectly(user, limits) };
}

/** The server runs as ourselves, and may do what we may. */
export function notIsolated(limits: Limits): Isolation {
  return { kind: 'none', user: null, sudo: false, closed: false, wrap: wrapDirectly(null, limits) };
}

/** sudo and other setuid programs do not work behind `--no-new-privs`, which every user may ask for (setpriv(1)). */
function wrapDirectly(user: User | null, { prefix, setpriv }: Limits): Isolation['wrap'] {
  return (argv, { env }) => {
    const [command = '', ...args] = [...prefix, ...(setpriv ? ['setpriv', '--no-new-privs', '--'] : []), ...argv];
    return { command, args, env, ...(user === null ? {} : { user }) };
  };
}
