import { expect, test } from '@jest/globals';
import { isLeftByEndedRun, newContainerName } from '../../../../../src/postgres/scratch/container/name.ts';

const [namespace, pid, started, created, tail] = newContainerName().replace('lifeboat-scratch-', '').split('-');
const nameOf = (...words: unknown[]) => `lifeboat-scratch-${words.join('-')}`;
const now = Number(created);
const DAY = 86_400;

test.each([
  ['a container of this process', nameOf(namespace, pid, started, created, tail), false],
  ['of a process whose pid was used again', nameOf(namespace, pid, Number(started) + 1, created, tail), true],
  ['of a process that has ended', nameOf(namespace, 2 ** 22 + 1, started, created, tail), true],
  ['of another namespace, which may still run', nameOf(1, pid, 1, now - DAY, tail), false],
  ['of another namespace, older than any run', nameOf(1, pid, 1, now - 8 * DAY, tail), true],
  ['of another program, whose name begins as ours do', 'lifeboat-scratch-postgres', false],
  ['of another program, whose name ends as ours do', `my-${nameOf(namespace, 1, 1, 1, tail)}`, false],
])('removes what an ended run left: %s', (_, name, isLeft) => {
  expect(isLeftByEndedRun(name)).toBe(isLeft);
});
