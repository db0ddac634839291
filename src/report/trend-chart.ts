import type { Trend, TrendPoint } from './trend.ts';

/** One measure of the backups that have it, oldest first. */
export interface Chart {
  title: string;
  /** Of the values. */
  unit: string;
  values: number[];
  /** The days of the first and the last one, `2026-11-21`. */
  from: string;
  to: string;
}

const BYTES: [factor: number, name: string][] = [1, 'kB', 'MB', 'GB', 'TB', 'PB'].map((name, power) => [
  1000 ** power,
  name === 1 ? 'B' : String(name),
]);
const TIMES: [factor: number, name: string][] = [
  [1, 'ms'],
  [1000, 's'],
  [60_000, 'min'],
  [3_600_000, 'h'],
];

/** What there is to see: a measure that two backups or more have. */
export function chartsOf({ backups }: Pick<Trend, 'backups'>): Chart[] {
  return [
    ...chartOf('Stored', backups, ({ size }) => size, BYTES),
    ...chartOf('Duration of the backup', backups, ({ duration }) => duration, TIMES),
    ...chartOf('Time to restore', backups, ({ restoreTime }) => restoreTime, TIMES),
  ];
}

function chartOf(
  title: string,
  points: TrendPoint[],
  measureOf: (point: TrendPoint) => number | null,
  units: [factor: number, name: string][],
): Chart[] {
  const known = points.flatMap((point) => {
    const value = measureOf(point);
    return value === null ? [] : [{ day: point.created.slice(0, 10), value }];
  });
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || known.length < 2) return [];
  const most = Math.max(...known.map(({ value }) => value));
  const [factor, unit] = units.findLast(([factor]) => most >= factor) ?? [1, units[0]?.[1] ?? ''];
  // Three decimals: never in the form 1e-7, which Mermaid does not read.
  const values = known.map(({ value }) => Number((value / factor).toFixed(3)));
  return [{ title, unit, values, from: first.day, to: last.day }];
}

/**
 * Charts in the job summary, which GitHub draws with Mermaid. Nothing from outside gets in: words of ours, days and
 * numbers.
 */
export function mermaidCharts(trend: Pick<Trend, 'backups'>): string[] {
  const charts = chartsOf(trend).map(mermaidChart);
  return charts.length === 0 ? [] : [`### The last ${trend.backups.length} backups`, ...charts];
}

/** Mermaid's own colour for bars is hardly seen on white. */
const STYLE =
  '%%{init: {"xyChart": {"height": 260}, "themeVariables": {"xyChart": {"plotColorPalette": "#2f6fb5"}}}}%%';

function mermaidChart({ title, unit, values, from, to }: Chart): string {
  return [
    '```mermaid',
    STYLE,
    'xychart-beta',
    `  title "${title}, ${unit}: ${values.length} backups, ${from} to ${to}"`,
    `  x-axis [${values.map((_, index) => `"${index + 1}"`).join(', ')}]`,
    `  y-axis "${unit}" 0 --> ${Math.max(...values) || 1}`,
    `  bar [${values.join(', ')}]`,
    '```',
  ].join('\n');
}
