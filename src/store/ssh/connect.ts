import { createHash } from 'node:crypto';
import ssh2, { type Client, type SFTPWrapper } from 'ssh2';
import { reasonOf } from '../reason.ts';
import { StoreError } from '../store.ts';
import { type KnownHost, linesFor } from './known-hosts.ts';
import type { SshLocation } from './location.ts';
import type { SshOptions } from './options.ts';
import type { SshSettings } from './settings.ts';

/** A connection that is open, with SFTP on it. */
export interface Channel {
  client: Client;
  sftp: SFTPWrapper;
  /** Aborted when the connection is lost, its reason a StoreError. */
  lost: AbortSignal;
}

/** The server lets us in, but does not speak SFTP. */
export class NoSftp extends StoreError {}

/** ssh2's names of the signatures that a key of a kind makes; RSA's with SHA-1 is not among them. */
const SIGNATURES: Record<string, string[]> = { 'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'] };

/** user@host, and the port when it is not the usual one. */
export function placeOf({ user, host, port }: SshLocation): string {
  return `${user}@${host}${port === 22 ? '' : `:${port}`}`;
}

/**
 * Logs in with the key and starts SFTP. Only a server whose key is known is spoken to.
 * @throws NoSftp, or a StoreError that says what to correct.
 */
export function connectSession(
  location: SshLocation,
  settings: SshSettings,
  options: SshOptions,
  signal: AbortSignal,
): Promise<Channel> {
  const place = placeOf(location);
  const known = linesFor(settings.knownHosts, location);
  const client = new ssh2.Client();
  const lost = new AbortController();
  let refused: Buffer | null = null;
  let letIn = false;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      const failure = refused === null ? connectionError(error, place) : unknownHostKey(refused, known, place);
      reject(failure);
      lost.abort(failure);
      client.destroy();
    };
    const cancel = () => fail(new StoreError('failed', `Speaking to ${place} was cancelled.`));
    if (signal.aborted) return cancel();
    signal.addEventListener('abort', cancel, { once: true });
    const settle = () => signal.removeEventListener('abort', cancel);
    client.on('error', fail);
    client.on('close', () => {
      settle();
      fail(new Error(letIn ? 'the connection was lost' : 'the server closed the connection'));
    });
    client.on('ready', () => {
      client.setNoDelay(true); // A request waits for its answer, and must not wait for a second one to fill a packet.
      letIn = true;
      client.sftp((error, sftp) => {
        settle();
        if (error) return fail(noSftp(error, place));
        sftp.on('error', fail);
        sftp.on('close', () => fail(new Error('the server has ended SFTP')));
        resolve({ client, sftp, lost: lost.signal });
      });
    });
    client.connect({
      host: location.host,
      port: location.port,
      username: location.user,
      privateKey: settings.key,
      readyTimeout: options.connectTimeout,
      keepaliveInterval: options.keepalive,
      keepaliveCountMax: 4,
      hostVerifier: (key: Buffer) => {
        if (isKnown(key, known)) return true;
        refused = key;
        return false;
      },
      // Of another kind of key than the known one nothing could be said.
      algorithms: { serverHostKey: signaturesOf(known) as never },
    });
  });
}

function isKnown(key: Buffer, known: KnownHost[]): boolean {
  const same = known.filter((host) => host.key.equals(key));
  return same.length > 0 && same.every(({ revoked }) => !revoked);
}

function signaturesOf(known: KnownHost[]): string[] {
  const types = new Set(known.filter(({ revoked }) => !revoked).map(({ type }) => type));
  return [...types].flatMap((type) => SIGNATURES[type] ?? [type]);
}

function unknownHostKey(key: Buffer, known: KnownHost[], place: string): StoreError {
  const print = (bytes: Buffer) => `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`;
  const ours = known.map(({ key }) => print(key)).join(', ');
  return new StoreError(
    'denied',
    `${place} shows the host key ${print(key)}, and ssh-known-hosts has ${ours}. Either the server has a new key, or ` +
      "an attacker is in between. Nothing was sent. Ask the server's owner which key is right, and correct ssh-known-hosts.",
  );
}

function noSftp(error: Error, place: string): NoSftp {
  return new NoSftp('failed', `${place} lets this key in, but does not offer SFTP (${reasonOf(error)}).`);
}

/** Where ssh2 was when it failed. */
function connectionError(error: unknown, place: string): StoreError {
  if (error instanceof StoreError) return error;
  const { level, code } = error as { level?: string; code?: string };
  const cause = { cause: error };
  if (level === 'client-authentication') {
    return new StoreError(
      'denied',
      `${place} does not let this key in (${reasonOf(error)}). Put its public half into that user's authorized_keys: ssh-keygen -y -f FILE prints it.`,
      cause,
    );
  }
  if (/no matching host key/i.test(reasonOf(error))) {
    return new StoreError(
      'denied',
      `${place} has no host key of the kinds in ssh-known-hosts. Add the line that ssh-keyscan prints, once it was compared.`,
      cause,
    );
  }
  const step =
    code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EHOSTUNREACH' || level === 'client-timeout'
      ? ' Check name and port in the URL, and whether a firewall lets the runner in.'
      : ' Look whether the server and the network are up, and run again.';
  return new StoreError('failed', `The connection to ${place} failed: ${reasonOf(error)}.${step}`, cause);
}
