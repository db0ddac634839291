import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const REPOSITORY = join(import.meta.dirname, '..', '..', '..');

/** The first cell of a row when it is a message, all of it. */
const MESSAGE = /^\| `([^`]+)` \|/gm;

const messages = [...readFileSync(join(REPOSITORY, 'docs/troubleshooting.md'), 'utf8').matchAll(MESSAGE)].map(
  ([, message = '']) => message,
);

/** The sources, each message on one line, with a mark where a value is put in. */
const sources = globSync('src/**/*.ts', { cwd: REPOSITORY }).map((file) =>
  readFileSync(join(REPOSITORY, file), 'utf8')
    .replace(/['`]\s*\+\s*['`]/g, '')
    .replaceAll("\\'", "'")
    .replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '\u0000'),
);

/** Literal text, and anything on the same line for each `…`. */
function patternOf(message: string): RegExp {
  const pieces = message.split('…').map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(pieces.join('[^\\n]*?'));
}

test('the page has messages, each of them once', () => {
  expect(messages.length).toBeGreaterThan(80);
  expect(messages.filter((message, index) => messages.indexOf(message) < index)).toEqual([]);
});

test('each message has enough words of its own to be told from others', () => {
  expect(messages.filter((message) => message.replaceAll('…', '').trim().length < 12)).toEqual([]);
});

test('each message is in the sources as it stands on the page', () => {
  expect(messages.filter((message) => !sources.some((source) => patternOf(message).test(source)))).toEqual([]);
});
