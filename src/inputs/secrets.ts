import { INPUTS, type InputDeclaration, type InputName, type Secrecy } from './declarations.ts';
import { tidyKeyText } from './keys/key-text.ts';
import type { Environment, GetInput, InputLog } from './schema.ts';

/** Shorter texts stand everywhere: their mask would hide ordinary words, and give the secret away. */
export const SHORTEST_MASK = 4;

interface Secret {
  /** The input or environment variable it comes from. */
  name: string;
  text: string;
}

const DECLARED = Object.entries<InputDeclaration>(INPUTS);
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
  for (const [name, { secret }] of DECLARED) {
    if (isSecretWhole(secret, get(name))) add(name, ...linesOf(name, get(name)));
  }
  for (const [name, { secret }] of DECLARED) {
    if (mayHoldPassword(secret)) add(name, ...passwordsIn(get(name)).flatMap(formsOf));
  }
  const variables = [...SECRET_VARIABLES, ...Object.keys(env).filter((name) => RCLONE_SECRET.test(name))];
  for (const name of variables) add(name, ...linesOf(name, env[name] ?? ''));
  return secrets;
}

/** Whether the text of an input is a secret, or has one in it, so that it must not be given on a command line. */
export function holdsSecret(name: InputName, text: string): boolean {
  const { secret } = INPUTS[name];
  if (text.trim() === '') return false;
  if (mayHoldPassword(secret) && passwordsIn(text).length > 0) return true;
  return secret !== 'connection-string' && isSecretWhole(secret, text);
}

/** Whether no line of the text may be shown. */
function isSecretWhole(secret: Secrecy, text: string): boolean {
  switch (secret) {
    case 'whole':
    case 'whole-url':
    case 'connection-string':
      return true;
    case 'if-private-key':
      return text.includes('PRIVATE');
    case 'password-in-url':
    case 'none':
      return false;
  }
}

/** Whether a password in the text is masked by itself too. */
function mayHoldPassword(secret: Secrecy): boolean {
  switch (secret) {
    case 'whole-url':
    case 'connection-string':
    case 'password-in-url':
      return true;
    case 'whole':
    case 'if-private-key':
    case 'none':
      return false;
  }
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
 * shortest lines are the checksum. An input whose name ends in -key holds a key.
 */
function linesOf(name: string, text: string): string[] {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  if (!name.endsWith('-key')) return lines;
  return [...lines, ...tidyKeyText(text).split('\n')].filter(
    (line) => line.length >= 8 && !/^-----[^-]+-----$/.test(line),
  );
}

function passwordsIn(text: string): string[] {
  return text.split(/[\r\n]+/).flatMap((line) => passwordsOf(line.trim()));
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
