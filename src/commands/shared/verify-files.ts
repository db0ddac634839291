import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LeftBehind, LifeboatError, messageOf } from '../../errors.ts';
import { PathSet } from '../../files/path-set.ts';
import { DamagedArchive } from '../../files/read-archive.ts';
import { type ReadTree, readTree } from '../../files/read-tree.ts';
import { TreeWriter } from '../../files/unpack.ts';
import { partOfTree } from '../../formats/names.ts';
import type { FileReference } from '../../formats/restore-test/file-reference.ts';
import type { Compared } from '../../proof/circumstances.ts';
import { compareTree } from '../../proof/files.ts';
import type { OpenedBackup } from './open-backup.ts';
import type { Run } from './run.ts';

/**
 * Reads the archive of every file tree to its end and holds it against the inventory. `into`: a folder in which they are
 * unpacked as well; null: nothing is written. Yields what each tree gave, and returns the paths of those trees that are
 * referred to and could be read.
 */
export async function* verifyFiles(
  backup: OpenedBackup,
  { into, references }: { into: string | null; references: FileReference[] },
  run: Run,
): AsyncGenerator<Partial<Compared>, Map<string, PathSet>> {
  const paths = new Map<string, PathSet>();
  for (const tree of backup.inventory.files) {
    const { label } = tree;
    const known = references.some((reference) => reference.label === label) ? new PathSet() : null;
    const stored: StoredTree = { backup, label, onPath: (path) => known?.add(path), run };
    const read = await run.progress.stage(partOfTree(label), () =>
      into === null ? checkTree(stored) : unpackTree(stored, into),
    );
    if (read instanceof DamagedArchive) {
      yield { findings: [{ severity: 'failed', kind: 'file tree', object: label, message: read.message }] };
      continue;
    }
    yield compareTree(tree, read);
    if (known !== null) paths.set(label, known);
  }
  return paths;
}

/** A file tree of a backup. */
interface StoredTree {
  backup: OpenedBackup;
  label: string;
  /** Called with each path in it. */
  onPath(path: string): void;
  run: Run;
}

async function checkTree(stored: StoredTree): Promise<ReadTree | DamagedArchive> {
  try {
    return await readStoredTree(stored, null);
  } catch (error) {
    if (error instanceof DamagedArchive) return error;
    throw error;
  }
}

/** What cannot be unpacked to its end stays where it is, and is named: it may be all that there is. */
async function unpackTree(stored: StoredTree, into: string): Promise<ReadTree> {
  const { label } = stored;
  const folder = join(into, label);
  try {
    await mkdir(into, { recursive: true, mode: 0o700 });
    return await readStoredTree(stored, new TreeWriter(folder));
  } catch (error) {
    const cause =
      error instanceof LifeboatError ? error : new LifeboatError(`files-to: ${messageOf(error)}.`, { cause: error });
    if (!existsSync(folder)) throw cause;
    throw new LeftBehind(
      `What was unpacked of file tree ${label} is in ${JSON.stringify(folder)}; it is not whole.`,
      cause,
    );
  }
}

function readStoredTree({ backup, label, onPath, run }: StoredTree, writer: TreeWriter | null): Promise<ReadTree> {
  const { parts, manifest } = backup;
  const name = partOfTree(label);
  const { plain = 0 } = manifest.parts.find((part) => part.name === name) ?? {};
  let done = 0;
  const archive = async function* () {
    for await (const bytes of parts.plain(name)) {
      run.signal.throwIfAborted();
      done += bytes.length;
      yield bytes;
    }
  };
  return run.progress.watch(
    `File tree ${label}`,
    plain,
    () => ({ plain: done, stored: null, more: '' }),
    () => readTree(archive(), writer, onPath),
  );
}
