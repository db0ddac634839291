import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HANG_LIMIT } from '../hang-limit.ts';
import { podman, runEngine } from './container-engine.ts';
import { execute } from './execute.ts';
import { runFolder } from './run.ts';

/** A PostgreSQL that nothing outside of its container can reach: it has no network, and its socket is in there. */
export interface PostgresContainer {
  name: string;
  password: string;
  /** What docker's and podman's clients need here; part of the action's environment. */
  env: Record<string, string>;
  /** As seen from inside. */
  url(database: string): string;
  psql(database: string, sql: string): Promise<string>;
  exec(script: string): Promise<string>;
  /** Command lines of what runs inside. */
  processes(): Promise<string>;
  stop(): Promise<void>;
}

/** A test that hangs leaves no container for longer. Seconds. */
const LONGEST = 900;

/** Of those that run, one a line. */
export function containerNames(): Promise<string> {
  return runEngine(podman(), ['ps', '--format={{.Names}}']);
}

/** Of those of an image, whether they run or not. */
export async function containersOf(image: string, engine = podman()): Promise<string[]> {
  const names = await runEngine(engine, ['ps', '--all', '--format={{.Names}}', `--filter=ancestor=${image}`]);
  return names.split('\n').filter(Boolean);
}

/** The folder of this machine that is mounted in a container; empty before it is known. */
export async function mountOf(container: string, engine = podman()): Promise<string> {
  return (await runEngine(engine, ['inspect', '--format={{range .Mounts}}{{.Source}}{{end}}', container])).trim();
}

/** What PostgreSQL's clients, and a shell for what stands around them, need; with the libraries of all. */
const CLIENT_FILES = ['psql', 'pg_dump', 'pg_dumpall', 'pg_restore'];
const SHELL_FILES = ['/bin/sh', '/bin/cat'];

/** An image that has PostgreSQL's clients and little else, made of this machine's. Gives its name. */
export async function importClientImage(bin: string): Promise<string> {
  const name = 'localhost/lifeboat-test-client:1';
  const programs = [...CLIENT_FILES.map((program) => join(bin, program)), ...SHELL_FILES];
  const loaded = await execute('ldd', programs);
  const libraries = [...loaded.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  const tar = join(mkdtempSync(join(runFolder(), 'image-')), 'image.tar');
  const inside = `s|^${bin.slice(1)}/|usr/bin/|`;
  await execute('tar', ['-chf', tar, '-C', '/', `--transform=${inside}`, ...new Set([...programs, ...libraries])]);
  await runEngine(podman(), ['import', tar, name]);
  return name;
}

/** What a server needs beside its own folders; `find` and `du` are what Lifeboat runs in there. */
const SERVER_PROGRAMS = ['initdb', 'postgres', 'pg_isready'];
const SERVER_FILES = [
  '/bin/grep',
  '/usr/bin/du',
  '/usr/bin/find',
  '/usr/bin/tr',
  '/bin/sleep',
  '/usr/bin/setsid',
  '/usr/bin/env',
];

/** An image that has PostgreSQL's server and clients, made of this machine's files at their own places. Gives its name, which ends in `tag`. */
export async function importServerImage(bin: string, tag: string, engine = podman()): Promise<string> {
  const name = `localhost/lifeboat-test-server:${tag}`;
  const own = [...CLIENT_FILES, ...SERVER_PROGRAMS].map((program) => join(bin, program));
  const programs = [...own, ...SHELL_FILES, ...SERVER_FILES];
  const modules = join(bin, '..', 'lib');
  const share = (await execute(join(bin, 'pg_config'), ['--sharedir'])).trim();
  const libraries = readdirSync(modules).filter((file) => file.endsWith('.so') && !file.startsWith('llvmjit'));
  const binaries = [...programs, ...libraries.map((file) => join(modules, file))];
  const loaded = [...(await execute('ldd', binaries)).matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  const folder = mkdtempSync(join(runFolder(), 'image-'));
  const [root, files, tar] = ['root', 'files.tar', 'image.tar'].map((part) => join(folder, part)) as [
    string,
    string,
    string,
  ];
  for (const part of ['tmp', 'run']) mkdirSync(join(root, part), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  chmodSync(folder, 0o755); // For the user of a rootless engine.
  const paths = [...binaries, ...loaded, share, '/usr/share/zoneinfo', '/etc/passwd', '/etc/group'];
  // By way of a folder, so that the folders of these files are in the image too: docker makes missing ones for root alone.
  await execute('tar', ['-chf', files, '-C', '/', ...new Set(paths)]);
  await execute('tar', ['-xf', files, '-C', root]);
  await execute('tar', ['-cf', tar, '-C', root, '.']);
  await runEngine(engine, ['import', `--change=ENV PATH=${bin}:/usr/bin:/bin`, tar, name]);
  return name;
}

/** A second name for an image. */
export async function tagImage(image: string, name: string): Promise<void> {
  await runEngine(podman(), ['tag', image, name]);
}

/** Takes one name from an image. */
export async function untagImage(name: string): Promise<void> {
  await runEngine(podman(), ['untag', name]);
}

/**
 * Starts PostgreSQL in a container whose files are this machine's own, and what it writes its own. `published`: the port of
 * this machine, on the loopback interface, that leads to it; without one it has no network.
 */
export async function startPostgresContainer(bin: string, published?: number): Promise<PostgresContainer> {
  const [name, password] = [`lifeboat-test-${randomUUID()}`, `container-${randomUUID()}`];
  const engine = podman();
  const variables = { POSTGRES_PASSWORD: password, PGPASSWORD: password };
  const run = (args: string[], input = '') => runEngine(engine, args, { input, variables });
  const script = `set -e
    chmod 1777 /srv && mkdir -p /srv/data /run/postgresql && chown postgres /srv/data /run/postgresql
    su postgres -c 'umask 077; cat > /srv/data.pw; ${bin}/initdb --username=postgres --auth=scram-sha-256 --pwfile=/srv/data.pw --pgdata=/srv/data --no-sync' <<< "$POSTGRES_PASSWORD"
    rm -f /srv/data.pw
    exec su postgres -c "exec ${bin}/postgres -D /srv/data -k /run/postgresql -c listen_addresses=${published === undefined ? '' : '*'} -c fsync=off"`;
  const network = published === undefined ? '--network=none' : `--publish=127.0.0.1:${published}:5432`;
  const options = ['--detach', `--name=${name}`, network, `--timeout=${LONGEST}`, '--env=POSTGRES_PASSWORD'];
  await run(['run', ...options, '--rootfs', '/:O', 'bash', '-c', script]);
  const psql = (database: string, sql: string) =>
    run(
      [
        'exec',
        '-i',
        '--env=PGPASSWORD',
        name,
        'psql',
        '-XAtq',
        '-v',
        'ON_ERROR_STOP=1',
        '-U',
        'postgres',
        '-d',
        database,
      ],
      sql,
    ).then((text) => text.trim());
  for (const end = Date.now() + HANG_LIMIT; ; ) {
    try {
      await psql('postgres', 'select 1');
      break;
    } catch (error) {
      if (Date.now() > end) throw new Error(`${(error as Error).message}\n${await run(['logs', name])}`);
      await sleep(200);
    }
  }
  const show = 'for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline; echo; done 2> /dev/null; true';
  const exec = (script: string) => run(['exec', name, 'bash', '-c', script]);
  return {
    name,
    password,
    env: engine.env,
    url: (database) => `postgresql://postgres:${password}@/${database}`,
    psql,
    exec,
    processes: () => exec(show),
    stop: async () => {
      await run(['rm', '--force', '--time=0', name]);
    },
  };
}
