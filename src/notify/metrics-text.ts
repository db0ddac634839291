import type { MetricGroup } from './metrics.ts';
import { METRICS, type MetricName } from './samples.ts';

/** The first line of a file that is ours. */
export const FIRST_LINE = '# Written by Lifeboat, which reads it back and writes over it.';

const NAMES = Object.keys(METRICS) as MetricName[];
/** A series as we write it: label values are escaped, so that none holds a quote or a line end as it is. */
const SERIES = /^(lifeboat_[a-z_]+)\{([a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*)\} ([0-9.eE+-]+)$/;

interface Series {
  name: MetricName;
  /** As written, the group's labels first. */
  labels: string;
  value: string;
}

/**
 * The groups in Prometheus's text format, with what `previous` (such a text) has beside them: see {@link MetricGroup}.
 * Of `previous` only lines are taken that could be ours.
 */
export function metricsText(groups: MetricGroup[], previous = ''): string {
  const written = groups.flatMap(({ labels, samples }) =>
    samples.map(({ name, stage, value }) => ({
      name,
      group: labelText(labels),
      labels: labelText({ ...labels, ...(stage === undefined ? {} : { stage }) }),
      value: String(value),
    })),
  );
  const kept = readSeries(previous).filter(
    (old) => !written.some(({ name, group }) => name === old.name && old.labels.startsWith(group)),
  );
  const all: Series[] = [...kept, ...written];
  const blocks = NAMES.flatMap((name) => {
    const lines = all
      .filter((series) => series.name === name)
      .map(({ labels, value }) => `${name}{${labels}} ${value}`);
    return lines.length === 0 ? [] : [`# HELP ${name} ${METRICS[name]}`, `# TYPE ${name} gauge`, ...lines.sort()];
  });
  return [FIRST_LINE, ...blocks, ''].join('\n');
}

/** Whether the text says that the last run of one of these groups was red. */
export function lastAttemptFailed(previous: string, groups: MetricGroup[]): boolean {
  const own = groups.map(({ labels }) => labelText(labels));
  return readSeries(previous).some(
    ({ name, labels, value }) => name === 'lifeboat_last_attempt_success' && value === '0' && own.includes(labels),
  );
}

function readSeries(text: string): Series[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value = ''] = SERIES.exec(line) ?? [];
    const known = NAMES.find((candidate) => candidate === name);
    return known === undefined || Number.isNaN(Number(value)) ? [] : [{ name: known, labels, value }];
  });
}

/** In a fixed order, for a group is found again by its text. */
function labelText({ set, command, store, stage }: MetricGroup['labels'] & { stage?: string }): string {
  const labels = { set, command, store, stage };
  return Object.entries(labels)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${escapeLabel(value)}"`]))
    .join(',');
}

/** Prometheus, "Exposition formats": backslash, quote and line feed. */
function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
