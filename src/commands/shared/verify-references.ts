import type { PathSet } from '../../files/path-set.ts';
import type { FileReference } from '../../formats/restore-test/file-reference.ts';
import { readOnlyRows } from '../../postgres/scratch/ask.ts';
import type { Server } from '../../postgres/session/connection.ts';
import { compareReferences } from '../../proof/file-references.ts';
import type { Examination, OpenedBackup } from './open-backup.ts';

/** Asks the restored database which files it names, and looks for each in its tree. */
export async function verifyReferences(
  server: Server,
  references: FileReference[],
  { inventory }: OpenedBackup,
  trees: Map<string, PathSet>,
  timeout: number,
  found: Examination,
): Promise<void> {
  for (const { label, sql } of references) {
    const paths = trees.get(label);
    if (paths === undefined) {
      const isThere = inventory.files.some((tree) => tree.label === label);
      const message = isThere
        ? 'Its tree could not be read.'
        : 'The backup has no file tree of this label: see paths of its backup job.';
      found.findings.push({ severity: 'failed', kind: 'file reference', object: label, message });
      continue;
    }
    const { findings, verified } = await compareReferences(label, readOnlyRows(server, timeout, sql), (path) =>
      paths.has(path),
    );
    server.context.signal.throwIfAborted(); // A query that a cancellation has ended says nothing of the files.
    found.findings.push(...findings);
    found.verified.push(...verified);
  }
}
