import { mkdtempSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ActionInputs, ActionResult } from '../support/action/harness.ts';
import { runBackup } from '../support/action/run-backup.ts';
import { newStoreFolder } from '../support/action/stored-backup.ts';
import { HANG_LIMIT } from '../support/hang-limit.ts';
import { type MailServer, ownAddress, startMailServer, whyNoMailServer } from '../support/servers/mail-server.ts';
import { notRun } from '../support/servers/not-run.ts';
import { runFolder } from '../support/servers/run.ts';

const why = whyNoMailServer();
if (why !== null) notRun('mail by a real server', why);
const address = ownAddress();
if (address === null) notRun('mail by STARTTLS', "this machine has no address but the loopback interface's");

const GONE = 'file:///srv/lifeboat-test-that-does-not-exist';
const TO = 'ops@example.com, dba@example.org';

(why === null ? describe : describe.skip)('mail', () => {
  let server: MailServer;

  beforeAll(async () => {
    server = await startMailServer();
  });

  afterAll(() => server.stop());

  function url(scheme: 'smtp' | 'smtps', host: string, password = server.password): string {
    const port = scheme === 'smtps' ? server.smtpsPort : server.smtpPort;
    return `${scheme}://${encodeURIComponent(server.user)}:${encodeURIComponent(password)}@${host}:${port}`;
  }

  /** The cheapest command, green or red; no run shows the password. */
  async function run(inputs: ActionInputs, env: Record<string, string> = {}): Promise<ActionResult> {
    const common = { command: 'list', name: 'shop', 'mail-to': TO };
    const trusting = { NODE_EXTRA_CA_CERTS: server.certificate, GITHUB_RUN_ID: '4242', RUNNER_DEBUG: '1' };
    const result = await runBackup({ ...common, ...inputs }, { env: { ...trusting, ...env } });
    const shown = `${result.stdout.replace(/^::add-mask::.*$/gm, '')}${result.stderr}${result.summary}`;
    for (const secret of [server.password, encodeURIComponent(server.password)]) expect(shown).not.toContain(secret);
    return result;
  }

  const warningsOf = ({ annotations }: ActionResult) =>
    annotations.filter(({ kind }) => kind === 'warning').map(({ message }) => message);

  /** The one that came after those that were there, once it did. */
  async function nextMail(before: string[]): Promise<string> {
    const added = () => server.mails().filter((mail) => !before.includes(mail));
    for (const end = Date.now() + HANG_LIMIT; added().length === 0 && Date.now() < end; ) await sleep(50);
    const [mail, ...others] = added();
    expect(others).toEqual([]);
    return mail ?? '';
  }

  test('every recipient is notified of a failure and of its recovery, and of no other success', async () => {
    const metrics = { 'metrics-file': join(mkdtempSync(join(runFolder(), 'mail-prom-')), 'lifeboat.prom') };
    const inputs = { ...metrics, 'smtp-url': url('smtps', 'localhost') };
    const store = newStoreFolder().url;
    expect(await run({ ...inputs, store })).toMatchObject({ exitCode: 0, annotations: [] });
    expect(server.mails()).toEqual([]);

    const failed = await run({ ...inputs, store: GONE });
    expect(failed.exitCode).toBe(1);
    expect(warningsOf(failed)).toEqual([]);
    const mail = await nextMail([]);
    expect(mail).toMatch(/^Envelope-to: .*ops@example\.com/m);
    expect(mail).toMatch(/^(Envelope-to:|\s).*dba@example\.org/m);
    expect(mail).toContain(`From: ${server.user}`);
    expect(mail).toContain('Auto-Submitted: auto-generated');
    expect(decoded(mail)).toMatch(/^Subject: ❌ Lifeboat: a store could not be listed \(shop, octo-org\/shop\)$/m);
    expect(decoded(mail)).toContain('/srv/lifeboat-test-that-does-not-exist');
    expect(decoded(mail)).toMatch(/^Set: shop$/m);
    expect(decoded(mail)).toMatch(/^Run: \S+\/actions\/runs\/4242$/m);

    expect(await run({ ...inputs, store })).toMatchObject({ exitCode: 0, annotations: [] });
    expect(decoded(await nextMail([mail]))).toMatch(/^Subject: ✅ Lifeboat: list recovered/m);
    expect(await run({ ...inputs, store })).toMatchObject({ exitCode: 0, annotations: [] });
    expect(server.mails()).toHaveLength(2);
  });

  (address === null ? test.skip : test)('by STARTTLS too, which another machine must offer', async () => {
    const before = server.mails();
    const told = await run({
      store: GONE,
      'smtp-url': url('smtp', address ?? ''),
      'mail-from': 'lifeboat@example.com',
    });
    expect(warningsOf(told)).toEqual([]);
    expect(await nextMail(before)).toContain('From: lifeboat@example.com');
  });

  describe('changes nothing of the run when it cannot be sent:', () => {
    test.each<[string, () => ActionInputs, Record<string, string>, RegExp]>([
      ['a wrong password', () => ({ 'smtp-url': url('smtps', 'localhost', 'wrong-one') }), {}, /Invalid login: 535/],
      [
        'a server that nobody vouches for',
        () => ({ 'smtp-url': url('smtps', 'localhost') }),
        { NODE_EXTRA_CA_CERTS: '' },
        /self-signed certificate/,
      ],
      [
        'a certificate for another name',
        () => ({ 'smtp-url': url('smtps', '127.0.0.2') }),
        {},
        /does not match certificate's altnames: IP: 127\.0\.0\.2/,
      ],
      ['nobody there', () => ({ 'smtp-url': 'smtp://localhost:1', 'mail-from': 'a@example.com' }), {}, /ECONNREFUSED/],
      [
        'a login that needs TLS, to this machine without',
        () => ({ 'smtp-url': url('smtp', 'localhost') }),
        {},
        /did not take the mail/,
      ],
      [
        'an address that is refused',
        () => ({ 'smtp-url': url('smtps', 'localhost'), 'mail-to': 'refused@example.com' }),
        {},
        /550/,
      ],
    ])('%s', async (_, inputs, env, says) => {
      const before = server.mails();
      const result = await run({ store: GONE, ...inputs() }, env);
      expect(result.exitCode).toBe(1);
      expect(warningsOf(result)).toEqual([
        expect.stringMatching(/^smtp-url: could not report this run: \S+:\d+ did not take the mail: /),
      ]);
      expect(warningsOf(result)[0]).toMatch(says);
      expect(server.mails()).toEqual(before);
    });

    test('an address that is refused beside one that is not: that one gets it', async () => {
      const before = server.mails();
      const inputs = { store: GONE, 'smtp-url': url('smtps', 'localhost') };
      const result = await run({ ...inputs, 'mail-to': 'ops@example.com\nrefused@example.com' });
      expect(warningsOf(result)).toEqual([expect.stringMatching(/it refused refused@example\.com/)]);
      expect(await nextMail(before)).toContain('ops@example.com');
    });

    test('a server that says nothing is given up after 10 s', async () => {
      const deaf = await listen();
      const started = Date.now();
      const inputs = { 'smtp-url': `smtp://localhost:${deaf.port}`, 'mail-from': 'a@example.com' };
      const result = await run({ store: GONE, ...inputs });
      deaf.server.close();
      expect(warningsOf(result)).toEqual([expect.stringMatching(/^smtp-url: .*did not answer in time/)]);
      expect(Date.now() - started).toBeLessThan(25_000);
    });
  });
});

/** Takes connections, and never says a word. */
async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const place = server.address();
  return { server, port: place !== null && typeof place !== 'string' ? place.port : 0 };
}

/** Encoded words (RFC 2047), and the text in quoted-printable or base64. */
function decoded(mail: string): string {
  const [head = '', ...rest] = mail.split('\n\n');
  const unfolded = head.replace(/\?=\n[ \t]+=\?/g, '?==?').replace(/\n[ \t]+/g, ' ');
  const words = unfolded.replace(/=\?utf-8\?([BQ])\?([^?]*)\?=/gi, (_, kind: string, text: string) =>
    kind.toUpperCase() === 'B' ? Buffer.from(text, 'base64').toString('utf8') : unquoted(text.replaceAll('_', ' ')),
  );
  const body = rest.join('\n\n');
  const text = /^Content-Transfer-Encoding: base64/im.test(head)
    ? Buffer.from(body, 'base64').toString('utf8')
    : unquoted(body.replace(/=\n/g, ''));
  return `${words}\n\n${text}`;
}

function unquoted(text: string): string {
  const bytes = text.replace(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
