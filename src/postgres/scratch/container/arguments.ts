import { settingArguments } from '../cluster-settings.ts';
import { memoryBound } from '../isolation/limits.ts';

/** Where the folder of the socket is in the container. */
export const SOCKET_INSIDE = '/run/lifeboat';
/** In every image, and open to every user. */
const DATA_INSIDE = '/tmp/lifeboat-data';
/** Mounts of their own: the socket's, and the volumes of the images of PostgreSQL. */
export const WRITABLE_INSIDE = [SOCKET_INSIDE, '/var/lib/postgresql', '/var/lib/postgresql/data'];
export const PROCESSES = 512;

/**
 * The image's own entry point is left out: it prepares a server for good, with a password and with scripts. On by default
 * since PostgreSQL 18, checksums of pages are of no use here; older versions do not know the option.
 */
const SCRIPT = `umask 077
data=$1 superuser=$2; shift 2
initdb --help | grep -q no-data-checksums && checksums=--no-data-checksums
initdb --pgdata="$data" --username="$superuser" --encoding=UTF8 --locale=C --auth=trust --no-sync --no-instructions $checksums > /dev/null &&
exec postgres -D "$data" "$@"`;

/** Of `docker run` or `podman run`; `bounds`: with bounds for memory and processes. */
export function runArguments(
  name: string,
  socket: string,
  superuser: string,
  image: string,
): (bounds: boolean) => string[] {
  const rights = ['--cap-drop=ALL', '--security-opt=no-new-privileges', '--user=postgres'];
  const memory = `${Math.floor(memoryBound() / 1024 ** 2)}m`;
  return (bounds) => [
    'run',
    '--detach',
    `--name=${name}`,
    '--network=none',
    ...rights,
    ...(bounds ? [`--memory=${memory}`, `--memory-swap=${memory}`, `--pids-limit=${PROCESSES}`] : []),
    // Relabelled where SELinux keeps containers from what is not theirs.
    `--volume=${socket}:${SOCKET_INSIDE}:z`,
    // PostgreSQL's immediate shutdown: podman sends it also when it is to remove by force.
    '--stop-signal=SIGQUIT',
    '--stop-timeout=1',
    '--env=LC_ALL=C',
    '--env=TZ=UTC',
    '--entrypoint=sh',
    image,
    '-c',
    SCRIPT,
    'sh',
    DATA_INSIDE,
    superuser,
    ...settingArguments(SOCKET_INSIDE),
  ];
}
