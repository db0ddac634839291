import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { MonitoringSettings } from '../inputs/settings.ts';
import type { StoreLocation } from '../inputs/stores/store-url.ts';
import { sendBeat } from '../notify/heartbeat.ts';
import { sendMail } from '../notify/mail.ts';
import { type MetricGroup, metricsOf, type StoreSpace } from '../notify/metrics.ts';
import { readMetricsFile, writeMetricsFile } from '../notify/metrics-file.ts';
import { lastAttemptFailed, metricsText } from '../notify/metrics-text.ts';
import { push } from '../notify/pushgateway.ts';
import { makeMessage, post, workflowRun } from '../notify/webhook.ts';
import type { Ending } from '../report/ending.ts';
import type { Log } from '../report/log.ts';

/** All that is told at the end takes no longer. Milliseconds. */
const TIME = 30_000;
/** The same once the run is cancelled, and until when after the signal: SIGTERM comes 7.5 s after it, the end 2.5 s later. */
const TIME_WHEN_CANCELLED = 2_000;
const LATEST_WHEN_CANCELLED = 7_000;
const TIME_OF_DISKS = 2_000;

export interface Telling {
  settings: MonitoringSettings;
  log: Log;
  cancelled: AbortSignal;
  env: Record<string, string | undefined>;
}

/**
 * Tells the heartbeat that the run begins. Returns what tells everybody how it ended. Neither throws: whoever cannot be told
 * is named in a warning, and the run is what it was.
 */
export function beginTelling(telling: Telling): (ending: Ending, stores: StoreLocation[]) => Promise<void> {
  const { cancelled } = telling;
  const stop = new AbortController();
  const stopIn = (time: number) => void setTimeout(() => stop.abort(), time).unref();
  cancelled.addEventListener('abort', () => stopIn(LATEST_WHEN_CANCELLED));
  const begun = tellStart(telling);
  return async (ending, stores) => {
    // In their order, or the service would wait for the end of a run that it was told of last.
    await begun;
    stopIn(cancelled.aborted ? TIME_WHEN_CANCELLED : TIME);
    cancelled.addEventListener('abort', () => stopIn(TIME_WHEN_CANCELLED));
    await tellEnd(telling, ending, stores, stop.signal);
  };
}

/** Beside the work, not before it. Some services know no start: that is worth no warning, the end will tell. */
async function tellStart({ settings: { heartbeat }, cancelled, log }: Telling): Promise<void> {
  if (heartbeat === null) return;
  try {
    await sendBeat(heartbeat, 'start', cancelled);
  } catch (error) {
    log.info(`heartbeat-url: the start was not told: ${messageOf(error)}`);
  }
}

async function tellEnd(telling: Telling, ending: Ending, stores: StoreLocation[], stop: AbortSignal): Promise<void> {
  const { webhook, mail, heartbeat, metricsFile, pushgateway } = telling.settings;
  let recovered = ending.report?.command === 'restore-test' && ending.report.recovered;
  const attempt = async <T>(name: string, whom: T | null, work: (whom: T) => Promise<void>) => {
    try {
      if (whom !== null) await work(whom);
    } catch (error) {
      telling.log.warning(`${name}: this run was not told there: ${messageOf(error)}`);
    }
  };
  let measured: Promise<MetricGroup[]> | undefined;
  const measuredOnce = () => {
    measured ??= measure(ending, stores);
    return measured;
  };
  // First, for the file may know that the run before had failed.
  await attempt('metrics-file', metricsFile, async (path) => {
    const groups = await measuredOnce();
    const previous = await readMetricsFile(path);
    recovered ||= lastAttemptFailed(previous, groups);
    await writeMetricsFile(path, metricsText(groups, previous));
  });
  await Promise.all([
    attempt('pushgateway-url', pushgateway, async (url) => push(url, await measuredOnce(), stop)),
    attempt('webhook-url', webhook, async (url) => {
      if (ending.failure !== null || recovered) await post(url, makeMessage(ending, workflowRun(telling.env)), stop);
    }),
    attempt('smtp-url', mail, async (settings) => {
      if (ending.failure !== null || recovered) {
        await sendMail(settings, makeMessage(ending, workflowRun(telling.env)), stop);
      }
    }),
    attempt('heartbeat-url', heartbeat, (url) => sendBeat(url, ending.failure === null ? 'success' : 'fail', stop)),
  ]);
}

async function measure(ending: Ending, stores: StoreLocation[]): Promise<MetricGroup[]> {
  // A disk that does not answer may be why the run was cancelled, or has failed.
  const space = ending.cancelled ? [] : await Promise.race([spaceOf(stores), sleep(TIME_OF_DISKS, [], { ref: false })]);
  const groups = metricsOf(ending, space);
  if (groups.length === 0)
    throw new Error(
      'its set is not known. Give it in name; those of databases are known once the server has listed them.',
    );
  return groups;
}

/** Of the file stores that are there. */
async function spaceOf(stores: StoreLocation[]): Promise<StoreSpace[]> {
  const spaces = stores.map(async (store): Promise<StoreSpace[]> => {
    if (store.kind !== 'file') return [];
    try {
      const { bavail, blocks, bsize } = await statfs(store.path);
      return [{ url: store.url, free: bavail * bsize, size: blocks * bsize }];
    } catch {
      return [];
    }
  });
  return (await Promise.all(spaces)).flat();
}
