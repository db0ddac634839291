import { spawn } from 'node:child_process';
import { LifeboatError } from '../errors.ts';
import type { ContainerProcess } from '../leftovers.ts';

/** A container's engine that hangs must not hold up the end of a run. Milliseconds. */
const END_WITHIN = 5_000;

/** The environment is what tells our processes from the database's; `tr` and `grep` are in every image with a shell. */
const END_MARKED = `for file in /proc/[0-9]*/environ; do
  if tr '\\0' '\\n' < "$file" | grep -qxF "LIFEBOAT_TOOL=$1"; then pid=\${file#/proc/}; kill "\${pid%/environ}"; fi
done 2> /dev/null; true`;

/** Ends what a killed `docker exec` or `docker run` leaves running. That it is gone already is no error. */
export async function endContainerProcess(program: ContainerProcess): Promise<void> {
  const { engine } = program;
  const args =
    program.kind === 'container'
      ? ['rm', '--force', '--volumes', program.name]
      : ['exec', program.container, 'sh', '-c', END_MARKED, 'sh', program.mark];
  const code = await exitCodeOf(engine, args);
  if (code !== 0 && program.kind === 'container-process' && (await isRunning(program))) {
    throw new LifeboatError(`${engine} could not end it (exit code ${code})`);
  }
}

async function isRunning({ engine, container }: { engine: string; container: string }): Promise<boolean> {
  return (await exitCodeOf(engine, ['exec', container, 'true']).catch(() => 1)) === 0;
}

function exitCodeOf(engine: string, args: string[]): Promise<number | null> {
  const signal = AbortSignal.timeout(END_WITHIN);
  const child = spawn(engine, args, { env: engineEnvironment(), stdio: 'ignore', signal });
  return new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
}

/** What docker's and podman's clients need to find their engine (docker CLI, podman(1), Environment); no more. */
export function engineEnvironment(): Record<string, string> {
  const names = [
    'PATH',
    'HOME',
    'XDG_RUNTIME_DIR',
    'DOCKER_HOST',
    'DOCKER_CONTEXT',
    'DOCKER_CONFIG',
    'DOCKER_TLS_VERIFY',
    'DOCKER_CERT_PATH',
    'CONTAINER_HOST',
    'CONTAINERS_CONF',
    'CONTAINERS_STORAGE_CONF',
  ];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}
