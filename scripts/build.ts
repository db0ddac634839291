import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { CLI } from '../src/cli/program.ts';
import { REPOSITORY, runNode } from './run-node.ts';

const DIST = join(REPOSITORY, 'dist');

/** The post step's bundle, within dist/: it can only clean up, because it contains no command. */
const POST = 'post';
const LICENSES = 'licenses.txt';

/** The command line: the same bundle, told by its first argument. */
const CLI_FILE = `#!/usr/bin/env node
process.argv.splice(2, 0, '${CLI}');
await import('./index.js');
`;

/** Bundles the Action into dist/; with `--check` tells whether dist/ is what its sources make. */
async function main(): Promise<void> {
  const { check } = parseArgs({ options: { check: { type: 'boolean', default: false } } }).values;
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-build-'));
  try {
    await bundle(folder);
    if (check) compare(folder);
    else replaceDist(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bundle(folder: string): Promise<void> {
  await Promise.all([runNcc('src/main.ts', folder), runNcc('src/post.ts', join(folder, POST))]);
  dropLicensesOfPost(folder);
  for (const name of filesOf(folder).filter((name) => name.endsWith('.js'))) giveFolder(join(folder, name));
  writeFileSync(join(folder, 'cli.js'), CLI_FILE, { mode: 0o755 });
  // A program of ssh2's for PuTTY's agent on Windows, which nothing here asks.
  for (const name of ['pagent.exe', join(POST, 'pagent.exe')]) rmSync(join(folder, name), { force: true });
  const broken = filesOf(folder).filter((name) => readFileSync(join(folder, name)).includes('webpackMissingModule'));
  if (broken.length > 0) {
    throw new Error(`${broken.join(', ')}: a module was not found; ncc succeeds all the same and the bundle throws`);
  }
}

async function runNcc(source: string, folder: string): Promise<void> {
  const ncc = 'node_modules/@vercel/ncc/dist/ncc/cli.js';
  await runNode([ncc, 'build', source, '-o', folder, '--license', LICENSES, '--no-cache', '--quiet']);
}

/** The post step uses packages that the main step uses too, so one file has the licenses of both. */
function dropLicensesOfPost(folder: string): void {
  const file = join(folder, POST, LICENSES);
  const all = new Set(linesOf(join(folder, LICENSES)));
  const missing = linesOf(file).filter((line) => !all.has(line));
  if (missing.length > 0) throw new Error(`${LICENSES} lacks what the post step's packages need: ${missing[0]}`);
  rmSync(file);
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n');
}

/** A module of ssh2's asks for `__dirname`, which ES modules do not have, and which ncc leaves as it stands. */
function giveFolder(file: string): void {
  const text = readFileSync(file, 'utf8');
  if (/\b__dirname\b/.test(text)) writeFileSync(file, text.replaceAll(/\b__dirname\b/g, 'import.meta.dirname'));
}

/** Whole or not at all: chunks of an older build have other numbers, and would stay. */
function replaceDist(folder: string): void {
  rmSync(DIST, { recursive: true, force: true });
  cpSync(folder, DIST, { recursive: true });
  console.log(`dist/: ${filesOf(DIST).join(', ')}`);
}

function compare(folder: string): void {
  const committed = existsSync(DIST) ? filesOf(DIST) : [];
  const built = filesOf(folder);
  const differences = [...new Set([...committed, ...built])].flatMap((name) => {
    if (!built.includes(name)) return [`dist/${name} is not made by this build`];
    if (!committed.includes(name)) return [`dist/${name} is missing`];
    const same = readFileSync(join(DIST, name)).equals(readFileSync(join(folder, name)));
    return same ? [] : [`dist/${name} differs`];
  });
  if (differences.length > 0) {
    throw new Error(`dist/ is not what its sources make. Run \`npm run build\`.\n  ${differences.join('\n  ')}`);
  }
  console.log('dist/ is what its sources make.');
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
