import { sendRequest } from './http.ts';
import type { MetricGroup } from './metrics.ts';
import { metricsText } from './metrics-text.ts';

/**
 * Pushes each group. POST replaces the metrics of its group that have the same name, and no others (Pushgateway, "POST
 * method"): what a failed run has nothing to say about stays. Throws an HttpError at the first that is not taken.
 */
export async function pushMetrics(gateway: URL, groups: MetricGroup[], stop: AbortSignal): Promise<void> {
  for (const group of groups) {
    const url = new URL(gateway);
    url.pathname = `${gateway.pathname.replace(/\/+$/, '')}/metrics/job/lifeboat${groupingKey(group.labels)}`;
    const body = metricsText([group]);
    await sendRequest({ method: 'POST', url, contentType: 'text/plain; version=0.0.4; charset=utf-8', body }, stop);
  }
}

/** In base64, as a store's slashes need it. */
function groupingKey(labels: MetricGroup['labels']): string {
  return Object.entries(labels)
    .map(([name, value]) => `/${name}@base64/${Buffer.from(value).toString('base64url')}`)
    .join('');
}
