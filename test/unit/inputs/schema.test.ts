import { expect, test } from '@jest/globals';
import { optional, pick, readInputs, schemaOf } from '../../../src/inputs/schema.ts';
import { parseDuration } from '../../../src/inputs/values/duration.ts';
import { RecordingLog } from '../../support/recording-log.ts';

const schema = schemaOf({
  'max-restore-test-age': optional(parseDuration),
  's3-sse': (text) => text,
  'lock-wait-timeout': parseDuration,
});

function read(given: Record<string, string>) {
  return readInputs(schema, [], (name) => given[name] ?? '', { env: {}, log: new RecordingLog(), now: new Date() });
}

test('values have the names of their inputs in camel case', async () => {
  const values = { maxRestoreTestAge: 3_600_000, s3Sse: 'AES256', lockWaitTimeout: 1000 };
  expect(await read({ 'max-restore-test-age': '1h', 's3-sse': ' AES256\n', 'lock-wait-timeout': '1s' })).toEqual(
    values,
  );
});

test('an input that is left out has its declared default, or null when it is optional', async () => {
  expect(await read({})).toEqual({ maxRestoreTestAge: null, s3Sse: '', lockWaitTimeout: 300_000 });
});

test('picks values by name', () => {
  expect(pick({ maxAge: 1, jobs: 2, name: null }, ['jobs', 'name'])).toEqual({ jobs: 2, name: null });
});
