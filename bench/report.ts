import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes } from '../src/units.ts';
import type { Contender, Result } from './contenders.ts';

/** The results of each contender, by its key, a result for each round. */
export type Rounds = Record<string, Result[]>;

const INTRODUCTION = `# Benchmark

Measured by \`npm run bench\`, which writes this file. \`bench/tables.ts\` says what the database holds. All ways dump the
same database of a private server on the same machine, in turn, round after round, to files on one disk; the disk is
synced before each run and the files are removed after it. gpg encrypts with AES-256; what Lifeboat does includes the
inventory (every row counted, every object listed) and an fsync of what it writes.
`;

const FILE = join(import.meta.dirname, 'results.md');

/** Replaces a section of results.md: speed and memory are measured by different commands. */
export function writeSection(title: string, body: string): void {
  const sections = new Map<string, string>();
  const old = existsSync(FILE) ? readFileSync(FILE, 'utf8').split(/^## /m).slice(1) : [];
  for (const section of old) {
    const end = section.indexOf('\n');
    sections.set(section.slice(0, end), section.slice(end).trim());
  }
  sections.set(title, body.trim());
  const texts = [...sections].map(([name, text]) => `## ${name}\n\n${text}\n`);
  writeFileSync(FILE, [INTRODUCTION, ...texts].join('\n'));
}

/** Medians of every contender. */
export function mediansTable(rounds: Rounds, contenders: Contender[]): string {
  const head = ['', '', 'wall', 'CPU of clients', 'CPU of server', 'peak memory', 'stored'];
  const rows = contenders.map(({ key, title }) => {
    const median = (read: (result: Result) => number) => medianOf((rounds[key] ?? []).map(read));
    const cells = [
      seconds(median(({ wall }) => wall)),
      seconds(median(({ cpu }) => cpu)),
      seconds(median(({ serverCpu }) => serverCpu)),
      formatBytes(median(({ memory }) => memory)),
      formatBytes(median(({ stored }) => stored)),
    ];
    return [key, title, ...cells];
  });
  return markdownTable([head, ...rows]);
}

/** Of our node process alone: the median time, the greatest memory. */
export function nodeLine(rounds: Rounds): string {
  const nodes = (rounds.e ?? []).flatMap(({ node }) => (node === null ? [] : [node]));
  const cpu = seconds(medianOf(nodes.map((node) => node.cpu)));
  const memory = Math.max(...nodes.map((node) => node.memory));
  return `Lifeboat's node process alone: ${cpu} of CPU, ${formatBytes(memory)} of memory at its peak (${underLimit(memory)}).`;
}

/** The peak memory of Lifeboat's node process in every run, on a small database and on a large one. Bytes. */
export interface MemoryRuns {
  size: number;
  peaks: number[];
}

export function memoryTable(small: MemoryRuns, large: MemoryRuns): string {
  const rows = [small, large].map(({ size, peaks }) => [
    formatBytes(size),
    formatBytes(medianOf(peaks)),
    peaks.map(formatBytes).join(', '),
  ]);
  const growth = medianOf(large.peaks) / medianOf(small.peaks) - 1;
  return [
    markdownTable([['database', 'median', 'peak memory, run by run'], ...rows]),
    `For the first: ${underLimit(Math.max(...small.peaks))}. For the second ${(growth * 100).toFixed(1)} % more (at most 10 %: ${growth <= 0.1 ? 'yes' : 'NO'}).`,
  ].join('\n\n');
}

/** Required for a database of 1 GB. */
function underLimit(memory: number): string {
  return `under 250 MB: ${memory < 250e6 ? 'yes' : 'NO'}`;
}

/** Lifeboat against each other way: the ratio of every round, their median, and what is required of it. */
export function ratiosTable(rounds: Rounds): string {
  const required: Record<string, { text: string; holds: (ratio: number) => boolean }> = {
    b: { text: 'at least 4.5 times as fast', holds: (ratio) => ratio <= 1 / 4.5 },
    c: { text: 'at least 3 times as fast', holds: (ratio) => ratio <= 1 / 3 },
    d: { text: 'at most 1.25', holds: (ratio) => ratio <= 1.25 },
  };
  const rows = ['a', 'b', 'c', 'd', 'f']
    .filter((key) => key in rounds)
    .map((key) => {
      const ratios = ratiosOf(rounds, key, ({ wall }) => wall);
      const median = medianOf(ratios);
      const { text, holds } = required[key] ?? { text: '', holds: () => true };
      const faster = median < 1 ? `${(1 / median).toFixed(2)} times as fast` : `${median.toFixed(2)} times as long`;
      const verdict = text === '' ? '' : `${text}: ${holds(median) ? 'yes' : 'NO'}`;
      return [`wall e/${key}`, median.toFixed(3), faster, ratios.map((ratio) => ratio.toFixed(3)).join(', '), verdict];
    });
  return markdownTable([['ratio', 'median', '', 'round by round', 'required'], ...rows]);
}

/** The bytes that Lifeboat stores beside those of gzip. */
export function storedRatio(rounds: Rounds): string {
  const ratio = medianOf(ratiosOf(rounds, 'b', ({ stored }) => stored));
  return `Stored e/b: ${ratio.toFixed(3)} (at most 1: ${ratio <= 1 ? 'yes' : 'NO'}).`;
}

export function wallTimes(rounds: Rounds, contenders: Contender[]): string {
  const lines = contenders.map(
    ({ key }) => `${key}: ${(rounds[key] ?? []).map(({ wall }) => seconds(wall)).join(', ')}`,
  );
  return `Wall times by round: ${lines.join('; ')}.`;
}

/** The first row is the head. Aligned, so that it can be read as it is. */
export function markdownTable(rows: string[][]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = cells;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

function ratiosOf(rounds: Rounds, other: string, read: (result: Result) => number): number[] {
  return (rounds.e ?? []).map((ours, round) => {
    const theirs = rounds[other]?.[round];
    return theirs === undefined ? Number.NaN : read(ours) / read(theirs);
  });
}

export function medianOf(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

export function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}
