import { LifeboatError } from '../errors.ts';
import { mailSettings, parseAddress, parseAddresses, parseSmtpUrl } from '../inputs/notifiers/mail.ts';
import { parseMetricsFile, parseServiceUrl } from '../inputs/notifiers/monitoring.ts';
import type { GetInput } from '../inputs/schema.ts';
import { parseSetName } from '../inputs/values/set-name.ts';
import { parseBoolean } from '../inputs/values/words.ts';
import type { MonitoringSettings } from '../notify/settings.ts';
import { namedCommand } from './read-settings.ts';

/**
 * Who is notified of how the run goes. It is read before all other inputs and apart from them, so that a run with bad
 * inputs is reported as well; what is bad in these inputs themselves is an error of readSettings. A dry run notifies no one,
 * because nothing was done.
 */
export function readMonitoring(get: GetInput): MonitoringSettings {
  const notifies = !('dry-run' in namedCommand(get('command')).inputs && parseOrNull(get('dry-run'), parseBoolean));
  return {
    webhook: notifies ? parseOrNull(get('webhook-url'), parseServiceUrl) : null,
    heartbeat: notifies ? parseOrNull(get('heartbeat-url'), parseServiceUrl) : null,
    metricsFile: notifies ? parseOrNull(get('metrics-file'), parseMetricsFile) : null,
    pushgateway: notifies ? parseOrNull(get('pushgateway-url'), parseServiceUrl) : null,
    mail: notifies
      ? mailSettings(
          parseOrNull(get('smtp-url'), parseSmtpUrl),
          parseOrNull(get('mail-to'), parseAddresses),
          parseOrNull(get('mail-from'), parseAddress),
        )
      : null,
    set: parseOrNull(get('name'), parseSetName),
  };
}

/** null: not given, or bad. */
function parseOrNull<T>(text: string, parse: (text: string) => T): T | null {
  try {
    return text.trim() === '' ? null : parse(text.trim());
  } catch (error) {
    if (error instanceof LifeboatError) return null;
    throw error;
  }
}
