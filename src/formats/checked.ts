/** Something in a JSON document is not what its format says. The message tells where. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

export type Check<T> = (value: unknown, path: string) => T;

/** Parses JSON from outside, and takes of it what the format names and nothing else. Throws a {@link FormatError}. */
export function parseChecked<T>(bytes: Uint8Array, check: Check<T>): T {
  if (isDeep(bytes)) throw new FormatError(`it is nested deeper than ${DEEPEST} levels`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new FormatError('it is not JSON');
  }
  return check(value, '');
}

/** No format of Lifeboat has a quarter of it. A parser takes up to 60 bytes of memory for each byte that opens a level. */
const DEEPEST = 64;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Looked for before anything is parsed, in one pass: brackets count outside of strings (RFC 8259, section 7). */
function isDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) inString = !inString;
    else if (inString) at += byte === BACKSLASH ? 1 : 0;
    // `[` and `{`, `]` and `}` differ in the same bit.
    else if ((byte | 0x20) === 0x7b) depth++;
    else if ((byte | 0x20) === 0x7d) depth--;
    if (depth > DEEPEST) return true;
  }
  return false;
}

/** An object that has these fields; others are left out. */
export function object<T extends object>(checks: { [N in keyof T]: Check<T[N]> }): Check<T> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch('an object', path);
    const fields = value as Record<string, unknown>;
    const taken = Object.entries(checks).map(([name, check]) => [
      name,
      (check as Check<unknown>)(fields[name], path === '' ? name : `${path}.${name}`),
    ]);
    return Object.fromEntries(taken) as T;
  };
}

export function list<T>(check: Check<T>): Check<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw mismatch('a list', path);
    return value.map((item, index) => check(item, `${path}[${index}]`));
  };
}

export function nullable<T>(check: Check<T>): Check<T | null> {
  return (value, path) => (value === null ? null : check(value, path));
}

/** A field that documents of an older version do not have. */
export function withDefault<T>(check: Check<T>, byDefault: T): Check<T> {
  return (value, path) => (value === undefined ? byDefault : check(value, path));
}

/** Values by names that are not known beforehand. */
export function record<T>(check: Check<T>): Check<Record<string, T>> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch('an object', path);
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [text(name, `a name in ${path}`), check(item, `${path}.${name}`)]),
    );
  };
}

export function literal<const T extends string | number>(...allowed: T[]): Check<T> {
  return (value, path) => {
    if (allowed.includes(value as T)) return value as T;
    throw mismatch(allowed.map((word) => JSON.stringify(word)).join(' or '), path);
  };
}

/**
 * Text without NUL, at which a program in C stops reading, and without half a surrogate pair, which has no UTF-8. Neither
 * PostgreSQL nor a file system has text with them.
 */
export const text: Check<string> = (value, path) => {
  if (typeof value !== 'string') throw mismatch('text', path);
  if (value.includes('\0') || !value.isWellFormed()) throw mismatch('text without NUL and in whole characters', path);
  return value;
};

export function textLike(pattern: RegExp, what: string): Check<string> {
  return (value, path) => {
    if (!pattern.test(text(value, path))) throw mismatch(what, path);
    return value as string;
  };
}

export const flag: Check<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw mismatch('true or false', path);
  return value;
};

/** A number of things or bytes. */
export const count: Check<number> = (value, path) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw mismatch('a whole number', path);
  return value as number;
};

/** A count that can be larger than a JavaScript number holds exactly. */
export const digits: Check<string> = textLike(/^\d{1,40}$/, 'digits');

/** The same, below 0 too. */
export const signedDigits: Check<string> = textLike(/^-?\d{1,60}$/, 'digits');

export const integer: Check<number> = (value, path) => {
  if (!Number.isSafeInteger(value)) throw mismatch('a whole number', path);
  return value as number;
};

export const sha256: Check<string> = textLike(/^[0-9a-f]{64}$/, 'a sha256 in hex');

/** A moment in UTC, ISO 8601. */
export const moment: Check<string> = (value, path) => {
  const checkedText = text(value, path);
  if (Number.isNaN(Date.parse(checkedText))) throw mismatch('a time', path);
  return checkedText;
};

function mismatch(what: string, path: string): FormatError {
  return new FormatError(`${path === '' ? 'the document' : path} must be ${what}`);
}
