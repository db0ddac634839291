/** A file, a folder or a symbolic link of a tree, as it is stored. */
export interface Entry {
  type: 'file' | 'folder' | 'link';
  /** From the tree's own folder, which is the empty path itself. */
  path: string;
  /** Permissions, with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Of a file's content, in bytes; else 0. */
  size: number;
  /** Nanoseconds since 1970. */
  mtime: bigint;
  /** Where a link points to, as it was made. */
  target: string;
}

/**
 * The name in the archive, as `tar -C tree -c .` has it: `./`, `./folder/`, `./folder/file`. An archive is in the order
 * of these names by bytes, so a folder stands before all that is in it, and what is in it stands together.
 */
export function archiveName({ type, path }: Pick<Entry, 'type' | 'path'>): string {
  if (path === '') return './';
  return type === 'folder' ? `./${path}/` : `./${path}`;
}
