import type { Command } from '../commands/shared/command.ts';
import type { Presentation } from '../commands/shared/presentation.ts';
import type { Run } from '../commands/shared/run.ts';
import { LeftBehind, messageOf } from '../errors.ts';
import type { Environment, GetInput } from '../inputs/schema.ts';
import type { Track } from '../leftovers.ts';
import { type Failure, NO_FACTS, type ResultFacts } from '../notify/run-result.ts';
import { ATTEMPT_ONLY, type MeasuredSet } from '../notify/samples.ts';
import { hideSecrets } from '../report/escape.ts';
import { type Log, logOrigin } from '../report/log.ts';
import { Progress } from '../report/progress.ts';
import type { Reporter } from '../report/reporter.ts';
import type { StoreLocation } from '../store/location.ts';
import { VERSION } from '../version.ts';
import { startNotifying } from './notify.ts';
import { publishFailure, publishPresentation, reportPath } from './publish.ts';
import { readMonitoring } from './read-monitoring.ts';
import { namedCommand, readSettings } from './read-settings.ts';

/** 8 GiB: a volume is copied, listed and fetched again in reasonable time, and no provider's limit is near. */
const VOLUME_SIZE = 8 * 1024 ** 3;

/** Where a run gets its inputs from and where it reports. */
export interface RunContext {
  get: GetInput;
  env: Environment;
  reporter: Reporter;
  /** Hides a text in everything that is shown from now on. */
  mask(secret: string): void;
  track: Track;
}

/** `usage`: the inputs are wrong, and nothing was started. */
export type Outcome = Presentation['status'] | 'usage';

/** What a run came to. */
interface RunEnd {
  outcome: Outcome;
  /** Why the step is red; null: it is green. */
  failure: Failure | null;
  facts: ResultFacts;
  measured: MeasuredSet[];
}

/** Runs the command that the inputs name, shows its result and notifies. Never throws. */
export async function runCommand({ get, env, reporter, mask, track }: RunContext): Promise<Outcome> {
  const { log } = reporter;
  const cancellation = listenForSignals(log);
  const run = newRun(log, cancellation.signal, track);
  const monitoring = readMonitoring(get);
  run.progress.about.set = monitoring.set;
  const notify = startNotifying({ settings: monitoring, log, cancelled: run.signal, env });
  const command = namedCommand(get('command'));
  const secrets: string[] = [];
  const remember = (secret: string) => {
    secrets.push(secret);
    mask(secret);
  };
  const [read] = await Promise.allSettled([readSettings(get, env, { ...log, mask: remember })]);
  const end =
    read.status === 'fulfilled'
      ? await executeCommand(command, read.value, run, reporter)
      : await endWithoutResult(command, read.reason, run, reporter);
  cancellation.markFinished();
  const outcome = read.status === 'rejected' && end.outcome === 'failed' ? 'usage' : end.outcome;
  const { progress } = run;
  await notify(
    {
      command: command.name,
      cancelled: outcome === 'cancelled',
      // The runner hides secrets in its logs; nothing else hides them in what is sent from here.
      failure: end.failure && { ...end.failure, message: hideSecrets(end.failure.message, secrets) },
      facts: end.facts,
      measured: end.measured,
      about: progress.about,
      ended: new Date(),
      duration: progress.elapsed(),
    },
    read.status === 'fulfilled' ? read.value.stores : [],
  );
  return outcome;
}

function newRun(log: Log, signal: AbortSignal, track: Track): Run {
  return {
    log,
    progress: new Progress(log),
    signal,
    track,
    now: () => new Date(),
    version: VERSION,
    volumeSize: VOLUME_SIZE,
    at: async () => {},
    atSwap: async () => {},
  };
}

/** Runs a command to its result and shows it. */
async function executeCommand(
  command: Command,
  settings: { stores: StoreLocation[] },
  run: Run,
  reporter: Reporter,
): Promise<RunEnd> {
  let presentation: Presentation | null = null;
  try {
    const result = await command.run(settings, run);
    const cancelled = run.signal.aborted;
    presentation = command.present(result, { settings, cancelled, version: run.version, reportPath });
    await publishPresentation(presentation, reporter);
    const { status, problem, facts, measured } = presentation;
    return { outcome: status, failure: status === 'good' ? null : problem, facts, measured };
  } catch (error) {
    const end = await endWithoutResult(command, error, run, reporter);
    return presentation === null ? end : { ...end, facts: presentation.facts, measured: presentation.measured };
  }
}

/** Shows why a run has no result. */
async function endWithoutResult(command: Command, error: unknown, run: Run, reporter: Reporter): Promise<RunEnd> {
  const cancelled = run.signal.aborted;
  const title = cancelled ? 'Lifeboat: cancelled' : `Lifeboat: ${command.name} failed`;
  const kept = error instanceof LeftBehind ? error.left : 'Nothing was kept of it.';
  const message = cancelled ? `The run was cancelled (${run.progress.current}). ${kept}` : messageOf(error);
  logOrigin(error, reporter.log, cancelled);
  await publishFailure(title, message, reporter);
  return {
    outcome: cancelled ? 'cancelled' : 'failed',
    failure: { title, message },
    facts: NO_FACTS,
    measured: [ATTEMPT_ONLY],
  };
}

/** The runner sends SIGINT, SIGTERM after 7.5 s, and kills 2.5 s later. */
function listenForSignals(log: Log): { signal: AbortSignal; markFinished(): void } {
  const controller = new AbortController();
  let isFinished = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const what = isFinished ? 'the run had already finished; sending the remaining notifications.' : 'cancelling.';
      if (!controller.signal.aborted) log.info(`${signal}: ${what}`);
      controller.abort();
    });
  }
  return {
    signal: controller.signal,
    markFinished: () => {
      isFinished = true;
    },
  };
}
