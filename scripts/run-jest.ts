import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { NOT_RUN_FILE, type NotRun } from '../test/support/servers/not-run.ts';
import { REPOSITORY, runNode } from './run-node.ts';

export interface JestResult {
  files: TestFile[];
  notRun: NotRun[];
}

export interface TestFile {
  /** From the repository on. */
  path: string;
  passed: number;
  /** Tests; 1 for a file that did not even load. */
  failed: number;
}

export interface JestOptions {
  /** Regular expressions of paths; none: every test. */
  paths?: string[];
  /** These and no others, from the repository on. */
  files?: string[];
  /** Regular expressions of paths from the repository on: what is left out. */
  without?: string[];
  /** Test files that run side by side; default: jest's own, one fewer than there are cores. */
  workers?: number;
  env?: Record<string, string>;
}

/** Runs tests, their output shown. Failed tests are no error; throws when jest leaves no result. */
export async function runJest({
  paths = [],
  files = [],
  without = [],
  workers,
  env,
}: JestOptions): Promise<JestResult> {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-jest-'));
  const resultFile = join(folder, 'result.json');
  const notRunFile = join(folder, 'not-run');
  writeFileSync(notRunFile, '');
  const ignored = ['/node_modules/', ...without.map((path) => `<rootDir>/${path}`)];
  const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
  const which = files.length > 0 ? ['--runTestsByPath', ...files] : paths;
  const side = workers === undefined ? [] : [`--maxWorkers=${workers}`];
  const ignore = ignored.map((pattern) => `--testPathIgnorePatterns=${pattern}`);
  try {
    await runNode([...jest, ...which, ...ignore, ...side, '--json', `--outputFile=${resultFile}`], {
      ...env,
      [NOT_RUN_FILE]: notRunFile,
    }).catch((error: Error) => error); // What failed stands in the result.
    const result = readResult(resultFile);
    return { ...result, notRun: [...readLines(notRunFile), ...result.notRun] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The parts of jest's --json that count here. */
interface JestJson {
  testResults: { name: string; status: string; assertionResults: { status: string; fullName: string }[] }[];
}

function readResult(file: string): JestResult {
  const json = JSON.parse(readFileSync(file, 'utf8')) as JestJson;
  const files = json.testResults.map(({ name, status, assertionResults }) => {
    const count = (wanted: string) => assertionResults.filter((test) => test.status === wanted).length;
    const failed = count('failed') || (status === 'failed' ? 1 : 0);
    return { path: relative(REPOSITORY, name), passed: count('passed'), failed };
  });
  const notRun = json.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ status, fullName }) => ({ what: `${relative(REPOSITORY, name)}: ${fullName}`, why: status })),
  );
  return { files, notRun };
}

/** A file that several tests share tells the same more than once. */
function readLines(file: string): NotRun[] {
  const lines = new Set(readFileSync(file, 'utf8').split('\n').filter(Boolean));
  return [...lines].map((line) => JSON.parse(line) as NotRun);
}
