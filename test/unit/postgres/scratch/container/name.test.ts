import { expect, test } from '@jest/globals';
import { isLeftByEndedRun, newContainerName } from '../../../../../src/postgres/scratch/container/name.ts';

const [scope, pid, started, created, tail] = newContainerName().replace('lifeboat-scratch-', '').split('-');
const nameOf = (...words: unknown[]) => `lifeboat-scratch-${words.join('-')}`;
const now = Number(created);
const DAY = 86_400;
const OTHER = 'abcdefabcdef';
const GONE = 2 ** 22 + 1;

test.each([
  ['a container of this process', nameOf(scope, pid, started, created, tail), false],
  ['of a process whose pid was used again', nameOf(scope, pid, Number(started) + 1, created, tail), true],
  ['of a process that has ended', nameOf(scope, GONE, started, created, tail), true],
  [
    'of another machine that shares the engine, whose pids say nothing here',
    nameOf(OTHER, GONE, 1, now - DAY, tail),
    false,
  ],
  ['of another machine, older than any run', nameOf(OTHER, GONE, 1, now - 8 * DAY, tail), true],
  ['of another program, whose name begins as ours do', 'lifeboat-scratch-postgres', false],
  ['of another program, whose name ends as ours do', `my-${nameOf(scope, GONE, 1, 1, tail)}`, false],
])('removes what an ended run left: %s', (_, name, isLeft) => {
  expect(isLeftByEndedRun(name)).toBe(isLeft);
});
