import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { LifeboatError } from '../../errors.ts';
import { engineEnvironment } from '../../process/container.ts';

/** In this order; the first that knows the container, or that works at all, is taken. */
const ENGINES = ['docker', 'podman'] as const;

export type Engine = (typeof ENGINES)[number];

/** Milliseconds. An image may have to be fetched first. */
const ANSWER_WITHIN = 20_000;
export const FETCHED_WITHIN = 10 * 60 * 1000;

/** Names of the containers that run here, for an error that nothing fits; none where there is no engine. */
export async function runningContainers(): Promise<string[]> {
  const lists = await Promise.all(ENGINES.map((engine) => runEngine(engine, ['ps', '--format={{.Names}}'])));
  return [...new Set(lists.flatMap(({ stdout }) => stdout.split('\n').filter(Boolean)))].sort();
}

/** The engine in which this container runs. */
export async function engineOf(container: string): Promise<Engine> {
  const reasons: string[] = [];
  for (const engine of ENGINES) {
    const { stdout, reason } = await runEngine(engine, [
      'inspect',
      '--type=container',
      '--format={{.State.Running}}',
      container,
    ]);
    if (stdout.trim() === 'true') return engine;
    reasons.push(`${engine}: ${stdout.trim() === 'false' ? 'it does not run' : reason}`);
  }
  const running = await runningContainers();
  const here = running.length === 0 ? 'None runs that this user may see.' : `Running here: ${running.join(', ')}.`;
  throw new LifeboatError(
    `toolset: no running container ${JSON.stringify(container)} was found (${reasons.join('; ')}). ${here} Start it, correct the name, or let the runner's user use the engine.`,
  );
}

export async function anyEngine(input = 'toolset', instead = 'write toolset: local'): Promise<Engine> {
  const reasons: string[] = [];
  for (const engine of ENGINES) {
    const { exitCode, reason } = await runEngine(engine, ['ps', '--quiet']);
    if (exitCode === 0) return engine;
    reasons.push(`${engine}: ${reason}`);
  }
  throw new LifeboatError(
    `${input}: no engine runs containers here (${reasons.join('; ')}). Install docker or podman, or ${instead} and install ${input === 'toolset' ? 'the client' : 'PostgreSQL'} on the runner.`,
  );
}

/** The engine that has this image, else the first that works, which fetches it. */
export async function engineWithImage(image: string): Promise<Engine> {
  for (const engine of ENGINES) {
    const { exitCode } = await runEngine(engine, ['image', 'inspect', '--format={{.Id}}', image]);
    if (exitCode === 0) return engine;
  }
  return anyEngine('scratch-image', 'remove scratch-image');
}

/**
 * The engines whose containers are on this machine: what they publish is published here. The others' clients lead to
 * another machine (docker context inspect; podman info, ServiceIsRemote).
 */
export async function enginesOfThisMachine(): Promise<Engine[]> {
  const docker = runEngine('docker', ['context', 'inspect', '--format={{.Endpoints.docker.Host}}']);
  const podman = runEngine('podman', ['info', '--format={{.Host.ServiceIsRemote}}']);
  return [
    ...((await docker).stdout.startsWith('unix:') ? (['docker'] as const) : []),
    ...((await podman).stdout.trim() === 'false' ? (['podman'] as const) : []),
  ];
}

export interface Answer {
  exitCode: number;
  stdout: string;
  /** Why it failed: the last line of its words. */
  reason: string;
}

/** An engine that hangs is one that does not answer: whoever asks must still be told what to do. */
export async function runEngine(engine: Engine, args: string[], timeout = ANSWER_WITHIN): Promise<Answer> {
  try {
    const options = { env: engineEnvironment(), timeout, killSignal: 'SIGKILL' } as const;
    const { stdout } = await promisify(execFile)(engine, args, options);
    return { exitCode: 0, stdout, reason: '' };
  } catch (error) {
    const {
      code,
      killed,
      stderr = '',
      stdout = '',
    } = error as Partial<Record<'stderr' | 'stdout', string>> & {
      code?: number | string;
      killed?: boolean;
    };
    if (code === 'ENOENT') return { exitCode: 127, stdout: '', reason: 'is not installed' };
    if (killed) return { exitCode: 1, stdout: '', reason: `did not answer within ${timeout / 1000} s` };
    return { exitCode: Number(code) || 1, stdout, reason: engineReason(stderr) ?? `exit code ${code}` };
  }
}

/** The last line in which docker or podman says why it failed; null: neither said anything. */
export function engineReason(stderr: string): string | null {
  const lines = stderr.split('\n').map((line) => line.trim());
  // Docker's client ends with a line such as "See 'docker run --help'.", which says nothing of the failure.
  return lines.findLast((line) => line !== '' && !/^(See|Run) '.* --help'/.test(line)) ?? null;
}
