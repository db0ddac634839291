import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { sendBeat } from '../notify/heartbeat.ts';
import { sendMail } from '../notify/mail.ts';
import { type MetricGroup, metricsOf, type StoreSpace } from '../notify/metrics.ts';
import { readMetricsFile, writeMetricsFile } from '../notify/metrics-file.ts';
import { lastAttemptFailed, metricsText } from '../notify/metrics-text.ts';
import { pushMetrics } from '../notify/pushgateway.ts';
import type { RunResult } from '../notify/run-result.ts';
import type { MonitoringSettings } from '../notify/settings.ts';
import { makeMessage, postWebhook, workflowRun } from '../notify/webhook.ts';
import type { Log } from '../report/log.ts';
import type { StoreLocation } from '../store/location.ts';

/** All notifications of the end together take no longer. Milliseconds. */
const TIME = 30_000;
/** The same once the run is cancelled, and until when after the signal: SIGTERM comes 7.5 s after it, the end 2.5 s later. */
const TIME_WHEN_CANCELLED = 2_000;
const LATEST_WHEN_CANCELLED = 7_000;
const TIME_OF_DISKS = 2_000;

export interface Notifier {
  settings: MonitoringSettings;
  log: Log;
  cancelled: AbortSignal;
  env: Record<string, string | undefined>;
}

/**
 * Reports the start of the run to the heartbeat. Returns what reports its result to every notifier. Neither throws: a
 * notifier that fails is named in a warning, and the result does not change.
 */
export function startNotifying(notifier: Notifier): (result: RunResult, stores: StoreLocation[]) => Promise<void> {
  const { cancelled } = notifier;
  const stop = new AbortController();
  const stopIn = (time: number) => void setTimeout(() => stop.abort(), time).unref();
  cancelled.addEventListener('abort', () => stopIn(LATEST_WHEN_CANCELLED));
  const begun = notifyStart(notifier);
  return async (result, stores) => {
    // In their order, or the service would wait for the end of a run whose start it heard of last.
    await begun;
    stopIn(cancelled.aborted ? TIME_WHEN_CANCELLED : TIME);
    cancelled.addEventListener('abort', () => stopIn(TIME_WHEN_CANCELLED));
    await notifyEnd(notifier, result, stores, stop.signal);
  };
}

/** Beside the work, not before it. Some services know no start: that is worth no warning, the end will tell. */
async function notifyStart({ settings: { heartbeat }, cancelled, log }: Notifier): Promise<void> {
  if (heartbeat === null) return;
  try {
    await sendBeat(heartbeat, 'start', cancelled);
  } catch (error) {
    log.info(`heartbeat-url: could not report the start: ${messageOf(error)}`);
  }
}

async function notifyEnd(
  notifier: Notifier,
  result: RunResult,
  stores: StoreLocation[],
  stop: AbortSignal,
): Promise<void> {
  const { webhook, mail, heartbeat, metricsFile, pushgateway } = notifier.settings;
  let recovered = result.facts.recovered;
  const attempt = async <T>(name: string, whom: T | null, work: (whom: T) => Promise<void>) => {
    try {
      if (whom !== null) await work(whom);
    } catch (error) {
      notifier.log.warning(`${name}: could not report this run: ${messageOf(error)}`);
    }
  };
  let measured: Promise<MetricGroup[]> | undefined;
  const measuredOnce = () => {
    measured ??= measureRun(result, stores);
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
    attempt('pushgateway-url', pushgateway, async (url) => pushMetrics(url, await measuredOnce(), stop)),
    attempt('webhook-url', webhook, async (url) => {
      if (result.failure !== null || recovered)
        await postWebhook(url, makeMessage(result, workflowRun(notifier.env)), stop);
    }),
    attempt('smtp-url', mail, async (settings) => {
      if (result.failure !== null || recovered) {
        await sendMail(settings, makeMessage(result, workflowRun(notifier.env)), stop);
      }
    }),
    attempt('heartbeat-url', heartbeat, (url) => sendBeat(url, result.failure === null ? 'success' : 'fail', stop)),
  ]);
}

async function measureRun(result: RunResult, stores: StoreLocation[]): Promise<MetricGroup[]> {
  // A disk that does not answer may be why the run was cancelled, or has failed.
  const space = result.cancelled ? [] : await Promise.race([spaceOf(stores), sleep(TIME_OF_DISKS, [], { ref: false })]);
  const groups = metricsOf(result, space);
  if (groups.length === 0)
    throw new Error(
      'its set is not known. Give it in name; those of databases are known once the server has listed them.',
    );
  return groups;
}

/** Of the file stores that exist. */
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
