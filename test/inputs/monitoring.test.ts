import { describe, expect, test } from '@jest/globals';
import { readMonitoring } from '../../src/inputs/read-monitoring.ts';
import { readSettings } from '../../src/inputs/read-settings.ts';
import { goodInputs } from './bad-inputs.ts';
import { RecordingLog } from './recording-log.ts';

const WEBHOOK = 'https://chat.example.com/hooks/k3y';
const HEARTBEAT = 'https://hc-ping.com/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278';
const TOLD = {
  'webhook-url': WEBHOOK,
  'heartbeat-url': ` ${HEARTBEAT}\n`,
  'metrics-file': '/var/lib/node_exporter/shop.prom',
  'pushgateway-url': 'http://me:s3cretpw@gateway:9091/prefix',
};

const read = (inputs: Record<string, string>) => readMonitoring((name) => inputs[name] ?? '');

describe('who is told', () => {
  test('nobody, when nobody is named', () => {
    expect(read({})).toEqual({ webhook: null, heartbeat: null, metricsFile: null, pushgateway: null, set: null });
  });

  test('everybody who is named', () => {
    expect(read({ ...TOLD, name: 'shop' })).toEqual({
      webhook: new URL(WEBHOOK),
      heartbeat: new URL(HEARTBEAT),
      metricsFile: '/var/lib/node_exporter/shop.prom',
      pushgateway: new URL('http://me:s3cretpw@gateway:9091/prefix'),
      set: 'shop',
    });
  });

  test('what is bad is left out, the rest stands, whatever the other inputs are', () => {
    const bad = { ...TOLD, command: 'bakcup', 'heartbeat-url': 'hc-ping.com/x', 'metrics-file': 'shop', name: 'a/b' };
    expect(read(bad)).toMatchObject({ webhook: new URL(WEBHOOK), heartbeat: null, metricsFile: null, set: null });
  });

  test('nobody of a dry run; a command that knows none is no dry run', () => {
    const heartbeat = new URL(HEARTBEAT);
    expect(read({ ...TOLD, 'dry-run': 'true' })).toMatchObject({ webhook: null, heartbeat: null, metricsFile: null });
    expect(read({ ...TOLD, 'dry-run': 'true', command: 'restore' })).toMatchObject({ heartbeat: null });
    expect(read({ ...TOLD, 'dry-run': 'true', command: 'restore-test' })).toMatchObject({ heartbeat });
    expect(read({ ...TOLD, 'dry-run': 'no' })).toMatchObject({ heartbeat });
  });
});

test.each(['backup', 'restore-test', 'list'])(
  '%s takes the inputs, and masks what is secret in them',
  async (command) => {
    const inputs: Record<string, string> = { ...goodInputs, ...TOLD, command, 'database-url': '' };
    const log = new RecordingLog();
    await readSettings((name) => inputs[name] ?? '', { PGDATABASE: 'shop' }, log);
    expect(log.masked).toEqual(expect.arrayContaining([WEBHOOK, HEARTBEAT, 's3cretpw']));
    expect(log.notices.join()).not.toMatch(/webhook|heartbeat|metrics|pushgateway/);
  },
);
