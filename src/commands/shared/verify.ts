import { partOfTree } from '../../formats/names.ts';
import type { Assertion } from '../../formats/restore-test/assertion.ts';
import type { FileReference } from '../../formats/restore-test/file-reference.ts';
import type { Finding } from '../../formats/restore-test/finding.ts';
import { compareWithTwin } from '../../postgres/restore/definitions.ts';
import type { RestoredDatabase } from '../../postgres/restore/restore-into.ts';
import { readState } from '../../postgres/restore/state.ts';
import { withReadOnlyQueries } from '../../postgres/scratch/read-only-queries.ts';
import { failedAssertions } from '../../proof/assertions.ts';
import type { AcceptedMissingRows } from '../../proof/circumstances.ts';
import { type Comparison, compareDatabases, mergeComparisons } from '../../proof/compare.ts';
import { findingsOf } from '../../proof/restore-errors.ts';
import { countOf } from '../../units.ts';
import type { LoadedBackup } from './load.ts';
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
  acceptMissingRows: AcceptedMissingRows[];
}

/**
 * Holds a restored database against the backup's inventory, kind by kind. Yields what each step found: that stays true
 * when a later one fails.
 */
export async function* verifyBackup(
  loaded: LoadedBackup,
  { assertions, fileReferences, fileTrees, acceptMissingRows }: Checks,
  run: Run,
): AsyncGenerator<Partial<Comparison>> {
  const { backup, restored } = loaded;
  const { parts, inventory } = backup;
  yield await run.progress.stage('compare', () => compareInventory(loaded, acceptMissingRows));
  yield await run.progress.stage('compare definitions', () => compareDefinitions(loaded));
  if (fileTrees !== 'leave') {
    const into = fileTrees === 'read' ? null : fileTrees.into;
    const paths = yield* verifyFiles(backup, { into, references: fileReferences }, run);
    if (fileReferences.length > 0) {
      yield await run.progress.stage('file references', () =>
        verifyReferences(restored.server, fileReferences, { inventory, paths }, QUERY_TIMEOUT),
      );
    }
  }
  const left = fileTrees === 'leave' ? inventory.files.map(({ label }) => label) : [];
  await run.progress.stage('read the other parts', () => parts.readRest(left.map(partOfTree)));
  yield {
    verified: [`${countOf(parts.read, 'part')}: every byte is the one that was stored, and each part decrypts whole`],
    notVerified: left.map((label) => `File tree ${label}: its archive was not read.`),
  };
  if (assertions.length === 0) return;
  yield await run.progress.stage('assertions', () => checkAssertions(restored, assertions));
}

async function compareInventory(
  { scratch, restored, backup }: LoadedBackup,
  acceptedMissingRows: AcceptedMissingRows[],
): Promise<Comparison> {
  const { inventory, selection } = backup;
  const { lacking, existingRoles, notMade, errors } = restored;
  const content = inventory.tables.some(({ fingerprint }) => fingerprint !== null);
  const state = await readState(restored.server, content ? 'content' : 'rows', { ours: scratch.private });
  const comparison = compareDatabases(inventory, state, {
    lacking,
    acceptedMissingRows,
    existingRoles,
    partial: inventory.partial,
    leftOut: (selection?.part.definitionsLeftOut ?? []).length > 0,
  });
  return mergeComparisons([
    { findings: findingsOf(errors, lacking), notVerified: selection?.notVerified ?? [] },
    comparison,
    { notVerified: notMade },
  ]);
}

async function compareDefinitions({ scratch, restored, backup }: LoadedBackup): Promise<Partial<Comparison>> {
  const { parts, inventory, selection } = backup;
  if (scratch.server.toolset.major < Math.floor(scratch.versionNumber / 10_000)) {
    const { version } = scratch.server.toolset;
    return { notVerified: [`The text of definitions: pg_dump ${version} is older than the scratch server.`] };
  }
  const source = { schema: parts.plain('schema'), pick: selection?.pick ?? null, database: inventory.database };
  const { errors, difference } = await compareWithTwin(scratch, restored, source);
  return {
    findings: [
      ...findingsOf(errors, restored.lacking),
      ...(difference === null ? [] : [differentDefinitions(difference)]),
    ],
    verified: ['The text of all definitions, against a twin restored from the part schema'],
  };
}

function differentDefinitions(difference: string): Finding {
  return {
    severity: 'failed',
    kind: 'definitions',
    object: 'the parts schema and data',
    message: `The restored definitions differ from those of the part schema:\n${difference}`,
  };
}

async function checkAssertions({ server }: RestoredDatabase, assertions: Assertion[]): Promise<Partial<Comparison>> {
  const findings = await withReadOnlyQueries(server, QUERY_TIMEOUT, (ask) => failedAssertions(assertions, ask));
  server.context.signal.throwIfAborted(); // A query that a cancellation has ended says nothing of the data.
  return { findings, verified: [`${countOf(assertions.length, 'assertion')} about the data`] };
}
