import { databaseNameOf, partOfTree } from '../../formats/names.ts';
import type { Assertion } from '../../formats/restore-test/assertion.ts';
import type { FileReference } from '../../formats/restore-test/file-reference.ts';
import { MadeDatabase } from '../../postgres/restore/created-database.ts';
import { applyDatabaseFacts, createDatabase } from '../../postgres/restore/database.ts';
import { loadArchive } from '../../postgres/restore/load.ts';
import type { RestoredDatabase } from '../../postgres/restore/restore-into.ts';
import { compareSchemaText } from '../../postgres/restore/schema-text.ts';
import { readState } from '../../postgres/restore/state.ts';
import { withReadOnlyQueries } from '../../postgres/scratch/ask.ts';
import type { ScratchServer } from '../../postgres/scratch/server.ts';
import { failedAssertions } from '../../proof/assertions.ts';
import { compare } from '../../proof/compare.ts';
import { findingsOf } from '../../proof/restore-errors.ts';
import { countOf } from '../../units.ts';
import type { Examination, OpenedBackup } from './open-backup.ts';
import type { Run } from './run.ts';
import { verifyFiles } from './verify-files.ts';
import { verifyReferences } from './verify-references.ts';

/** A query of the user's that takes longer is a mistake. Milliseconds. */
export const QUERY_TIMEOUT = 10 * 60 * 1000;

/** What is looked at beside the database itself. */
export interface Checks {
  assertions: Assertion[];
  /** Only where the file trees are read. */
  fileReferences: FileReference[];
  /** `read`: the archives of the file trees are read and compared. A folder: and unpacked into it. `leave`: neither. */
  fileTrees: 'read' | 'leave' | { into: string };
}

/** Holds a restored database against the backup's inventory, kind by kind; what was found goes into `found`. */
export async function verify(
  target: ScratchServer,
  restored: RestoredDatabase,
  backup: OpenedBackup,
  { assertions, fileReferences, fileTrees }: Checks,
  run: Run,
  found: Examination,
): Promise<void> {
  const { parts, inventory } = backup;
  await run.progress.stage('compare', () => compareInventory(target, restored, backup, found));
  await run.progress.stage('compare definitions', () => compareDefinitions(target, restored, backup, found));
  if (fileTrees !== 'leave') {
    const into = fileTrees === 'read' ? null : fileTrees.into;
    const paths = await verifyFiles(backup, into, fileReferences, run, found);
    if (fileReferences.length > 0) {
      await run.progress.stage('file references', () =>
        verifyReferences(restored.server, fileReferences, backup, paths, QUERY_TIMEOUT, found),
      );
    }
  }
  const left = fileTrees === 'leave' ? inventory.files.map(({ label }) => label) : [];
  await run.progress.stage('read the other parts', () => parts.readRest(left.map(partOfTree)));
  found.verified.push(
    `${countOf(parts.read, 'part')}: every byte is the one that was stored, and each part decrypts whole`,
  );
  found.notVerified.push(...left.map((label) => `File tree ${label}: its archive was not read.`));
  if (assertions.length === 0) return;
  await run.progress.stage('assertions', () => checkAssertions(restored, assertions, found));
}

async function compareInventory(
  target: ScratchServer,
  restored: RestoredDatabase,
  { inventory, selection }: OpenedBackup,
  found: Examination,
): Promise<void> {
  const { lacking, existingRoles, notMade, errors } = restored;
  const content = inventory.tables.some(({ fingerprint }) => fingerprint !== null);
  const state = await readState(restored.server, content ? 'content' : 'rows', { ours: target.private });
  const comparison = compare(inventory, state, {
    lacking,
    existingRoles,
    partial: inventory.partial,
    leftOut: (selection?.part.definitionsLeftOut ?? []).length > 0,
  });
  found.tables = comparison.tables;
  found.findings.push(...findingsOf(errors, lacking), ...comparison.findings);
  found.verified.push(...comparison.verified);
  found.notVerified.push(...(selection?.notVerified ?? []), ...comparison.notVerified, ...notMade);
}

/** The part `schema` goes into an empty twin: what is defined there must be what is defined here. */
async function compareDefinitions(
  target: ScratchServer,
  restored: RestoredDatabase,
  { parts, inventory, selection }: OpenedBackup,
  found: Examination,
): Promise<void> {
  if (target.server.toolset.major < Math.floor(target.versionNumber / 10_000)) {
    found.notVerified.push(
      `The text of definitions: pg_dump ${target.server.toolset.version} is older than the scratch server.`,
    );
    return;
  }
  const name = databaseNameOf(restored.server.connection.PGDATABASE ?? '', '_twin');
  const twin = { ...target.server, connection: { ...restored.server.connection, PGDATABASE: name } };
  const made = new MadeDatabase(target, name);
  try {
    await createDatabase(target.session, name, inventory.database, target.versionNumber);
    const { errors } = await loadArchive(twin, parts.plain('schema'), { args: [], pick: selection?.pick ?? null });
    // Settings of the database, such as its time zone, change how pg_dump writes definitions.
    await applyDatabaseFacts(target.session, name, inventory.database);
    const known = new Set(restored.errors.map(({ message }) => message));
    const fresh = errors.filter(({ message }) => !known.has(message));
    found.findings.push(...findingsOf(fresh, restored.lacking));
    const difference = await compareSchemaText(restored.server, twin);
    if (difference !== null) {
      found.findings.push({
        severity: 'failed',
        kind: 'definitions',
        object: 'the parts schema and data',
        message: `The restored definitions differ from those of the part schema:\n${difference}`,
      });
    }
    found.verified.push('The text of all definitions, against a twin restored from the part schema');
  } catch (error) {
    await made.remove(error);
    throw error;
  }
  await made.remove(null);
}

async function checkAssertions(
  { server }: RestoredDatabase,
  assertions: Assertion[],
  found: Examination,
): Promise<void> {
  const failed = await withReadOnlyQueries(server, QUERY_TIMEOUT, (ask) => failedAssertions(assertions, ask));
  server.context.signal.throwIfAborted(); // A query that a cancellation has ended says nothing of the data.
  found.findings.push(...failed);
  found.verified.push(`${countOf(assertions.length, 'assertion')} about the data`);
}
