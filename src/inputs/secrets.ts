import { tidied } from './keys/key-text.ts';
import type { Environment, GetInput, InputLog } from './schema.ts';

/** Shorter texts stand everywhere: their mask would hide ordinary words, and give the secret away. */
export const SHORTEST_MASK = 4;

interface Secret {
  /** The input or environment variable it comes from. */
  name: string;
  text: string;
}

/** Inputs whose whole text is a secret, or is one when somebody mistook them (a private key in `public-key`). */
const SECRET_INPUTS = [
  'database-url',
  'scratch-url',
  'passphrase',
  'previous-passphrases',
  'public-key',
  'verification-key',
  'private-key',
  'private-key-passphrase',
  'signing-key',
  'signing-key-passphrase',
  'ssh-key',
  'ssh-known-hosts',
  'webhook-url',
  'heartbeat-url',
];
/** Certificates and hosts' keys are public, unless somebody pasted the private key. */
const PUBLIC_KEYS = ['public-key', 'verification-key', 'ssh-known-hosts'];
/** A secret only when there is a password in it. */
const CONNECTIONS = ['database-url', 'scratch-url'];
/** Inputs of URLs, in which somebody may have written a password. */
const URL_INPUTS = [
  'database-url',
  'scratch-url',
  'store',
  's3-endpoint',
  'webhook-url',
  'heartbeat-url',
  'pushgateway-url',
  'smtp-url',
];
const SECRET_VARIABLES = ['PGPASSWORD', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];
/** rclone's configuration can stand in the environment. */
const RCLONE_SECRET = /^RCLONE_.*(PASS|SECRET|KEY|TOKEN)/;

/**
 * Every text that must be masked before anything is checked, for a check's error could quote it: whole secrets, passwords out
 * of URLs and keyword strings (raw, decoded, encoded), and each line of what has several, as the lines of a log come one by one.
 */
export function secretsOf(get: GetInput, env: Environment): Secret[] {
  const secrets: Secret[] = [];
  const add = (name: string, ...texts: string[]) => {
    for (const text of texts) secrets.push({ name, text });
  };
  for (const name of SECRET_INPUTS) {
    const text = get(name);
    if (!PUBLIC_KEYS.includes(name) || text.includes('PRIVATE')) add(name, ...linesOf(name, text));
  }
  for (const name of URL_INPUTS) {
    for (const line of get(name).split(/[\r\n]+/)) add(name, ...passwordsOf(line.trim()).flatMap(formsOf));
  }
  const variables = [...SECRET_VARIABLES, ...Object.keys(env).filter((name) => RCLONE_SECRET.test(name))];
  for (const name of variables) add(name, ...linesOf(name, env[name] ?? ''));
  return secrets;
}

/** Whether the text of an input is a secret, or has one in it. */
export function holdsSecret(name: string, text: string): boolean {
  if (text.trim() === '') return false;
  if (URL_INPUTS.includes(name) && text.split(/[\r\n]+/).some((line) => passwordsOf(line.trim()).length > 0))
    return true;
  if (PUBLIC_KEYS.includes(name)) return text.includes('PRIVATE');
  return SECRET_INPUTS.includes(name) && !CONNECTIONS.includes(name);
}

/** Masks what can be masked. */
export function maskSecrets(secrets: Secret[], log: InputLog): void {
  const seen = new Set<string>();
  for (const { name, text } of secrets) {
    if (seen.has(text)) continue;
    seen.add(text);
    maskSecret(name, text, log);
  }
}

/** Masks a secret, or warns that it is too short for that. */
export function maskSecret(name: string, secret: string, log: InputLog): void {
  if (secret.length >= SHORTEST_MASK) log.mask(secret);
  else if (secret !== '') {
    log.warning(
      `${name}: a password of fewer than ${SHORTEST_MASK} characters cannot be hidden in logs. Change it for a longer one.`,
    );
  }
}

/**
 * The lines of a secret. Of a key: as it was pasted and as it is read; its frame (`-----BEGIN`) is no secret, and its
 * shortest lines are the checksum.
 */
function linesOf(name: string, text: string): string[] {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  if (!name.endsWith('-key')) return lines;
  return [...lines, ...tidied(text).split('\n')].filter((line) => line.length >= 8 && !/^-----[^-]+-----$/.test(line));
}

/** What may be a password in a line, well formed or not. */
function passwordsOf(line: string): string[] {
  const passwords: string[] = [];
  const afterScheme = /^[a-z][a-z0-9+.-]*:\/*(.*)$/is.exec(line)?.[1] ?? '';
  for (const end of [afterScheme.indexOf('@'), afterScheme.lastIndexOf('@')]) {
    const colon = afterScheme.indexOf(':');
    if (colon >= 0 && colon < end) passwords.push(afterScheme.slice(colon + 1, end));
  }
  const named = /(?:password|client_secret|client_key|server_key)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s&]+))/gis;
  for (const [, quoted, plain] of line.matchAll(named))
    passwords.push((quoted ?? plain ?? '').replace(/\\(.)/gs, '$1'));
  return passwords;
}

function formsOf(password: string): string[] {
  const decoded = decodedOrSame(password);
  return [password, decoded, encodeURIComponent(decoded)];
}

function decodedOrSame(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
