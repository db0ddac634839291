import type { PathSet } from '../../files/path-set.ts';
import type { Inventory } from '../../formats/inventory/inventory.ts';
import type { FileReference } from '../../formats/restore-test/file-reference.ts';
import { readOnlyRows } from '../../postgres/scratch/read-only-queries.ts';
import type { Server } from '../../postgres/session/connection.ts';
import { type Comparison, mergeComparisons } from '../../proof/compare.ts';
import { compareReferences } from '../../proof/file-references.ts';

/** The file trees of a backup as they were read back. */
export interface ReadTrees {
  inventory: Inventory;
  /** By label; a tree that could not be read is missing. */
  paths: Map<string, PathSet>;
}

/** Asks the restored database which files it names, and looks for each in its tree. `timeout`: of a query. */
export async function verifyReferences(
  server: Server,
  references: FileReference[],
  { inventory, paths: trees }: ReadTrees,
  timeout: number,
): Promise<Comparison> {
  const steps: Partial<Comparison>[] = [];
  for (const { label, sql } of references) {
    const paths = trees.get(label);
    if (paths === undefined) {
      const isStored = inventory.files.some((tree) => tree.label === label);
      const message = isStored
        ? 'Its tree could not be read.'
        : 'The backup has no file tree of this label: see paths of its backup job.';
      steps.push({ findings: [{ severity: 'failed', kind: 'file reference', object: label, message }] });
      continue;
    }
    const rows = readOnlyRows(server, timeout, sql);
    steps.push(await compareReferences(label, rows, (path) => paths.has(path)));
    server.context.signal.throwIfAborted(); // A query that a cancellation has ended says nothing of the files.
  }
  return mergeComparisons(steps);
}
