import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startDaemon, stopDaemon, waitUntilReady } from './daemon.ts';
import { execute } from './execute.ts';
import { runFolder } from './run.ts';

/** What runs containers in a test. */
export interface ContainerEngine {
  name: 'docker' | 'podman';
  /** The program, with its arguments, that runs the client, and the action, as the user of this engine; none: ours. */
  wrapper: string[];
  /** Whose engine it is. */
  uid: number;
  /** What its client needs; part of the action's environment. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

/** crun does not work with hybrid cgroups, and systemd is not everywhere. */
const PODMAN_CONFIGURATION = `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=2048:2048"]
`;

/** Why no container runs here; null when one does. */
export function whyNoContainers(): string | null {
  return process.getuid?.() === 0 ? null : "podman needs root to run a container over this machine's own files";
}

/** The environment in which podman works here. */
export function podmanEnvironment(): Record<string, string> {
  const file = join(mkdtempSync(join(runFolder(), 'podman-')), 'containers.conf');
  writeFileSync(file, PODMAN_CONFIGURATION);
  return { CONTAINERS_CONF: file };
}

export function podman(): ContainerEngine {
  return { name: 'podman', wrapper: [], uid: 0, env: podmanEnvironment(), stop: async () => {} };
}

/** The user `nobody`, as a runner's. */
const ORDINARY_USER = 65534;
const SUBORDINATE_IDS = `${ORDINARY_USER}:200000:65536\n`;

/**
 * podman of an ordinary user, whose containers have no more rights than that user (podman(1), Rootless mode). The files in
 * which root grants the user further ids are in place for its processes alone.
 */
export function rootlessPodman(): ContainerEngine {
  const folder = mkdtempSync(join(runFolder(), 'rootless-'));
  const [ids, storage, wrapper] = ['subids', 'storage.conf', 'wrapper'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const [home, runtime] = ['home', 'run'].map((name) => join(folder, name)) as [string, string];
  writeFileSync(ids, SUBORDINATE_IDS);
  writeFileSync(storage, '[storage]\ndriver = "vfs"\n');
  for (const own of [home, runtime]) {
    mkdirSync(own, { mode: 0o700 });
    chownSync(own, ORDINARY_USER, ORDINARY_USER);
  }
  chmodSync(folder, 0o755);
  const grants = ['/etc/subuid', '/etc/subgid'].map((file) => `touch ${file} && mount --bind '${ids}' ${file}`);
  const become = `exec setpriv --reuid=${ORDINARY_USER} --regid=${ORDINARY_USER} --clear-groups "$@"`;
  const script = [
    ...grants,
    `test -z "$GITHUB_WORKSPACE" || chown -R ${ORDINARY_USER} "$(dirname "$GITHUB_WORKSPACE")"`,
    become,
  ].join('\n');
  // By bash: sh drops INPUT_DATABASE-URL.
  writeFileSync(wrapper, `#!/bin/bash\nset -e\n${script}\n`, { mode: 0o755 });
  const configuration = podmanEnvironment();
  chmodSync(dirname(configuration.CONTAINERS_CONF ?? ''), 0o755);
  const env = { ...configuration, CONTAINERS_STORAGE_CONF: storage, HOME: home, XDG_RUNTIME_DIR: runtime };
  const engine: ContainerEngine = {
    name: 'podman',
    wrapper: ['unshare', '--mount', wrapper],
    uid: ORDINARY_USER,
    env,
    // Ends the process that keeps the user's namespace.
    stop: async () => void (await runEngine(engine, ['system', 'migrate'])),
  };
  return engine;
}

/**
 * A Docker daemon of this test's own, which the machine's own clients do not see. It changes no network: our containers
 * have none. vfs is the storage driver that works on every file system.
 */
export async function startDocker(): Promise<ContainerEngine> {
  const folder = mkdtempSync(join(runFolder(), 'docker-'));
  const socket = join(folder, 'docker.sock');
  const env = { DOCKER_HOST: `unix://${socket}` };
  const places = ['data-root', 'exec-root'].map((name) => `--${name}=${join(folder, name)}`);
  const files = [`--host=${env.DOCKER_HOST}`, `--pidfile=${join(folder, 'docker.pid')}`, ...places];
  const network = ['--bridge=none', '--iptables=false', '--ip6tables=false'];
  const daemon = await startDaemon('dockerd', [...files, ...network, '--storage-driver=vfs'], {
    cwd: folder,
    logFile: join(folder, 'dockerd.log'),
  });
  const engine: ContainerEngine = { name: 'docker', wrapper: [], uid: 0, env, stop: () => stopDaemon(daemon) };
  await waitUntilReady(daemon, async () => {
    try {
      await runEngine(engine, ['version']);
      return true;
    } catch {
      return false;
    }
  });
  return engine;
}

/** Gives what the engine's client printed. `variables`: for what runs in the container. */
export function runEngine(
  { name, wrapper, env }: ContainerEngine,
  args: string[],
  { input = '', variables = {} }: { input?: string; variables?: Record<string, string> } = {},
): Promise<string> {
  const [command = name, ...words] = [...wrapper, name, ...args];
  return execute(command, words, { env: { ...process.env, ...env, ...variables }, input });
}
