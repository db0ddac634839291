import { rm } from 'node:fs/promises';
import { LifeboatError, messageOf } from '../errors.ts';
import type { Leftover } from '../leftovers.ts';
import { endGroup, identifyProcess } from '../process/child.ts';
import { endContainerProcess } from '../process/container.ts';
import type { Log } from '../report/log.ts';
import type { StoreSettings } from '../store/open.ts';

/** Whatever the server's clock says, the file was begun before that. */
const YEAR = 366 * 86_400_000;
/** How long a store may take to remove what was not finished. Milliseconds. */
const STORE_WITHIN = 15_000;

/** What the inputs, which this step has once more, say; nothing secret is kept in the state. */
export interface Inputs {
  /** Runs the commands of `after`. */
  after(): Promise<string[]>;
  stores(): Promise<StoreSettings>;
}

/** The `post:` step: ends what a killed main left behind. It is quick, may run twice, and only warns. */
export async function cleanUp(leftovers: Leftover[], log: Log, inputs: Inputs): Promise<void> {
  for (const leftover of [...leftovers].sort((a, b) => turnOf(a) - turnOf(b))) {
    try {
      await endLeftover(leftover, log, inputs);
    } catch (error) {
      log.warning(
        `Left behind by the run that was ended, remove it by hand: ${describeLeftover(leftover)} (${messageOf(error)})`,
      );
    }
  }
}

/**
 * A group works in a folder, so it goes before that. A folder can also be a cluster's, whose server must end in order
 * before its process would be killed.
 */
function turnOf(leftover: Leftover): number {
  if (leftover.kind === 'after') return 3;
  if (leftover.kind === 'process' && leftover.group) return 0;
  return leftover.kind === 'folder' ? 1 : 2;
}

async function runAfterIt({ after }: Inputs, log: Log): Promise<void> {
  const failures = await after();
  for (const failure of failures) log.warning(`${failure} Run it by hand.`);
}

async function endLeftover(leftover: Leftover, log: Log, inputs: Inputs): Promise<void> {
  if (leftover.kind === 'after') return runAfterIt(inputs, log);
  if (leftover.kind === 'process') return endProcess(leftover);
  if (leftover.kind === 'file') return rm(leftover.path, { force: true });
  if (leftover.kind === 'folder') {
    const { removeCluster } = await import('../postgres/scratch/remove-cluster.ts');
    return removeCluster(leftover.path);
  }
  if (leftover.kind === 'container' || leftover.kind === 'container-process') return endContainerProcess(leftover);
  if (leftover.kind === 'database') throw new LifeboatError('no password is kept for this step');
  if (leftover.kind === 'part') await sweepPart(leftover, await inputs.stores());
  else {
    const { abortS3Upload } = await import('../store/s3/upload/abort.ts');
    await abortS3Upload(leftover);
  }
  log.info(`Aborted the unfinished ${describeLeftover(leftover)}.`);
}

async function sweepPart({ url, key }: Extract<Leftover, { kind: 'part' }>, settings: StoreSettings): Promise<void> {
  const location = settings.stores.find((store) => store.url === url);
  if (location === undefined) throw new LifeboatError('its store is not among the inputs any more');
  const { openStore } = await import('../store/open.ts');
  const signal = AbortSignal.timeout(STORE_WITHIN);
  const info = (whyNot: string) => {
    throw new LifeboatError(whyNot);
  };
  const store = await openStore(location, settings, { signal, track: () => () => {}, info });
  try {
    await store.sweep(key, new Date(Date.now() + YEAR));
  } finally {
    store.close();
  }
}

function endProcess({ pid, started, group }: Extract<Leftover, { kind: 'process' }>): void {
  if (started === '' || identifyProcess(pid).started !== started) return;
  if (group) endGroup(pid, 'SIGKILL');
  else process.kill(pid, 'SIGKILL');
}

function describeLeftover(leftover: Leftover): string {
  if (leftover.kind === 'after') return 'what before has stopped';
  if (leftover.kind === 'process') return `process ${leftover.pid}`;
  if (leftover.kind === 'file' || leftover.kind === 'folder') return `${leftover.kind} ${leftover.path}`;
  if (leftover.kind === 'container') return `container ${leftover.name}`;
  if (leftover.kind === 'container-process') return `PostgreSQL’s program in container ${leftover.container}`;
  if (leftover.kind === 'database') return `database ${JSON.stringify(leftover.database)} on ${leftover.host}`;
  if (leftover.kind === 'part') return `upload of ${leftover.key} to ${leftover.url}`;
  return `upload of ${leftover.key} to bucket ${leftover.bucket} (upload id ${leftover.uploadId})`;
}
