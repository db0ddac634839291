import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Message } from '../../src/notify/webhook.ts';
import { type ActionInputs, type ActionResult, type RunningAction, startAction } from '../support/action/harness.ts';
import { backupInputs, errorsOf, PASSPHRASE, runBackup } from '../support/action/run-backup.ts';
import { filesBelow, newStoreFolder, type StoreFolder } from '../support/action/stored-backup.ts';
import { type HttpService, never, redirect, slow, startHttpService, status } from '../support/servers/http-service.ts';
import { type PostgresServer, sharedPostgres } from '../support/servers/postgres.ts';
import { checkMetrics, type Exporter, startNodeExporter, startPushgateway } from '../support/servers/prometheus.ts';
import { runFolder } from '../support/servers/run.ts';

const DATABASE = 'monitored';
/** In the paths of webhook and heartbeat, as their secret. */
const WEBHOOK_KEY = 'w3bh00k-key-of-these-tests';
const HEARTBEAT_KEY = 'h34rtb34t-key-of-these-tests';

let server: PostgresServer;
let chat: HttpService;
let heart: HttpService;
let prom: string;
let exporter: Exporter;
let gateway: Exporter;
let deaf: HttpService;
/** It takes its time: begun first, looked at last. */
let unheard: RunningAction;

beforeAll(async () => {
  prom = mkdtempSync(join(runFolder(), 'prom-'));
  [server, chat, heart, exporter, gateway] = await Promise.all([
    sharedPostgres(),
    startHttpService(),
    startHttpService(),
    startNodeExporter(prom),
    startPushgateway(),
  ]);
  deaf = await startHttpService();
  deaf.answers(never);
  unheard = startAction(listing({ 'webhook-url': `${deaf.url}/${WEBHOOK_KEY}` }, GONE), { env: ENVIRONMENT });
  await server.createDatabase(DATABASE);
  await server.psql(DATABASE, 'create table t as select n from generate_series(1, 10) n');
});

beforeEach(() => {
  for (const service of [chat, heart]) {
    service.requests.length = 0;
    service.answers(status(200));
  }
});

afterAll(() => Promise.all([chat, heart, deaf].map((service) => service.stop())));

/** Everybody is told but Prometheus. */
function told(): ActionInputs {
  return {
    'webhook-url': `${chat.url}/hooks/${WEBHOOK_KEY}`,
    'heartbeat-url': `${heart.url}/ping/${HEARTBEAT_KEY}?create=1`,
  };
}

/** What the chat was told, and nothing that is secret with it. */
function messages(): Message[] {
  return chat.requests.map(({ method, path, headers, body }) => {
    expect({ method, path }).toEqual({ method: 'POST', path: `/hooks/${WEBHOOK_KEY}` });
    expect(headers['content-type']).toBe('application/json');
    for (const secret of [WEBHOOK_KEY, HEARTBEAT_KEY, PASSPHRASE, server.password]) expect(body).not.toContain(secret);
    return JSON.parse(body);
  });
}

/** The last part of each ping's path: the key itself is success. */
function beats(): string[] {
  return heart.requests.map(({ method, path }) => {
    expect(method).toBe('GET');
    const [, beat] = /^\/ping\/h34rtb34t-key-of-these-tests(|\/start|\/fail)\?create=1$/.exec(path) ?? [];
    return beat === '' ? 'success' : (beat ?? `unexpected ${path}`);
  });
}

function warningsOf({ annotations }: ActionResult): string[] {
  return annotations.filter(({ kind }) => kind === 'warning').map(({ message }) => message);
}

/** On GitHub's own runners there would be a warning of the folder. */
const ENVIRONMENT = { RUNNER_DEBUG: '1', RUNNER_ENVIRONMENT: 'self-hosted' };

/** No run shows the secrets, wherever it could. */
async function run(inputs: ActionInputs): Promise<ActionResult> {
  const result = await runBackup(inputs, { env: ENVIRONMENT });
  expectNoSecret(result);
  return result;
}

function expectNoSecret(result: ActionResult): void {
  const files = filesBelow(result.step.folder).map((file) => readFileSync(join(result.step.folder, file), 'utf8'));
  const shown = [result.stdout.replace(/^::add-mask::.*$/gm, ''), result.stderr, ...files].join('\n');
  for (const key of [WEBHOOK_KEY, HEARTBEAT_KEY]) expect(shown).not.toContain(key);
}

/** The cheapest command, green or red. */
function listing(inputs: ActionInputs, store: StoreFolder = newStoreFolder()): ActionInputs {
  return { command: 'list', store: store.url, ...inputs };
}

const GONE = { url: 'file:///srv/lifeboat-test-that-does-not-exist', path: '' };

describe('a backup, its failure, and its recovery', () => {
  const store = newStoreFolder();
  let metrics: ActionInputs;
  let lastSuccess: string | undefined;

  const file = () => join(prom, 'lifeboat-monitored.prom');
  const valueIn = (lines: string[], name: string) => lines.find((line) => line.startsWith(`${name}{`))?.split('} ')[1];

  beforeAll(() => {
    metrics = { 'metrics-file': file(), 'pushgateway-url': `${gateway.url}/` };
  });

  test('succeeds: the heartbeat hears of start and success, the chat of nothing', async () => {
    const good = await run({ ...backupInputs(server, DATABASE, store), ...told(), ...metrics });
    expect(good).toMatchObject({ exitCode: 0, stderr: '', annotations: [] });
    expect(beats()).toEqual(['/start', 'success']);
    expect(messages()).toEqual([]);
  });

  test('Prometheus sees it through node_exporter and through the Pushgateway', async () => {
    await checkMetrics(readFileSync(file(), 'utf8'));
    // node_exporter runs as another user.
    expect(statSync(file()).mode & 0o777).toBe(0o644);
    expect(await exporter.scrape('node_textfile_scrape_error')).toEqual(['node_textfile_scrape_error 0']);
    expect(readdirSync(prom)).toEqual(['lifeboat-monitored.prom']);

    const textfile = await exporter.scrape('lifeboat_');
    const pushed = await gateway.scrape('lifeboat_');
    const withoutJob = (line: string) => line.replace('instance="",', '').replace('job="lifeboat",', '');
    expect(pushed.map(withoutJob)).toEqual(textfile);
    const names = textfile.map((line) => line.replace(/\{.*/, ''));
    expect(new Set(names).size).toBeGreaterThan(12);
    const labels = `command="backup",set="${DATABASE}"`;
    expect(textfile).toContain(`lifeboat_backup_rows{${labels}} 10`);
    expect(textfile).toContain(`lifeboat_last_attempt_success{${labels}} 1`);
    expect(valueIn(textfile, 'lifeboat_newest_backup_timestamp_seconds')).toMatch(/^1\.\d+e\+09$/);
    expect(Number(valueIn(textfile, 'lifeboat_store_free_bytes'))).toBeGreaterThan(0);
    lastSuccess = valueIn(textfile, 'lifeboat_last_success_timestamp_seconds');
  });

  test('fails: the chat and the heartbeat are notified, and the last success stays', async () => {
    const inputs = { ...backupInputs(server, DATABASE, store), 'dump-args': '--table=no_such_table' };
    const bad = await run({ ...inputs, ...told(), ...metrics });
    expect(bad.exitCode).toBe(1);
    const [error] = errorsOf(bad);
    expect(beats()).toEqual(['/start', '/fail']);
    expect(messages()).toEqual([
      expect.objectContaining({
        event: 'failure',
        command: 'backup',
        cancelled: false,
        title: 'Lifeboat: backup failed',
        message: error?.message,
        set: DATABASE,
        database: DATABASE,
        runUrl: 'https://github.com/octo-org/shop/actions/runs/4242424242',
      }),
    ]);
    expect(warningsOf(bad)).toEqual([]);

    for (const { scrape } of [exporter, gateway]) {
      const lines = await scrape('lifeboat_');
      expect(valueIn(lines, 'lifeboat_last_attempt_success')).toBe('0');
      expect(valueIn(lines, 'lifeboat_last_success_timestamp_seconds')).toBe(lastSuccess);
      expect(valueIn(lines, 'lifeboat_backup_rows')).toBe('10');
    }
  });

  test('succeeds again: the chat is told that, for the file tells of the failure, and once only', async () => {
    const inputs = { ...backupInputs(server, DATABASE, store), ...told(), ...metrics };
    await run(inputs);
    expect(messages()).toEqual([expect.objectContaining({ event: 'recovery', command: 'backup', set: DATABASE })]);
    await run(inputs);
    expect(chat.requests.length).toBe(1);
  });
});

describe('a restore test', () => {
  test('that is proven after one that was not: the chat is told of both, by their records', async () => {
    const store = newStoreFolder();
    await run(backupInputs(server, DATABASE, store));
    const inputs = {
      command: 'restore-test',
      store: store.url,
      passphrase: PASSPHRASE,
      'scratch-url': server.url('postgres'),
      ...told(),
    };
    const lie = '- {name: "@channel <!here>", sql: select 1, expect: {equals: 2}}';
    expect((await run({ ...inputs, assertions: lie })).outputs.verdict).toBe('failed');
    expect((await run(inputs)).outputs.verdict).toBe('proven');
    const [failure, recovery] = messages();
    expect(failure).toMatchObject({ event: 'failure', verdict: 'failed', set: DATABASE, database: DATABASE });
    expect(failure?.text).toContain('@\u200bchannel &lt;!here&gt;');
    expect(failure?.text).not.toMatch(/@channel|<!/);
    expect(failure?.message).toContain('@channel <!here>');
    expect(recovery).toMatchObject({ event: 'recovery', verdict: 'proven', set: DATABASE });
    expect(recovery?.text).toMatch(/^✅ Lifeboat: restore-test recovered\n.*is proven: 10 rows/s);
    expect(beats()).toEqual(['/start', '/fail', '/start', 'success']);
  });
});

describe('a run with bad inputs', () => {
  test('is told as well', async () => {
    const result = await run({ command: 'backup', name: 'shop', 'compression-level': '99', ...told() });
    expect(result.exitCode).toBe(1);
    expect(messages()).toEqual([
      expect.objectContaining({ set: 'shop', message: expect.stringContaining('compression-level: ') }),
    ]);
    expect(beats()).toEqual(['/start', '/fail']);
  });

  test('also when one of them is a service: the others are told', async () => {
    const result = await run(listing({ ...told(), 'webhook-url': `ftp://x/${WEBHOOK_KEY}` }));
    expect(errorsOf(result)).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/^webhook-url: it is not a URL that begins with/) }),
    ]);
    expect(beats()).toEqual(['/start', '/fail']);
    expect(chat.requests).toEqual([]);
  });

  test('a secret that the error would show is hidden from the chat too', async () => {
    const store = GONE.url;
    // Who has such a password sees it hidden wherever it stands.
    const env = { PGPASSWORD: 'lifeboat-test-that-does-not-exist' };
    const result = await runBackup(listing({ store, ...told() }), { env });
    expect(result.masks).toContain(env.PGPASSWORD);
    expect(messages()[0]?.message).toContain('/srv/***');
    expect(chat.requests[0]?.body).not.toContain(env.PGPASSWORD);
  });
});

test('a dry run tells nobody', async () => {
  const inputs = backupInputs(server, DATABASE, newStoreFolder());
  const file = join(prom, 'dry.prom');
  const all = { ...inputs, ...told(), 'metrics-file': file, 'dry-run': 'true' };
  expect(await run(all)).toMatchObject({ exitCode: 0 });
  expect(await run({ ...all, 'database-url': server.url('no_such_database') })).toMatchObject({ exitCode: 1 });
  expect([...chat.requests, ...heart.requests]).toEqual([]);
  expect(readdirSync(prom)).not.toContain('dry.prom');
});

describe('services that are bad change nothing of the run', () => {
  /** A green run of which the heartbeat cannot be told, and a red one of which nobody can. */
  async function runs(inputs: () => ActionInputs = told): Promise<[green: ActionResult, red: ActionResult]> {
    return Promise.all([run(listing(inputs())), run(listing(inputs(), GONE))]);
  }

  test('they answer 500: a warning for each, that names its host', async () => {
    for (const service of [chat, heart]) service.answers(status(500));
    const [green, red] = await runs();
    expect(green.exitCode).toBe(0);
    const heartbeat = `heartbeat-url: could not report this run: ${heart.host} answered 500 (tried 3 times).`;
    expect(warningsOf(green)).toEqual([heartbeat]);
    expect(red.exitCode).toBe(1);
    expect(errorsOf(red).length).toBe(1);
    const webhook = `webhook-url: could not report this run: ${chat.host} answered 500 (tried 3 times).`;
    expect(warningsOf(red).sort()).toEqual([heartbeat, webhook]);
    expect(chat.requests.length).toBe(3);
  });

  test('they are there again at the second try: no warning', async () => {
    chat.answers(status(503), status(200));
    const red = await run(listing({ 'webhook-url': told()['webhook-url'] ?? '' }, GONE));
    expect(warningsOf(red)).toEqual([]);
    expect(messages().length).toBe(2);
  });

  test('they redirect: neither the address nor the message goes there', async () => {
    const thief = await startHttpService();
    chat.answers(redirect(307, `${thief.url}/${WEBHOOK_KEY}`));
    heart.answers(redirect(302, `${thief.url}/${HEARTBEAT_KEY}`));
    const [green, red] = await runs();
    expect([green.exitCode, red.exitCode]).toEqual([0, 1]);
    expect(warningsOf(green)).toEqual([
      expect.stringContaining(`answered 302, a redirect to ${thief.host}, which is not`),
    ]);
    expect(warningsOf(red).length).toBe(2);
    expect(thief.requests).toEqual([]);
    await thief.stop();
  });

  test('they are slow: they are waited for', async () => {
    for (const service of [chat, heart]) service.answers(slow(2_000));
    const red = await run(listing(told(), GONE));
    expect(warningsOf(red)).toEqual([]);
    expect(red.duration).toBeGreaterThan(2_000);
  });

  test('nobody is there', async () => {
    const gone = await startHttpService();
    await gone.stop();
    const at = (path: string) => `${gone.url}/${path}`;
    const [green, red] = await runs(() => ({
      'webhook-url': at(WEBHOOK_KEY),
      'heartbeat-url': at(HEARTBEAT_KEY),
      'pushgateway-url': gone.url,
      name: 'shop',
    }));
    expect([green.exitCode, red.exitCode]).toEqual([0, 1]);
    for (const warning of warningsOf(red)) {
      expect(warning).toMatch(/-url: could not report this run: 127\.0\.0\.1:\d+ could not be reached: ECONNREFUSED/);
    }
    expect([warningsOf(green).length, warningsOf(red).length]).toEqual([2, 3]);
  });
});

describe('cancelled', () => {
  async function cancelled(): Promise<ActionResult> {
    const inputs = { ...backupInputs(server, DATABASE, newStoreFolder()), ...told() };
    const locked = server.psql(DATABASE, 'begin; lock table t in access exclusive mode; select pg_sleep(60)');
    const freed = expect(locked).rejects.toThrow('terminating connection');
    const action = startAction(inputs, { env: ENVIRONMENT });
    await action.waitFor((printed) => printed.includes('backed off'));
    const start = performance.now();
    await action.cancel();
    // Not killed, and before the second signal.
    expect(performance.now() - start).toBeLessThan(7_000);
    await server.psql(
      'postgres',
      "select pg_terminate_backend(pid) from pg_stat_activity where query ~ 'select pg_sleep.60' and pid <> pg_backend_pid()",
    );
    await freed;
    const result = await action.finished;
    expect(result).toMatchObject({ exitCode: 1, signal: null });
    expectNoSecret(result);
    return result;
  }

  test('A3: both are told, for it can be a time limit', async () => {
    const result = await cancelled();
    expect(messages()).toEqual([
      expect.objectContaining({ event: 'failure', cancelled: true, title: 'Lifeboat: cancelled', set: DATABASE }),
    ]);
    expect(beats()).toEqual(['/start', '/fail']);
    expect(warningsOf(result)).toEqual([]);
  });

  test('A2: while neither answers: given up in time', async () => {
    chat.answers(never);
    heart.answers(status(200), never);
    const result = await cancelled();
    expect(warningsOf(result).sort()).toEqual([
      `heartbeat-url: could not report this run: ${heart.host} did not answer in time.`,
      `webhook-url: could not report this run: ${chat.host} did not answer in time.`,
    ]);
  });
});

describe('metrics-file', () => {
  const write = (name: string, text: string) => {
    writeFileSync(join(prom, name), text);
    return join(prom, name);
  };

  test('a list writes each set and store, beside what another command wrote there', async () => {
    const store = newStoreFolder();
    const file = join(prom, 'two-commands.prom');
    await run({ ...backupInputs(server, DATABASE, store), name: 'two', 'metrics-file': file });
    await run(listing({ 'metrics-file': file }, store));
    const labels = `{set="two",command="list",store="${store.url}"}`;
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(`lifeboat_backups${labels} 1\n`);
    expect(text).toContain(`lifeboat_newest_proven_backup_timestamp_seconds${labels} 0\n`);
    expect(text).toContain('lifeboat_backup_rows{set="two",command="backup"} 10\n');
    await checkMetrics(text);
  });

  test('the umask keeps nobody from reading it', async () => {
    const file = join(prom, 'umask.prom');
    const before = process.umask(0o077);
    try {
      await run(listing({ name: 'shop', 'metrics-file': file }));
    } finally {
      process.umask(before);
    }
    expect(statSync(file).mode & 0o777).toBe(0o644);
  });

  test("another program's file is left alone", async () => {
    const file = write('foreign.prom', 'node_role{role="db"} 1\n');
    const result = await run(listing({ name: 'shop', 'metrics-file': file }));
    expect(result.exitCode).toBe(0);
    expect(warningsOf(result)).toEqual([
      expect.stringMatching(/^metrics-file: .*foreign\.prom.* was not written by Lifeboat/),
    ]);
    expect(readFileSync(file, 'utf8')).toBe('node_role{role="db"} 1\n');
  });

  test.each([
    ['a folder that is not there', () => join(prom, 'no', 'such', 'folder.prom'), /ENOENT/],
    ['a folder of that name', () => join(prom, 'folder.prom'), /EISDIR/],
  ])('%s: a warning, and nothing is left', async (_, path, reason) => {
    mkdirSync(join(prom, 'folder.prom'), { recursive: true });
    const before = filesBelow(prom);
    const result = await run(listing({ name: 'shop', 'metrics-file': path() }));
    expect(result.exitCode).toBe(0);
    expect(warningsOf(result)).toEqual([expect.stringMatching(reason)]);
    expect(filesBelow(prom)).toEqual(before);
  });

  test('no set is known: a warning that says to name it', async () => {
    const result = await run(listing({ 'metrics-file': join(prom, 'unknown.prom') }));
    expect(warningsOf(result)).toEqual([expect.stringMatching(/^metrics-file: .*set is not known\. Give it in name/)]);
  });
});

test('a chat that never answers is asked three times, and after 30 s the run ends', async () => {
  const result = await unheard.finished;
  expectNoSecret(result);
  expect(result).toMatchObject({ exitCode: 1, signal: null });
  const message = `webhook-url: could not report this run: ${deaf.host} did not answer in time (tried 3 times).`;
  expect(warningsOf(result)).toEqual([message]);
  expect(deaf.requests.length).toBe(3);
  expect(result.duration).toBeGreaterThan(29_000);
  expect(result.duration).toBeLessThan(90_000);
});
