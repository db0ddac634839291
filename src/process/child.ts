import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LifeboatError, messageOf } from '../errors.ts';
import type { ContainerProcess, Track } from '../leftovers.ts';
import { endContainerProcess } from './container.ts';
import { EndMark } from './end-mark.ts';

/** How much of what a tool says on standard error is kept for its error message, in characters: the end of it. */
const STDERR_TAIL = 8 * 1024;
/** How much of a tool's output is read before somebody asks for it, in bytes. */
const READ_AHEAD = 1024 * 1024;
/** A tool that has closed its output has this long to end. */
const END_WITHIN = 15_000;
/** After SIGTERM, before SIGKILL. The runner gives 7.5 s in all. */
export const KILL_AFTER = 2_000;

export interface ToolCommand {
  /** What people call it: `pg_dump`. */
  name: string;
  command: string;
  args: string[];
  /** The whole environment: nothing of ours is inherited, so no secret of the runner reaches a tool. */
  env: Record<string, string>;
  /** Whom it runs as; default: ourselves. */
  user?: { uid: number; gid: number };
  /** It starts programs of its own, which end with it when it is killed. */
  group?: true;
  /** What it only starts: it runs on when the command is killed, and is ended by its own means. */
  containerProcess?: ContainerProcess;
  /** Its output ends with this, which is taken off; without it the output is not whole, whatever the exit code says. */
  endMark?: string;
}

export interface ToolContext {
  signal: AbortSignal;
  track: Track;
  /** Each line that the tool writes on standard error, as it comes. */
  onStderr?: (line: string) => void;
}

export interface Tool {
  readonly pid: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves once the tool has exited with 0 and its streams have ended; rejects with a {@link ToolError}. */
  readonly finished: Promise<void>;
  /** The end of what it said on standard error. */
  stderr(): string;
  /** SIGTERM, and SIGKILL when that does not help. */
  kill(): void;
}

/** A tool did not do its work. `stderr` is what it said. */
export class ToolError extends LifeboatError {
  override readonly name = 'ToolError';
  readonly tool: string;
  readonly stderr: string;
  /** null: a signal ended it, it was never started, or its exit code says nothing. */
  readonly exitCode: number | null;

  constructor(
    tool: string,
    message: string,
    stderr: string,
    options: ErrorOptions & { exitCode?: number | null } = {},
  ) {
    super(message, options);
    this.tool = tool;
    this.stderr = stderr;
    this.exitCode = options.exitCode ?? null;
  }
}

/**
 * Starts a tool whose output is a stream. A tool has done its work only when it exited with 0 and was not killed
 * *and* its output has ended: Node's `close` event, not `exit`.
 */
export function startTool(spec: ToolCommand, context: ToolContext): Tool {
  const { command, args, user, env, group, containerProcess, endMark } = spec;
  const child = spawn(command, args, { ...user, env, detached: group === true, stdio: ['pipe', 'pipe', 'pipe'] });
  const forget =
    child.pid === undefined
      ? () => {}
      : context.track({ kind: 'process', ...identifyProcess(child.pid), ...(group ? { group } : {}) });
  const forgetContainerProcess = containerProcess === undefined ? () => {} : context.track(containerProcess);
  let tail = '';
  readLines(child.stderr, (line) => {
    tail = `${tail}${line}\n`.slice(-STDERR_TAIL);
    context.onStderr?.(line);
  });
  // When a child exits, Node throws away what nobody has begun to read of its output (flushStdio in child_process.js).
  const stdout = new PassThrough({ highWaterMark: READ_AHEAD });
  // What the tool has left of its input is read by nobody, and what it said is all there.
  const mark = endMark === undefined ? null : new EndMark(endMark, () => child.stdin.end());
  const copied = pipeline(mark === null ? [child.stdout, stdout] : [child.stdout, mark, stdout]);
  copied.catch(() => {});
  // A tool may close its input early (pg_restore -l reads the head only): how it exits tells whether that was right.
  child.stdin.on('error', () => {});

  let killTimer: NodeJS.Timeout | undefined;
  const kill = () => {
    // Nobody reads on, and a child counts as closed only when its output is.
    stdout.destroy();
    child.stdout.destroy();
    if (child.exitCode !== null || child.signalCode !== null || killTimer) return;
    const end = (signal: NodeJS.Signals) => (group ? endGroup(child.pid, signal) : child.kill(signal));
    end('SIGTERM');
    killTimer = setTimeout(() => end('SIGKILL'), KILL_AFTER);
  };
  context.signal.addEventListener('abort', kill, { once: true });
  if (context.signal.aborted) kill();

  let hung = false;
  let endTimer: NodeJS.Timeout | undefined;
  child.stdout.once('end', () => {
    endTimer = setTimeout(() => {
      hung = true;
      kill();
    }, END_WITHIN);
  });

  const stderr = () =>
    (hung ? `${tail}It closed its output, but did not end within ${END_WITHIN / 1000} s.` : tail).trim();
  const whole = async () => {
    await waitForEnd(child, spec, stderr);
    if (mark === null) return;
    await copied.catch(() => {}); // Whoever reads it is told why.
    if (!mark.wasThere)
      throw new ToolError(
        spec.name,
        `The end of what ${spec.name} wrote was lost on its way out of the container, though it exited with code 0. Run again; if it stays so, install the client on the runner and write toolset: local.`,
        stderr(),
      );
  };
  const finished = endedInContainer(whole(), containerProcess).finally(() => {
    clearTimeout(killTimer);
    clearTimeout(endTimer);
    context.signal.removeEventListener('abort', kill);
    forget();
    forgetContainerProcess();
  });
  finished.catch(() => {});
  return { pid: child.pid, stdin: child.stdin, stdout, finished, stderr, kill };
}

/** A command that did not end well may have left running what it had started elsewhere. */
async function endedInContainer(
  finished: Promise<void>,
  containerProcess: ContainerProcess | undefined,
): Promise<void> {
  try {
    await finished;
  } catch (error) {
    if (containerProcess !== undefined) await endContainerProcess(containerProcess).catch(() => {}); // Why it failed counts more.
    throw error;
  }
}

/** Ends a process that leads a group, and what it has started. One that has ended, or that sudo runs, is not an error. */
export function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return; // It has never begun.
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function waitForEnd(
  child: ChildProcessByStdio<Writable, Readable, Readable>,
  spec: ToolCommand,
  stderr: () => string,
): Promise<void> {
  const lastWords = () => (stderr() === '' ? '' : ` It said: ${stderr()}`);
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      child.stdout.destroy();
      const message = `${spec.name} could not be started (${spec.command}): ${messageOf(error)}. Is it installed, and may this user run it?`;
      reject(new ToolError(spec.name, message, '', { cause: error }));
    });
    child.on('close', (code, signal) => {
      if (code === 0) return resolve();
      const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
      reject(new ToolError(spec.name, `${spec.name} ${how}.${lastWords()}`, stderr(), { exitCode: code }));
    });
  });
}

/** Runs a tool whose output is small, and gives its standard output. */
export async function runTool(spec: ToolCommand, context: ToolContext, input?: Uint8Array): Promise<Buffer> {
  const tool = startTool(spec, context);
  tool.stdin.end(input);
  const chunks: Buffer[] = [];
  tool.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  await tool.finished;
  return Buffer.concat(chunks);
}

/** Hands on each line as it comes. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('error', () => {});
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(-STDERR_TAIL);
    for (const line of lines) onLine(line);
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}

/** A pid together with when its process began, for pids are used again (proc(5), field 22 of /proc/PID/stat). */
export function identifyProcess(pid: number): { pid: number; started: string } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return { pid, started: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '' };
  } catch {
    return { pid, started: '' };
  }
}
