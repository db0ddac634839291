import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ActionInputs, startAction } from '../test/support/action/harness.ts';
import type { PostgresServer } from '../test/support/servers/postgres.ts';
import { childrenOf, peakMemory } from '../test/support/servers/processes.ts';
import { cpuTime } from './proc.ts';

/** What one run took. Times are seconds, memory is bytes. */
export interface Measurement {
  wall: number;
  /** Of all client processes: user and system. */
  cpu: number;
  /** Of the server's sessions meanwhile. */
  serverCpu: number;
  /** The peaks of all client processes, added up. */
  memory: number;
  /** Of our node process alone; null for the other ways. */
  node: { cpu: number; memory: number } | null;
}

type ClientMeasurement = Omit<Measurement, 'serverCpu'>;

/** Runs a shell pipeline, which finds the secret at file descriptor 3. */
export function measureShell(
  server: PostgresServer,
  command: string,
  secret: string,
  env: Record<string, string>,
): Promise<Measurement> {
  return withServerCpu(server, async () => {
    // The command's own standard error stays apart from what bash's `time` says.
    const script = `TIMEFORMAT='%R %U %S'; exec 5>&2; { time { ${command}; } 2>&5; } 2>&4`;
    const shell = spawn('bash', ['-o', 'pipefail', '-c', script], {
      env: { LANG: 'C.UTF-8', ...env, PATH: `${server.binDir}:${process.env.PATH}` },
      stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'],
    });
    const closed = new Promise<number | null>((resolve, reject) => shell.once('error', reject).once('close', resolve));
    const memory = watchTree(shell.pid ?? 0);
    (shell.stdio[3] as NodeJS.WritableStream).on('error', () => {}).end(`${secret}\n`);
    const [times, code] = await Promise.all([text(shell.stdio[4] as NodeJS.ReadableStream), closed]);
    if (code !== 0) throw new Error(`${command} ended with ${code}`);
    const [wall = 0, user = 0, system = 0] = times.trim().split(' ').map(Number);
    return { wall, cpu: user + system, memory: memory.stop(), node: null };
  });
}

/** Runs the Action of a checkout (default: this one) as a runner does. */
export function measureAction(server: PostgresServer, inputs: ActionInputs, checkout?: string): Promise<Measurement> {
  return withServerCpu(server, async () => {
    const env = { PATH: `${server.binDir}:${process.env.PATH}` };
    const action = startAction(inputs, { env, ...(checkout === undefined ? {} : { action: checkout }) });
    const memory = watchTree(action.pid);
    let cpu = { own: 0, children: 0 };
    const timer = setInterval(() => {
      cpu = cpuTime(action.pid) ?? cpu;
    }, 20);
    const result = await action.finished.finally(() => clearInterval(timer));
    if (result.exitCode !== 0) {
      throw new Error(`the Action ended with ${result.exitCode}:\n${result.log}${result.annotations.at(-1)?.message}`);
    }
    return {
      wall: result.duration / 1000,
      cpu: cpu.own + cpu.children,
      memory: memory.stop(),
      node: { cpu: cpu.own, memory: result.peakRss },
    };
  });
}

/** The postmaster counts the time of every session that has ended. */
async function withServerCpu(server: PostgresServer, run: () => Promise<ClientMeasurement>): Promise<Measurement> {
  const postmaster = Number.parseInt(readFileSync(join(server.dataDir, 'postmaster.pid'), 'utf8'), 10);
  const before = cpuTime(postmaster)?.children ?? 0;
  const measured = await run();
  await sleep(300);
  return { ...measured, serverCpu: (cpuTime(postmaster)?.children ?? 0) - before };
}

/** The kernel keeps every process's peak; looking seldom disturbs little. */
function watchTree(root: number): { stop(): number } {
  const peaks = new Map<number, number>();
  const timer = setInterval(() => {
    for (const pid of [root, ...childrenOf(root)]) peaks.set(pid, Math.max(peaks.get(pid) ?? 0, peakMemory(pid)));
  }, 250);
  return {
    stop: () => {
      clearInterval(timer);
      return [...peaks.values()].reduce((sum, peak) => sum + peak, 0);
    },
  };
}
