import { count, list, object, sha256, text, textLike } from '../checked.ts';
import { LABEL } from '../names.ts';

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

/** A file tree as it was stored: the expectation of a restore test. */
export interface TreeFacts extends TreeCounts {
  label: string;
  /** Over all that is stored, in its order; docs/format.md says how it is made. */
  digest: string;
  /** Files whose size or time was another after they were read: what is stored of them may be of two moments. */
  changed: Paths;
  /** They were listed, and gone before they could be read. */
  vanished: Paths;
  /** Sockets, pipes and devices, which are left out. */
  special: Paths;
  /** The globs of what was left out. */
  excluded: string[];
}

export const checkTreeCounts = { files: count, folders: count, links: count, bytes: count };

/** It becomes a folder's name when the tree is unpacked. */
export const checkLabel = textLike(LABEL, 'the label of a file tree');

const paths = object<Paths>({ count, first: list(text) });

export const checkTreeFacts = object<TreeFacts>({
  label: checkLabel,
  ...checkTreeCounts,
  digest: sha256,
  changed: paths,
  vanished: paths,
  special: paths,
  excluded: list(text),
});
