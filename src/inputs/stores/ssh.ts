import { LifeboatError } from '../../errors.ts';
import type { StoreLocation } from '../../store/location.ts';
import { type KnownHost, linesFor } from '../../store/ssh/known-hosts.ts';
import type { SshLocation } from '../../store/ssh/location.ts';
import type { SshSettings } from '../../store/ssh/settings.ts';
import { quote } from '../../text.ts';
import { tidyKeyText } from '../keys/key-text.ts';

const HOW_TO_PASTE = 'Paste the whole private key file, from -----BEGIN to -----END.';

/**
 * A private key without a passphrase. Undone is what pasting does to keys (literal `\n`, CRLF, indentation, quotes, no
 * line end at its end); the text may be secret whatever it is, and is never shown.
 */
export async function parseSshKey(text: string): Promise<string> {
  const key = `${tidyKeyText(text)}\n`;
  if (/^(ssh-|ecdsa-|sk-)/.test(key)) {
    throw new LifeboatError(`it is the public key, which belongs into the server's authorized_keys. ${HOW_TO_PASTE}`);
  }
  if (/BEGIN PGP/.test(key)) throw new LifeboatError(`it is an OpenPGP key, not an SSH key. ${HOW_TO_PASTE}`);
  if (!/^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\n(.*\n)-----END [A-Z0-9 ]*PRIVATE KEY-----\n$/s.test(key)) {
    throw new LifeboatError(
      `it is not a private key, or its line breaks were lost (in YAML, | keeps them and > does not). ${HOW_TO_PASTE}`,
    );
  }
  const { utils } = (await import('ssh2')).default;
  const parsed = utils.parseKey(key);
  if (!(parsed instanceof Error)) return key;
  if (/^-----BEGIN ENCRYPTED|^Proc-Type: .*ENCRYPTED/m.test(key) || /encrypted/i.test(parsed.message)) {
    throw new LifeboatError(
      'it is locked with a passphrase. Make a key for this job alone, without one: ssh-keygen -t ed25519 -N "" -f lifeboat',
    );
  }
  throw new LifeboatError(
    `it cannot be read, or is of a kind that is not known (RSA, ECDSA and Ed25519 are). ssh-keygen -p -N "" -f FILE writes a copy of it anew in OpenSSH's format. ${HOW_TO_PASTE}`,
  );
}

/** What the inputs about stores say of servers. */
interface StoreValues {
  store: StoreLocation[];
  sshKey: string | null;
  sshKnownHosts: KnownHost[] | null;
}

/** A rule of every command: an ssh: store needs a key and a known server, and nothing else does. */
export function sshInputsFit({
  values,
  given,
}: {
  values: Partial<StoreValues>;
  given(name: 'ssh-key' | 'ssh-known-hosts'): boolean;
}): { input: 'ssh-key' | 'ssh-known-hosts'; problem: string } | null {
  if (!values.store) return null;
  const servers = values.store.filter((store) => store.kind === 'ssh');
  const [server] = servers;
  if (server === undefined) {
    const idle = (['ssh-key', 'ssh-known-hosts'] as const).find(given);
    if (idle === undefined) return null;
    return {
      input: idle,
      problem: 'given, but no store is ssh://user@host/path. Add such a store, or remove what is for it.',
    };
  }
  if (!given('ssh-key')) {
    return {
      input: 'ssh-key',
      problem: `${quote(server.url)} needs a private key. Make one for this job alone (ssh-keygen -t ed25519 -N "" -f lifeboat), put the public half into the server's authorized_keys and the private half into a secret.`,
    };
  }
  if (!given('ssh-known-hosts')) return { input: 'ssh-known-hosts', problem: howToKnow(server, 'is not given') };
  const known = values.sshKnownHosts;
  const stranger = known && servers.find((one) => linesFor(known, one).every(({ revoked }) => revoked));
  if (!stranger) return null;
  return { input: 'ssh-known-hosts', problem: howToKnow(stranger, 'has no line for it') };
}

/** How to get the line of a server, and make sure of it. */
function howToKnow({ host, port, url }: SshLocation, what: string): string {
  const keyscan = `ssh-keyscan ${port === 22 ? '' : `-p ${port} `}${host}`;
  return `${what}, and without it ${quote(url)} cannot be distinguished from another server. Run \`${keyscan}\`, compare the key with what the server's owner tells you (ssh-keygen -lf on the server, the provider's page), and paste the lines.`;
}

/** What the stores are told; null without an ssh: store. */
export function sshSettings({ sshKey: key, sshKnownHosts: knownHosts }: StoreValues): SshSettings | null {
  return key === null || knownHosts === null ? null : { key, knownHosts };
}
