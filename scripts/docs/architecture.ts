import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * The floors of src/, from the top down: a file imports only from its own floor's folder and from the floors below. A
 * folder, or the files of src/ itself that stand on that floor.
 */
export const FLOORS: readonly string[] = [
  'main.ts',
  'post.ts',
  'cli',
  'app',
  'commands',
  'inputs',
  'notify',
  'report',
  'repository',
  'proof',
  'files',
  'postgres',
  'store',
  'openpgp',
  'compression',
  'process',
  'formats',
  'leftovers.ts',
  'loopback.ts',
  'text.ts',
  'units.ts',
  'errors.ts',
  'version.ts',
];

/** What each file of a source tree imports, by their paths in it; types too, and what is imported only when needed. */
export type ImportGraph = Map<string, string[]>;

export function readImports(sources: string): ImportGraph {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return new Map(files.sort().map((file) => [file, importsOf(sources, file)]));
}

function importsOf(sources: string, file: string): string[] {
  const paths = readFileSync(join(sources, file), 'utf8').matchAll(/(?:from |import |import\()'(\.[^']+)'/g);
  return [...paths].map(([, path = '']) => relative(sources, join(sources, dirname(file), path)));
}

/**
 * Folders of a source tree, two levels down, that do not open with a README.md: what lives there, what it may import, how
 * to add one more.
 */
export function foldersWithoutReadme(sources: string): string[] {
  const folders = foldersIn(sources, '').flatMap((folder) => [folder, ...foldersIn(sources, folder)]);
  return folders.filter((folder) => linesOf(join(sources, folder, 'README.md')) < SHORTEST_README);
}

/** A heading and three things to say. */
const SHORTEST_README = 4;

/** A folder that can be read at a glance has no more entries than this. */
const MOST_ENTRIES = 14;

/** Folders of a source tree, at every depth but the first, with more entries than {@link MOST_ENTRIES} beside a README. */
export function crowdedFolders(sources: string, folder = ''): string[] {
  const below = foldersIn(sources, folder).flatMap((inner) => crowdedFolders(sources, inner));
  const entries = readdirSync(join(sources, folder)).filter((name) => name !== 'README.md');
  return folder === '' || entries.length <= MOST_ENTRIES ? below : [folder, ...below];
}

function foldersIn(sources: string, folder: string): string[] {
  const entries = readdirSync(join(sources, folder), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort();
}

/** Blank ones do not count; 0 of a file that does not exist. */
function linesOf(file: string): number {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).length : 0;
}

/** The floor of a file: its first folder, or the file itself. */
export function floorOf(file: string): string {
  return file.split('/', 1)[0] ?? file;
}

/** Each import that does not run down: `from -> to`. */
export function upwardImports(graph: ImportGraph): string[] {
  const height = (file: string) => FLOORS.indexOf(floorOf(file));
  return [...graph].flatMap(([from, targets]) =>
    targets
      .filter((to) => floorOf(from) !== floorOf(to) && (height(from) < 0 || height(from) >= height(to)))
      .map((to) => `${from} -> ${to}`),
  );
}

/** Each circle, as the names in it in order. The names are those of the graph's files, or what `nameOf` makes of them. */
export function circles(graph: ImportGraph, nameOf: (file: string) => string = (file) => file): string[][] {
  const edges = new Map<string, Set<string>>();
  for (const [from, targets] of graph) {
    const own = edges.get(nameOf(from)) ?? new Set();
    for (const to of targets) if (nameOf(to) !== nameOf(from)) own.add(nameOf(to));
    edges.set(nameOf(from), own);
  }
  const found: string[][] = [];
  const finished = new Set<string>();
  const visit = (name: string, path: string[]): void => {
    const start = path.indexOf(name);
    if (start >= 0) found.push(path.slice(start));
    if (start >= 0 || finished.has(name)) return;
    for (const next of edges.get(name) ?? []) visit(next, [...path, name]);
    finished.add(name);
  };
  for (const name of edges.keys()) visit(name, []);
  return found;
}

/** The folders of src/ and what each imports, as a Mermaid flowchart. An arrow that longer ones imply is left out. */
export function picture(graph: ImportGraph): string {
  const folders = FLOORS.filter((floor) => !floor.endsWith('.ts'));
  const direct = new Map(folders.map((folder) => [folder, new Set<string>()]));
  for (const [from, targets] of graph) {
    for (const to of targets) {
      if (folders.includes(floorOf(to)) && floorOf(from) !== floorOf(to)) direct.get(floorOf(from))?.add(floorOf(to));
    }
  }
  const reaches = (from: string, to: string): boolean =>
    [...(direct.get(from) ?? [])].some((next) => next === to || reaches(next, to));
  const arrows = folders.flatMap((from) => {
    const targets = folders.filter((to) => direct.get(from)?.has(to));
    return targets
      .filter((to) => !targets.some((other) => other !== to && reaches(other, to)))
      .map((to) => `    ${from} --> ${to}`);
  });
  return ['```mermaid', 'flowchart TD', ...arrows, '```'].join('\n');
}
