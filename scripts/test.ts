import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runnersNode } from '../test/support/action/harness.ts';
import type { NotRun } from '../test/support/servers/not-run.ts';
import { type JestOptions, runJest, type TestFile } from './run-jest.ts';
import { REPOSITORY, runNode } from './run-node.ts';

/** `npm test`: everything, step by step. `--full` adds the slow tests, which are in this folder. */
const SLOW = 'test/full';
const END_TO_END = 'test/e2e';
/** More than this at once is no stall. */
const MOST_ONCE_MORE = 3;
/**
 * What is cancelled, killed, blocked or cut off at a moment that the test chooses: these run one at a time. A request that
 * fails for ever waits most of a minute for its end, and that is no moment.
 */
const MOMENTS = `${END_TO_END}/(faults/(?!s3-for-ever)|(alter|monitoring|restore-ended|standby)\\.test)`;
/** Where Node's own streams, zlib and crypto do the work: these are run again under the Node that runners ship. */
const ON_RUNNERS_NODE = `${END_TO_END}/(backup|by-hand|damaged|kitchen-sink|restore-test|stores)\\.test`;

const { full } = parseArgs({ options: { full: { type: 'boolean', default: false } } }).values;
const total = { passed: 0, failed: 0 };
const notRun: NotRun[] = [];
/** Files that failed, and passed when they ran once more. */
const onceMore: string[] = [];

const steps: [name: string, run: () => Promise<void>][] = [
  ['Install what is missing', () => runNode(['scripts/install-servers.ts'])],
  ['Types', () => runNode(['node_modules/typescript/bin/tsc'])],
  ['Format and lint', () => runNode(['node_modules/@biomejs/biome/bin/biome', 'check', '.'])],
  ['Words', words],
  ['Workflows', () => runNode(['scripts/lint-workflows.ts'])],
  ['action.yml and docs/inputs.md match the declared inputs', () => runNode(['scripts/docs.ts', '--check'])],
  ['Links and snippets of the documentation', () => runNode(['scripts/check-docs.ts'])],
  ['dist/ is what its sources make', () => runNode(['scripts/build.ts', '--check'])],
  // Two at once: they wait for servers most of the time.
  ['Tests', () => tests({ without: [END_TO_END, SLOW], workers: 2 })],
  ['End-to-end tests', () => tests({ paths: [`${END_TO_END}/`], without: [MOMENTS], workers: 2 })],
  [
    `End-to-end tests in which moments count${full ? ', and slow ones' : ''}`,
    () => tests({ paths: full ? [MOMENTS, `${SLOW}/`] : [MOMENTS] }),
  ],
  [
    'End-to-end tests again, dist/ under the Node that runners ship',
    () =>
      tests({
        paths: full ? [`${END_TO_END}/`, `${SLOW}/`] : [ON_RUNNERS_NODE],
        workers: full ? 1 : 2,
        env: { LIFEBOAT_TEST_NODE: runnersNode() },
      }),
  ],
];

async function main(): Promise<void> {
  const started = Date.now();
  try {
    for (const [name, run] of steps) await step(name, run);
  } catch (error) {
    console.error(`\n${(error as Error).message}`);
    total.failed ||= 1;
  }
  console.log(`\nTook ${duration(started)}.`);
  tellWhatDidNotRun();
  if (onceMore.length > 0) console.log(`FAILED AT FIRST, and passed when run once more: ${onceMore.join(', ')}`);
  process.exitCode = total.failed === 0 ? 0 : 1;
  console.log(`${total.passed} passed, ${total.failed} failed`);
}

/** Rejects when the step fails: those that follow would only bury its output. */
async function step(name: string, run: () => Promise<void>): Promise<void> {
  const started = Date.now();
  console.log(`\n=== ${name}`);
  try {
    await run();
  } catch (error) {
    console.log(`=== ${name}: FAILED after ${duration(started)}`);
    const left = steps.slice(steps.findIndex(([other]) => other === name) + 1);
    notRun.push(...left.map(([what]) => ({ what, why: `"${name}" failed before it` })));
    throw error;
  }
  console.log(`=== ${name}: passed in ${duration(started)}`);
}

/** It compares with an older commit, which a shallow clone does not have. */
async function words(): Promise<void> {
  const isShallow = execFileSync('git', ['rev-parse', '--is-shallow-repository'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  if (isShallow.trim() === 'true') {
    notRun.push({ what: 'Words', why: 'this clone is shallow: `git fetch --unshallow`' });
    return;
  }
  await runNode(['scripts/check-words.ts']);
}

async function tests(options: JestOptions): Promise<void> {
  const first = await runJest(options);
  const [good, bad] = [
    first.files.filter(({ failed }) => failed === 0),
    first.files.filter(({ failed }) => failed > 0),
  ];
  const again = bad.length > 0 && bad.length <= MOST_ONCE_MORE ? await runOnceMore(bad, options) : bad;
  const failed = sum(again.map((file) => file.failed));
  total.passed += sum([...good, ...again].map((file) => file.passed));
  total.failed += failed;
  notRun.push(...first.notRun);
  if (failed > 0) throw new Error(`${failed} tests failed`);
  const lacking = first.notRun.filter(({ hopeless }) => !hopeless);
  if (lacking.length > 0 && process.env.CI === 'true') {
    throw new Error(`${lacking.length} checks did not run; with CI=true that is an error`);
  }
}

/**
 * Hundreds of real servers start, are killed and wait for each other here: a machine that stalls for a minute makes one
 * of these tests red. What is broken is red again, alone; what is not is named at the end.
 */
async function runOnceMore(files: TestFile[], { env }: JestOptions): Promise<TestFile[]> {
  const paths = files.map(({ path }) => path);
  console.log(`=== Once more, one at a time: ${paths.join(', ')}`);
  const { files: again } = await runJest({ files: paths, workers: 1, ...(env && { env }) });
  onceMore.push(...again.filter(({ failed }) => failed === 0).map(({ path }) => path));
  return again;
}

function sum(numbers: number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}

function tellWhatDidNotRun(): void {
  const all = full ? notRun : [...notRun, ...slowTests()];
  console.log(all.length === 0 ? 'Everything ran.' : 'Did not run:');
  for (const { what, why } of all) console.log(`- ${what} (${why})`);
}

function slowTests(): NotRun[] {
  const folder = join(REPOSITORY, SLOW);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.test.ts')) : [];
  const slow = [
    ...names.map((name) => `${SLOW}/${name}`),
    'the other files of test/e2e/ under the Node that runners ship',
  ];
  return slow.map((what) => ({ what, why: 'slow: `npm run test:full` runs it' }));
}

function duration(since: number): string {
  const seconds = (Date.now() - since) / 1000;
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

await main();
