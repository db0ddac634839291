import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { mailOf, sendMail } from '../../../src/notify/mail.ts';
import type { Message } from '../../../src/notify/webhook.ts';

const MESSAGE: Message = {
  text: '',
  event: 'failure',
  command: 'backup',
  cancelled: false,
  title: 'Lifeboat: backup failed',
  message: 'Table "a" is locked.\nRun again.',
  set: 'shop',
  database: 'shop',
  backup: null,
  verdict: null,
  ended: '2026-11-26T02:03:04.000Z',
  durationSeconds: 3,
  repository: 'octo-org/shop',
  workflow: 'Backup',
  runUrl: 'https://github.com/octo-org/shop/actions/runs/42',
};

test('a mail says what failed in its subject, and in its text why and where to look', () => {
  expect(mailOf(MESSAGE)).toEqual({
    subject: '❌ Lifeboat: backup failed (shop, octo-org/shop)',
    text: `Table "a" is locked.
Run again.

Set: shop
Database: shop
Command: backup, 3 s
Ended: 2026-11-26T02:03:04.000Z
Workflow: octo-org/shop, Backup
Run: https://github.com/octo-org/shop/actions/runs/42
`,
  });
});

test('names from outside end no line: they can add neither a header nor a fact', () => {
  const name = 'x\r\nBcc: thief@example.com';
  const { subject, text } = mailOf({ ...MESSAGE, event: 'recovery', set: name, database: name, runUrl: null });
  expect(subject).toBe('✅ Lifeboat: backup failed (x\\u000d\\u000aBcc: thief@example.com, octo-org/shop)');
  expect(text).not.toMatch(/^Bcc/m);
});

test('a run that must end cuts the connection to a server that does not answer', async () => {
  const server = createServer((socket) => socket.on('close', () => server.close()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const mail = {
    server: { host: '127.0.0.1', port, tls: 'none' as const, login: null },
    from: 'a@example.com',
    to: ['b@example.com'],
  };
  const closed = new Promise((resolve) => server.once('close', resolve));
  const started = Date.now();
  await expect(sendMail(mail, MESSAGE, AbortSignal.timeout(300))).rejects.toThrow(
    `127.0.0.1:${port} did not take the mail: it did not answer in time.`,
  );
  await closed;
  expect(Date.now() - started).toBeLessThan(5_000);
});

test('a server that offers no STARTTLS gets neither the password nor the mail', async () => {
  let heard = '';
  const server = createServer((socket) => {
    socket.write('220 mx\r\n');
    socket.on('data', (bytes) => {
      heard += bytes;
      socket.write(/^(EHLO|HELO)/.test(String(bytes)) ? '250-mx\r\n250 AUTH PLAIN\r\n' : '502 unknown\r\n');
    });
    socket.on('close', () => server.close());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const login = { user: 'me@example.com', password: 'm41lpassword' };
  const mail = {
    server: { host: '127.0.0.1', port, tls: 'STARTTLS' as const, login },
    from: 'me@example.com',
    to: ['b@example.com'],
  };
  await expect(sendMail(mail, MESSAGE, AbortSignal.timeout(60_000))).rejects.toThrow(/STARTTLS/);
  expect(heard).toMatch(/^EHLO /);
  expect(heard).not.toMatch(/AUTH|MAIL FROM/);
});

test('a server that repeats what it was sent gives no password away', async () => {
  const server = createServer((socket) => {
    socket.write('220 mx\r\n');
    socket.on('data', (bytes) => {
      const said = String(bytes).trim();
      socket.write(/^EHLO/.test(said) ? '250-mx\r\n250 AUTH PLAIN LOGIN\r\n' : `500 unknown: ${said}\r\n`);
    });
    socket.on('close', () => server.close());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const login = { user: 'me@example.com', password: 'm41lpassword' };
  const mail = {
    server: { host: '127.0.0.1', port, tls: 'none' as const, login },
    from: 'me@example.com',
    to: ['b@example.com'],
  };
  const error = await sendMail(mail, MESSAGE, AbortSignal.timeout(60_000)).catch((error) => error);
  expect(error.message).toMatch(/did not take the mail: .*500 unknown: AUTH PLAIN \*\*\*/);
  const sent = Buffer.from(`\0${login.user}\0${login.password}`).toString('base64');
  for (const secret of [login.password, sent]) expect(inspect(error, { depth: 9 })).not.toContain(secret);
});

test('nobody there: that is known at once, and nothing goes on waiting', async () => {
  const mail = {
    server: { host: '127.0.0.1', port: 1, tls: 'none' as const, login: null },
    from: 'a@example.com',
    to: ['b@example.com'],
  };
  const program = `
    import { sendMail } from '${join(import.meta.dirname, '..', '..', '..', 'src', 'notify', 'mail.ts')}';
    await sendMail(${JSON.stringify(mail)}, ${JSON.stringify(MESSAGE)}, new AbortController().signal)
      .catch((error) => console.log(error.message));`;
  const started = Date.now();
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(stdout).toContain('ECONNREFUSED');
  // A timer that is left keeps the process for 10 s.
  expect(Date.now() - started).toBeLessThan(8_000);
});
