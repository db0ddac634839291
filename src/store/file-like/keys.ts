import { StoreError } from '../store.ts';

/** What a key ends in while its object is being written, where a store has no other place for that. */
export const PART = '.part';

/**
 * Keys come from listings too: none may lead out of the store, or to what is no object. Names that begin with a dot are
 * a file system's own, or a probe of ours.
 */
export function requireKey(key: string, kind: string): void {
  if (isKey(key)) return;
  throw new StoreError('failed', `${JSON.stringify(key)} cannot be a key in ${kind} store.`);
}

export function isKey(key: string): boolean {
  return key.split('/').every(isName);
}

/** Whether a name that a listing shows can be that of a folder or an object. */
export function isName(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/[/\0]/.test(name);
}

/** The folder in which everything lies whose key begins with `prefix`: empty, or ending in a slash. */
export function folderOf(prefix: string): string {
  return prefix.slice(0, prefix.lastIndexOf('/') + 1);
}

/** Orders keys as every store lists them: by their bytes. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
