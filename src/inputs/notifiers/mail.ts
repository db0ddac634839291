import { LifeboatError } from '../../errors.ts';
import { isLoopback } from '../../loopback.ts';
import type { MailServer, MailSettings } from '../../notify/settings.ts';
import { quote } from '../../text.ts';

const HOW_TO_WRITE =
  'Write one such as smtps://user:password@smtp.example.com (your value is not shown, because it can be a secret).';

/** The registered ports of mail submission (RFC 8314, 3.3; RFC 6409, 3.1). */
const PORTS = { 'smtps:': 465, 'smtp:': 587 };

/**
 * `smtps://user:password@host:465`, encrypted from the first byte, or `smtp://…:587`, where STARTTLS is required, but for a
 * server on this machine. No error quotes it.
 */
export function parseSmtpUrl(text: string): MailServer {
  if (/\s/.test(text))
    throw new LifeboatError(`there is a blank or a line break in it: it is one URL. ${HOW_TO_WRITE}`);
  if (!/^smtps?:\/\/[^/]/i.test(text) || !URL.canParse(text)) {
    throw new LifeboatError(`it is not a URL that begins with smtps:// or smtp://. ${HOW_TO_WRITE}`);
  }
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text);
  if (!['', '/'].includes(pathname) || search !== '' || hash !== '') {
    throw new LifeboatError(
      `there is more in it than user, password, host and port. If the password holds characters such as @ : / ? # %, percent-encode them (@ is %40). ${HOW_TO_WRITE}`,
    );
  }
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const secure = protocol === 'smtps:';
  const [user, secret] = [decodeLogin(username), decodeLogin(password)];
  if (host === '' || (user === '') !== (secret === '')) {
    throw new LifeboatError(`it has a user without a password, a password without a user, or no host. ${HOW_TO_WRITE}`);
  }
  return {
    host,
    port: port === '' ? PORTS[protocol as keyof typeof PORTS] : Number(port),
    tls: secure ? 'at once' : isLoopback(host) ? 'none' : 'STARTTLS',
    login: user === '' ? null : { user, password: secret },
  };
}

function decodeLogin(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new LifeboatError(`there is a % in the user or the password. Write it as %25. ${HOW_TO_WRITE}`);
  }
}

/** One address, without a name before it: it stands in a header and in the envelope. */
export function parseAddress(text: string): string {
  if (isAddress(text)) return text;
  throw new LifeboatError(`${quote(text)} is not an e-mail address. Write one such as ops@example.com.`);
}

/** Several, by commas or one a line. */
export function parseAddresses(text: string): string[] {
  const addresses = text
    .split(/[\n,]/)
    .map((part) => part.trim())
    .filter(Boolean);
  if (addresses.length === 0) throw new LifeboatError('it names nobody. Write addresses such as ops@example.com.');
  return addresses.map(parseAddress);
}

function isAddress(text: string): boolean {
  return (
    text.length <= 254 && /^[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]+@[\p{L}\p{N}]([\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u.test(text)
  );
}

/** Whom to tell by mail, and through which server; null without one of these. A login that is an address is the sender. */
export function mailSettings(server: MailServer | null, to: string[] | null, from: string | null): MailSettings | null {
  const sender = from ?? (server?.login && isAddress(server.login.user) ? server.login.user : null);
  return server === null || to === null || sender === null ? null : { server, to, from: sender };
}

type MailInput = 'smtp-url' | 'mail-to' | 'mail-from';

/** A rule of every command: a server, somebody to write to, and somebody who writes. */
export function mailInputsFit({
  values,
  given,
}: {
  values: { smtpUrl?: MailServer | null };
  given(name: MailInput): boolean;
}): { input: MailInput; problem: string } | null {
  if (!given('smtp-url')) {
    const idle = (['mail-to', 'mail-from'] as const).find(given);
    return idle ? { input: idle, problem: 'given, but smtp-url names no server that sends the mail. Add it.' } : null;
  }
  if (!given('mail-to'))
    return { input: 'mail-to', problem: 'smtp-url is given, and nobody to write to. Add addresses.' };
  const server = values.smtpUrl;
  if (given('mail-from') || !server || (server.login && isAddress(server.login.user))) return null;
  return {
    input: 'mail-from',
    problem:
      'the user in smtp-url is no address that could be the sender. Give one that the server lets you send from.',
  };
}
