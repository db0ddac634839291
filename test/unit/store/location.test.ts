import { describe, expect, test } from '@jest/globals';
import { warnOfFleetingStores } from '../../../src/inputs/stores/fleeting-stores.ts';
import { parseStores } from '../../../src/store/location.ts';
import { RecordingLog } from '../../support/recording-log.ts';

test.each([
  ['file:///srv/backups', { kind: 'file', url: 'file:///srv/backups', path: '/srv/backups' }],
  ['file:///srv/backups/', { kind: 'file', url: 'file:///srv/backups', path: '/srv/backups' }],
  ['FILE:///srv/my%20backups', { kind: 'file', url: 'FILE:///srv/my%20backups', path: '/srv/my backups' }],
  [
    'file:///srv/Sicherung für @home',
    { kind: 'file', url: 'file:///srv/Sicherung für @home', path: '/srv/Sicherung für @home' },
  ],
  ['file:///srv/100%25', { kind: 'file', url: 'file:///srv/100%25', path: '/srv/100%' }],
  ['s3://bucket', { kind: 's3', url: 's3://bucket', bucket: 'bucket', prefix: '' }],
  ['s3://bucket/', { kind: 's3', url: 's3://bucket', bucket: 'bucket', prefix: '' }],
  ['s3://my.bucket-1/a/b/', { kind: 's3', url: 's3://my.bucket-1/a/b', bucket: 'my.bucket-1', prefix: 'a/b' }],
  [
    'ssh://u123@Box.example.com:23/backups/',
    {
      kind: 'ssh',
      url: 'ssh://u123@Box.example.com:23/backups',
      user: 'u123',
      host: 'box.example.com',
      port: 23,
      path: '/backups',
      via: null,
    },
  ],
  [
    'ssh://backup@[::1]/~/my%20backups/a@b',
    {
      kind: 'ssh',
      url: 'ssh://backup@[::1]/~/my%20backups/a@b',
      user: 'backup',
      host: '::1',
      port: 22,
      path: 'my backups/a@b',
      via: null,
    },
  ],
  [
    'rclone:my drive:/backups/50%/',
    { kind: 'rclone', url: 'rclone:my drive:/backups/50%', remote: 'my drive', path: '/backups/50%' },
  ],
  ['rclone:box:', { kind: 'rclone', url: 'rclone:box:', remote: 'box', path: '' }],
  ['S3://bucket/A b%20@c', { kind: 's3', url: 's3://bucket/A b%20@c', bucket: 'bucket', prefix: 'A b%20@c' }],
])('%s', (text, location) => {
  expect(parseStores(text)).toEqual([location]);
});

test('several stores, with comments', () => {
  const stores = parseStores(
    '# near\nfile:///srv/a\n\n# far\n  s3://bucket/shop  \ns3://bucket/shop2\nfile:///srv/ab\n',
  );
  expect(stores.map(({ url }) => url)).toEqual([
    'file:///srv/a',
    's3://bucket/shop',
    's3://bucket/shop2',
    'file:///srv/ab',
  ]);
});

test.each([
  's3://ab',
  `s3://${'x'.repeat(64)}`,
  's3://a..b/x',
  's3://-bucket/x',
  's3://bucket-/x',
  's3://buck_et/x',
  's3://bucket/../x',
  `s3://bucket/${'x'.repeat(701)}`,
  's3:bucket/x',
  's3:/KEY:s3cret@bucket/x',
  'file:////srv',
  'file:///srv/%00',
  'file:///srv/100%',
  'file:///srv/a?b',
  'file://~/backups',
  'file:///~/backups',
  'file:///srv/a%0Ab',
  '\\\\server\\share',
  'https://s3cret@host/bucket',
])('%s is refused', (text) => {
  expect(() => parseStores(text)).toThrow(/Write|Give|Keys belong/);
  expect(() => parseStores(text)).not.toThrow(/s3cret/);
});

describe('a store inside another', () => {
  test.each([
    ['s3://bucket', 's3://bucket/x'],
    ['s3://bucket/x/y', 's3://bucket/x'],
    ['file:///srv', 'file:///srv/backups'],
    ['file:///srv/my%20backups', 'file:///srv/my backups'],
  ])('%s and %s', (a, b) => {
    expect(() => parseStores(`${a}\n${b}`)).toThrow(/lies inside|listed twice/);
    expect(() => parseStores(`${b}\n${a}`)).toThrow(/lies inside|listed twice/);
  });
});

test('T7: a folder that does not outlive the job gives a warning', () => {
  const warnings = (env: Record<string, string>) => {
    const log = new RecordingLog();
    warnOfFleetingStores(parseStores('file:///home/runner/repo/backups\ns3://bucket/x'), env, log);
    return log.warnings;
  };
  expect(warnings({})).toEqual([]);
  expect(warnings({ RUNNER_ENVIRONMENT: 'self-hosted', GITHUB_WORKSPACE: '/home/runner/re' })).toEqual([]);
  expect(warnings({ RUNNER_ENVIRONMENT: 'self-hosted', GITHUB_WORKSPACE: '/home/runner/repo' })).toEqual([
    expect.stringMatching(/^store: "file:.*backups" lies in a folder that the runner empties/),
  ]);
  expect(warnings({ RUNNER_ENVIRONMENT: 'github-hosted' })).toEqual([expect.stringMatching(/disk is gone/)]);
});
