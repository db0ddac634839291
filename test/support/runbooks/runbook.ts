import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '..', '..', '..');

/** The pages in docs/runbooks/. */
export const RUNBOOKS = ['disaster-recovery', 'planned-restore', 'monthly-review', 'disk-encryption'] as const;

export type Runbook = (typeof RUNBOOKS)[number];

/** The pages whose commands run in tests. */
export const PAGES = ['getting-started', ...RUNBOOKS] as const;

export type TestedPage = (typeof PAGES)[number];

export function fileOf(page: TestedPage): string {
  return join(REPOSITORY, 'docs', page === 'getting-started' ? '' : 'runbooks', `${page}.md`);
}

/**
 * A block of commands on such a page, as its fence says: `sh test=NAME` is run by a test, in the order of the page, in one
 * shell for all blocks of that name. `sh values=NAME` holds what is different for everybody (`export DISK=/dev/sda`):
 * the test has values of its own. `sh not-run` is run by no test, and the page says why.
 */
export interface Block {
  kind: 'test' | 'values' | 'not-run';
  /** Of the test, empty when it is not run. */
  name: string;
  code: string;
  /** What the page says that it prints: the fence `text` that follows. */
  prints: string | null;
  /** Where it is: `disaster-recovery.md:42`. */
  at: string;
}

/** Every block of commands of a page. Throws for a fence of another form. */
export function readBlocks(page: TestedPage): Block[] {
  const fences = readFences(page);
  return fences.flatMap((fence, index) => {
    if (['text', 'mermaid', 'sql'].includes(fence.info)) return [];
    const [, kind, name = ''] = /^sh (test|values|not-run)(?:=([\w-]+))?$/.exec(fence.info) ?? [];
    if (kind === undefined || (kind === 'not-run') !== (name === '')) {
      throw new Error(`${fence.at}: a fence "${fence.info}": expected sh test=…, sh values=…, sh not-run, text, sql`);
    }
    const next = fences[index + 1];
    const prints = next?.info === 'text' ? next.text : null;
    return { kind: kind as Block['kind'], name, code: fence.text, prints, at: fence.at };
  });
}

interface Fence {
  info: string;
  text: string;
  at: string;
}

function readFences(page: TestedPage): Fence[] {
  const text = readFileSync(fileOf(page), 'utf8');
  return [...text.matchAll(/^( *)```(.+)\n([\s\S]*?)^\1```$/gm)].map(
    ({ 1: indent = '', 2: info = '', 3: body = '', index }) => ({
      info: info.trim(),
      text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      at: `${page}.md:${text.slice(0, index).split('\n').length}`,
    }),
  );
}

/**
 * Whether the output is what the page says, line by line. On the page `…` within a line stands for anything, a line `…`
 * for any number of lines, and the id of a backup for any other.
 */
export function isAsPrinted(output: string, prints: string): boolean {
  const lines = prints
    .trimEnd()
    .split('\n')
    .map((line) => (line.trim() === '…' ? '(?:.*\\n)*?' : `${linePattern(line.trimEnd())} *\\n`));
  return new RegExp(`^${lines.join('')}$`).test(`${output.trimEnd()}\n`);
}

const ID = /\d{8}T\d{6}Z-[0-9a-f]{8}/g;

function linePattern(line: string): string {
  const literal = (text: string) => text.split(ID).map(escapeRegExp).join(ID.source);
  return line.split('…').map(literal).join('.*');
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
