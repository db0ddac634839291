import { createHmac, timingSafeEqual } from 'node:crypto';
import { LifeboatError } from '../../errors.ts';
import { globExpression, parseLines, quote } from '../../text.ts';

/** A line of known_hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). */
export interface KnownHost {
  /** Hosts and key, as ssh reads it. */
  line: string;
  /** Names and patterns parted by commas, or one hashed name. */
  hosts: string;
  /** `ssh-ed25519`, … */
  type: string;
  key: Buffer;
  /** No connection may be made to who shows this key. */
  revoked: boolean;
}

const HOW_TO_WRITE =
  "Write lines of a known_hosts file: the server's name, the kind of its key, the key, as ssh-keyscan prints them.";

const KEY_TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa'];

/** The lines of a known_hosts file. Lines for kinds of keys that are not used are left out. */
export function parseKnownHosts(text: string): KnownHost[] {
  if (/PRIVATE KEY/.test(text)) {
    throw new LifeboatError(`it holds a private key (not shown), which belongs in ssh-key. ${HOW_TO_WRITE}`);
  }
  const known = parseLines(text.replaceAll('\\n', '\n'), parseLine).filter((host) => host !== null);
  if (known.length > 0) return known;
  throw new LifeboatError(
    `no line in it can be used: known are keys of the kinds ${KEY_TYPES.join(', ')}. ${HOW_TO_WRITE}`,
  );
}

function parseLine(line: string): KnownHost | null {
  const words = line.split(/\s+/);
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  const [hosts = '', type = '', key = ''] = words;
  if (marker !== undefined && marker !== '@revoked') {
    throw new LifeboatError(
      `${quote(marker)}: certificates of hosts are not read. Write the host's own key. ${HOW_TO_WRITE}`,
    );
  }
  if (/^(ssh-|ecdsa-|sk-)/.test(hosts)) {
    throw new LifeboatError(
      `${quote(line)} begins with the key: the server's name is missing before it. ${HOW_TO_WRITE}`,
    );
  }
  if (/^(SHA256|MD5):/.test(hosts) || /^\d+$/.test(type)) {
    throw new LifeboatError(`${quote(line)} is a fingerprint, not the key itself. ${HOW_TO_WRITE}`);
  }
  if (!/^[a-z0-9@.-]+$/.test(type) || !/^[A-Za-z0-9+/]+={0,2}$/.test(key)) {
    throw new LifeboatError(`${quote(line)} is not a line of known_hosts. ${HOW_TO_WRITE}`);
  }
  if (!KEY_TYPES.includes(type)) return null;
  const bytes = Buffer.from(key, 'base64');
  const [name, ...rest] = stringsOf(bytes) ?? [];
  if (name?.toString('latin1') !== type || rest.length === 0) {
    throw new LifeboatError(`${quote(line)}: the key is cut off, or not of the kind ${type}. ${HOW_TO_WRITE}`);
  }
  const ours = `${marker === undefined ? '' : `${marker} `}${hosts} ${type} ${key}`;
  return { line: ours, hosts, type, key: bytes, revoked: marker !== undefined };
}

/** The strings that a key is made of (RFC 4251, section 5); null when it is cut off. */
function stringsOf(bytes: Buffer): Buffer[] | null {
  const strings: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + bytes.readUInt32BE(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) return null;
    strings.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return strings;
}

/** The lines that are about this server. */
export function linesFor(known: KnownHost[], { host, port }: { host: string; port: number }): KnownHost[] {
  // As ssh does: another port than 22 stands in the name; a line without one will do too.
  const names = [`[${host}]:${port}`, host];
  return known.filter(({ hosts }) => names.some((name) => isMeant(hosts, name)));
}

function isMeant(hosts: string, name: string): boolean {
  const [, salt, hash] = /^\|1\|([^|]*)\|([^|]*)$/.exec(hosts) ?? [];
  if (salt !== undefined && hash !== undefined) {
    const [actual, ours] = [
      Buffer.from(hash, 'base64'),
      createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest(),
    ];
    return actual.length === ours.length && timingSafeEqual(actual, ours);
  }
  // `*` and `?` as in ssh_config(5).
  const patterns = hosts.toLowerCase().split(',');
  if (patterns.some((pattern) => pattern.startsWith('!') && globExpression(pattern.slice(1)).test(name))) return false;
  return patterns.some((pattern) => globExpression(pattern).test(name));
}
