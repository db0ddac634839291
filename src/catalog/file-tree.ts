/** What a file tree holds, in numbers. */
export interface TreeCounts {
  files: number;
  /** The tree's own among them. */
  folders: number;
  /** Symbolic ones. */
  links: number;
  /** Of the content of all files. */
  bytes: number;
}

/** Paths of which there can be many: how many, and the first of them. */
export interface Paths {
  count: number;
  first: string[];
}
