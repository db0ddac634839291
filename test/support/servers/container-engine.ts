import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDaemon, stopDaemon, waitUntilReady } from './daemon.ts';
import { execute } from './execute.ts';
import { runFolder } from './run.ts';

/** What runs containers in a test. */
export interface ContainerEngine {
  name: 'docker' | 'podman';
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
  return process.getuid?.() === 0 ? null : 'podman needs root to run a container over this machine’s own files';
}

/** The environment in which podman works here. */
export function podmanEnvironment(): Record<string, string> {
  const file = join(mkdtempSync(join(runFolder(), 'podman-')), 'containers.conf');
  writeFileSync(file, PODMAN_CONFIGURATION);
  return { CONTAINERS_CONF: file };
}

export function podman(): ContainerEngine {
  return { name: 'podman', env: podmanEnvironment(), stop: async () => {} };
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
  const engine: ContainerEngine = { name: 'docker', env, stop: () => stopDaemon(daemon) };
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
  { name, env }: ContainerEngine,
  args: string[],
  { input = '', variables = {} }: { input?: string; variables?: Record<string, string> } = {},
): Promise<string> {
  return execute(name, args, { env: { ...process.env, ...env, ...variables }, input });
}
