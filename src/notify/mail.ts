import { connect, type Socket } from 'node:net';
import { hideSecrets, oneLine } from '../report/escape.ts';
import type { MailSettings } from './settings.ts';
import type { Message } from './webhook.ts';

/** Milliseconds, for each answer. All of it ends before `stop` does. */
const ANSWER_TIMEOUT = 10_000;

/**
 * Hands one mail for all recipients to a server (SMTP, RFC 5321; submission, RFC 6409). Rejects when the server was not
 * reached, is not the one its certificate must name, or did not take the mail for everybody.
 */
export async function sendMail({ server, from, to }: MailSettings, message: Message, stop: AbortSignal): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const { host, port, tls, login } = server;
  const connection = connectTo(host, port, stop);
  const transport = createTransport({
    host,
    port,
    secure: tls === 'at once',
    requireTLS: tls === 'STARTTLS',
    ignoreTLS: tls === 'none',
    ...(login === null ? {} : { auth: { user: login.user, pass: login.password } }),
    greetingTimeout: ANSWER_TIMEOUT,
    socketTimeout: ANSWER_TIMEOUT,
    // The socket is ours, so that it can be cut off in time.
    getSocket: (_, done) => {
      connection.then(
        (socket) => done(null, { connection: socket }),
        (error) => done(error, {}),
      );
    },
  });
  try {
    // RFC 3834: no answer is wanted from holiday programs.
    const headers = { 'Auto-Submitted': 'auto-generated' };
    const { rejected } = await transport.sendMail({ from, to, ...mailOf(message), headers });
    if (rejected.length > 0) throw new Error(`it refused ${rejected.map(String).join(', ')}`);
  } catch (error) {
    const { code, message: reported } = error as Error & { code?: string };
    const why =
      code === 'ETIMEDOUT' ? 'it did not answer in time' : hideSecrets(reported, login === null ? [] : formsOf(login));
    // Without the cause: its words can be the server's, and a server may repeat what it was sent.
    throw new Error(`${host}:${port} did not take the mail: ${why}.`);
  } finally {
    (await connection.catch(() => null))?.destroy();
  }
}

/** What of a login is secret, also as it is sent (AUTH PLAIN, RFC 4616; AUTH LOGIN). */
function formsOf({ user, password }: { user: string; password: string }): string[] {
  return [password, ...[password, `\0${user}\0${password}`].map((text) => Buffer.from(text).toString('base64'))];
}

function connectTo(host: string, port: number, stop: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const late = () => socket.destroy(new Error('it did not answer in time'));
    const timer = setTimeout(late, ANSWER_TIMEOUT);
    stop.addEventListener('abort', late, { once: true });
    if (stop.aborted) late();
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', late);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

/** Plain text, so that nothing that comes from outside is markup. */
export function mailOf(message: Message): { subject: string; text: string } {
  const { event, title, set, repository } = message;
  const where = [set, repository].filter((name) => name !== null).join(', ');
  const facts: [name: string, value: string | null][] = [
    ['Set', set],
    ['Database', message.database],
    ['Backup', message.backup],
    ['Verdict', message.verdict],
    ['Command', `${message.command}${message.cancelled ? ', cancelled' : ''}, ${message.durationSeconds} s`],
    ['Ended', message.ended],
    ['Workflow', message.workflow === null ? null : `${repository}, ${message.workflow}`],
    ['Run', message.runUrl],
  ];
  const lines = facts.flatMap(([name, value]) => (value === null ? [] : [`${name}: ${oneLine(value)}`]));
  return {
    subject: oneLine(`${event === 'failure' ? '❌' : '✅'} ${title}${where === '' ? '' : ` (${where})`}`),
    text: `${message.message.split('\n').map(oneLine).join('\n')}\n\n${lines.join('\n')}\n`,
  };
}
