import { createHash, type Hash } from 'node:crypto';
import type { TreeCounts } from '../formats/inventory/file-tree.ts';
import { readArchive } from './read-archive.ts';
import { TreeDigest } from './tree-digest.ts';
import type { TreeWriter } from './unpack.ts';

/** What an archive turned out to hold. */
export interface ReadTree extends TreeCounts {
  digest: string;
}

/** Reads an archive to its end, and writes what is in it when there is a writer. `onPath`: told of each entry but the tree itself. */
export async function readTree(
  source: AsyncIterable<Uint8Array>,
  writer: TreeWriter | null,
  onPath: (path: string) => void = () => {},
): Promise<ReadTree> {
  const tree = new TreeDigest();
  for await (const { entry, content } of readArchive(source)) {
    const hash = createHash('sha256');
    if (writer === null) for await (const _ of hashContent(content, hash));
    else await writer.write(entry, hashContent(content, hash));
    tree.add(entry, entry.type === 'file' ? hash.digest('hex') : '');
    if (entry.path !== '') onPath(entry.path);
  }
  await writer?.finish();
  return { ...tree.counts, digest: tree.digest() };
}

async function* hashContent(content: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const bytes of content) {
    hash.update(bytes);
    yield bytes;
  }
}
