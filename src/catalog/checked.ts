/** Something in a JSON document is not what its format says. The message tells where. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

export type Check<T> = (value: unknown, path: string) => T;

/** Parses JSON from outside, and takes of it what the format names and nothing else. Throws a {@link FormatError}. */
export function parseChecked<T>(bytes: Uint8Array, check: Check<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new FormatError('it is not JSON');
  }
  return check(value, '');
}

/** An object that has these fields; others are left out. */
export function object<T extends object>(checks: { [N in keyof T]: Check<T[N]> }): Check<T> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw expected('an object', path);
    const given = value as Record<string, unknown>;
    const taken = Object.entries(checks).map(([name, check]) => [
      name,
      (check as Check<unknown>)(given[name], path === '' ? name : `${path}.${name}`),
    ]);
    return Object.fromEntries(taken) as T;
  };
}

export function list<T>(check: Check<T>): Check<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw expected('a list', path);
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

export function literal<const T extends string | number>(...allowed: T[]): Check<T> {
  return (value, path) => {
    if (allowed.includes(value as T)) return value as T;
    throw expected(allowed.map((word) => JSON.stringify(word)).join(' or '), path);
  };
}

export const text: Check<string> = (value, path) => {
  if (typeof value !== 'string') throw expected('text', path);
  return value;
};

export function textLike(pattern: RegExp, what: string): Check<string> {
  return (value, path) => {
    if (typeof value !== 'string' || !pattern.test(value)) throw expected(what, path);
    return value;
  };
}

export const flag: Check<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw expected('true or false', path);
  return value;
};

/** A number of things or bytes. */
export const count: Check<number> = (value, path) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw expected('a whole number', path);
  return value as number;
};

export const sha256: Check<string> = textLike(/^[0-9a-f]{64}$/, 'a sha256 in hex');

/** A moment in UTC, ISO 8601. */
export const moment: Check<string> = (value, path) => {
  if (typeof value !== 'string' || Number.isNaN(Date.parse(value))) throw expected('a time', path);
  return value;
};

function expected(what: string, path: string): FormatError {
  return new FormatError(`${path === '' ? 'the document' : path} must be ${what}`);
}
