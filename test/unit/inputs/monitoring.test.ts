import { describe, expect, test } from '@jest/globals';
import { readMonitoring } from '../../../src/app/read-monitoring.ts';
import { readSettings } from '../../../src/app/read-settings.ts';
import { goodInputs } from '../../support/data/bad-inputs.ts';
import { RecordingLog } from '../../support/recording-log.ts';

const WEBHOOK = 'https://chat.example.com/hooks/k3y';
const HEARTBEAT = 'https://hc-ping.com/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278';
const TOLD = {
  'webhook-url': WEBHOOK,
  'heartbeat-url': ` ${HEARTBEAT}\n`,
  'metrics-file': '/var/lib/node_exporter/shop.prom',
  'pushgateway-url': 'http://me:s3cretpw@gateway:9091/prefix',
  'smtp-url': 'smtps://me%40example.com:m%41ilpw@smtp.example.com',
  'mail-to': 'ops@example.com, dba@example.com',
};

const read = (inputs: Record<string, string>) => readMonitoring((name) => inputs[name] ?? '');

describe('who is told', () => {
  test('nobody, when nobody is named', () => {
    expect(read({})).toEqual({
      webhook: null,
      heartbeat: null,
      metricsFile: null,
      pushgateway: null,
      mail: null,
      set: null,
    });
  });

  test('everybody who is named', () => {
    expect(read({ ...TOLD, name: 'shop' })).toEqual({
      webhook: new URL(WEBHOOK),
      heartbeat: new URL(HEARTBEAT),
      metricsFile: '/var/lib/node_exporter/shop.prom',
      pushgateway: new URL('http://me:s3cretpw@gateway:9091/prefix'),
      mail: {
        server: {
          host: 'smtp.example.com',
          port: 465,
          tls: 'at once',
          login: { user: 'me@example.com', password: 'mAilpw' },
        },
        from: 'me@example.com',
        to: ['ops@example.com', 'dba@example.com'],
      },
      set: 'shop',
    });
  });

  test('what is bad is left out, the rest stands, whatever the other inputs are', () => {
    const bad = { ...TOLD, command: 'bakcup', 'heartbeat-url': 'hc-ping.com/x', 'metrics-file': 'shop', name: 'a/b' };
    expect(read(bad)).toMatchObject({ webhook: new URL(WEBHOOK), heartbeat: null, metricsFile: null, set: null });
    expect(read({ ...TOLD, 'mail-to': 'nobody' })).toMatchObject({ mail: null, webhook: new URL(WEBHOOK) });
  });

  test('nobody of a dry run; a command that knows none is no dry run', () => {
    const heartbeat = new URL(HEARTBEAT);
    expect(read({ ...TOLD, 'dry-run': 'true' })).toMatchObject({ webhook: null, mail: null, metricsFile: null });
    expect(read({ ...TOLD, 'dry-run': 'true', command: 'restore' })).toMatchObject({ heartbeat: null });
    expect(read({ ...TOLD, 'dry-run': 'true', command: 'restore-test' })).toMatchObject({ heartbeat });
    expect(read({ ...TOLD, 'dry-run': 'no' })).toMatchObject({ heartbeat });
  });
});

test.each([
  ['smtp://localhost', { host: 'localhost', port: 587, tls: 'none', login: null }],
  ['smtp://127.0.0.1:25/', { host: '127.0.0.1', port: 25, tls: 'none', login: null }],
  ['smtp://[::1]:25', { host: '::1', port: 25, tls: 'none', login: null }],
  ['smtp://mx.example.com', { host: 'mx.example.com', port: 587, tls: 'STARTTLS', login: null }],
  ['smtp://localhost.example.com', { host: 'localhost.example.com', port: 587, tls: 'STARTTLS', login: null }],
  ['smtps://localhost:4650', { host: 'localhost', port: 4650, tls: 'at once', login: null }],
])('%s: nothing leaves this machine unencrypted', (url, server) => {
  const mail = { 'smtp-url': url, 'mail-to': 'b@example.com', 'mail-from': 'a@example.com' };
  expect(read(mail).mail).toEqual({ server, from: 'a@example.com', to: ['b@example.com'] });
});

test.each(['backup', 'restore-test', 'list'])(
  '%s takes the inputs, and masks what is secret in them',
  async (command) => {
    const inputs: Record<string, string> = { ...goodInputs, ...TOLD, command, 'database-url': '' };
    const log = new RecordingLog();
    await readSettings((name) => inputs[name] ?? '', { PGDATABASE: 'shop' }, log);
    expect(log.masked).toEqual(expect.arrayContaining([WEBHOOK, HEARTBEAT, 's3cretpw', 'm%41ilpw', 'mAilpw']));
    expect(log.notices.join()).not.toMatch(/webhook|heartbeat|metrics|pushgateway/);
  },
);
