import { LifeboatError } from '../../errors.ts';
import type { ExtensionTableFacts, Inventory } from '../../formats/inventory/inventory.ts';
import { HeadReader } from '../../postgres/archive/contents.ts';
import { RowCounter } from '../../postgres/archive/row-counter.ts';
import { checkArchive, tableFacts } from '../../postgres/dump/check-archive.ts';
import { type Dumps, type Selection, selectTables, startDumps } from '../../postgres/dump/dump.ts';
import { readDefinitions } from '../../postgres/inventory/read.ts';
import { copyCounter } from '../../postgres/inventory/rows/copy-counter.ts';
import { countTables } from '../../postgres/inventory/rows/count-tables.ts';
import { countExtensionTables } from '../../postgres/inventory/rows/extension-tables.ts';
import { sequenceFacts } from '../../postgres/inventory/sequence-facts.ts';
import {
  listSequences,
  readSequences,
  type Sequence,
  type SequenceReadings,
} from '../../postgres/inventory/sequences.ts';
import type { Connected } from '../../postgres/session/connect.ts';
import { isSuperuser } from '../../postgres/session/roles.ts';
import { endSnapshot, withSnapshot } from '../../postgres/snapshot/snapshot.ts';
import { measureTables } from '../../postgres/snapshot/tables.ts';
import { findUserCode } from '../../postgres/snapshot/user-code.ts';
import type { PartStreamer, WrittenPart } from '../../repository/part-streamer.ts';
import { countOf } from '../../units.ts';
import type { Run } from '../shared/run.ts';
import type { BackupSettings } from './inputs.ts';

/** A dump that has its snapshot and all its locks, and waits to be read. */
export interface BegunDump {
  selection: Selection;
  sequences: Sequence[];
  sequencesBefore: SequenceReadings;
  dumps: Dumps;
}

/** What the dump's own snapshot held. */
export interface StoredDump {
  parts: WrittenPart[];
  inventory: Omit<Inventory, 'format' | 'id' | 'name' | 'parts' | 'partial' | 'files'>;
  notIncluded: string[];
  /** The role that reads is a superuser. */
  superuser: boolean;
}

export async function beginDump(connected: Connected, settings: BackupSettings, run: Run): Promise<BegunDump> {
  const { server, session, facts } = connected;
  let selection: Selection = { tables: [], withoutRows: new Set() };
  const options = {
    lockWaitTimeout: settings.lockWaitTimeout,
    signal: server.context.signal,
    info: run.log.info,
    at: run.at,
    select: async (tables: Selection['tables'], snapshot: string | null) => {
      selection = await selectTables(server, tables, settings.dumpArgs, snapshot);
      return selection.tables;
    },
  };
  const sequencesBefore = await readSequences(session, await listSequences(session));
  return withSnapshot(session, options, async (snapshot) => {
    if (selection.tables.length === 0 && !settings.allowEmpty) throw noTables(facts.database, settings.dumpArgs);
    const sequences = await listSequences(session);
    const dumps = await startDumps(server, session, snapshot.name, settings.dumpArgs);
    return { selection, sequences, sequencesBefore, dumps };
  });
}

/** What a dump is streamed with. */
export interface DumpContext {
  connected: Connected;
  settings: BackupSettings;
  parts: PartStreamer;
  run: Run;
  /** Ends everything that runs. */
  abort(): void;
}

/**
 * Streams the parts `schema` and `data` into the stores, and reads the inventory beside them in the session that holds
 * the locks: any other session would queue behind a waiting ALTER.
 */
export async function storeDump(begun: BegunDump, context: DumpContext): Promise<StoredDump> {
  const { connected, settings, parts, run } = context;
  const { server, session, facts } = connected;
  const { selection, dumps } = begun;
  const sizes = await measureTables(session, selection.tables);
  const estimate = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  let countedTables = 0;

  const read = async () => {
    const content = settings.fingerprint === 'content';
    const definitions = await readDefinitions(session, { content });
    const userCode = await findUserCode(session);
    const copyRows = userCode.size === 0 ? null : await copyCounter(server, session);
    const extensionTables = await countExtensionTables(session, { userCode, copyRows });
    const counts = await countTables(session, selection.tables, {
      fingerprint: settings.fingerprint,
      userCode,
      copyRows: null,
      onTable: (done) => {
        countedTables = done;
      },
    });
    const superuser = await isSuperuser(session);
    return { definitions, superuser, extensionTables, counted: { selection, counts, userCode } };
  };
  const rows = new RowCounter();
  const head = new HeadReader(server, (chunk) => rows.take(chunk));
  const stream = async () => {
    const schema = await run.progress.stage('schema', () =>
      parts.write('schema', dumps.schema.stdout, dumps.schema.finished),
    );
    await run.at('during-copy');
    const data = await run.progress.stage('data', () =>
      parts.write('data', dumps.data.stdout, dumps.data.finished, [head.through]),
    );
    return [schema, data];
  };
  const progress = () => ({
    plain: parts.plain,
    stored: parts.stored,
    more: `${countedTables} of ${selection.tables.length} tables counted`,
  });

  const streaming = stream();
  const reading = read();
  try {
    await run.progress.watch('Backup', estimate, progress, () => Promise.all([streaming, reading]));
  } catch (error) {
    context.abort();
    await Promise.allSettled([streaming]);
    throw error;
  }

  const written = await streaming;
  const { definitions, superuser, extensionTables, counted } = await reading;
  await endSnapshot(session);
  const sequencesAfter = await readSequences(session, begun.sequences);
  await session.close();

  const archive = { ...(await head.contents()), rows: rows.rows() };
  checkArchive(counted, archive);
  const tables = tableFacts(counted, sizes, archive);
  const { sequences, notRecorded } = sequenceFacts(
    begun.sequences,
    { before: begun.sequencesBefore, after: sequencesAfter },
    { ...archive, sets: rows.sequences(), encoding: facts.encoding, partial: settings.dumpArgs.length > 0 },
  );
  const largeObjects = { ...definitions.largeObjects, dumped: archive.largeObjects };
  const notIncluded = [
    ...settings.dumpArgs.map((arg) => `Left out or chosen by dump-args: ${arg}`),
    ...tables
      .filter(({ dumped, rows }) => !dumped && rows !== '0')
      .map(({ schema, name, reason }) => `Rows of table ${schema}.${name}${reason === null ? '' : `: ${reason}`}`),
    ...rowsOfExtensions(extensionTables),
    ...(largeObjects.count !== '0' && !largeObjects.dumped ? [`${largeObjects.count} large objects`] : []),
  ];
  return {
    parts: written,
    inventory: {
      ...definitions,
      largeObjects,
      tables,
      extensionTables,
      sequences,
      notRecorded: [...definitions.notRecorded, ...notRecorded],
    },
    notIncluded,
    superuser,
  };
}

/** For the manifest, which names no table. */
function rowsOfExtensions(tables: ExtensionTableFacts[]): string[] {
  const left = tables.filter(({ rows }) => rows !== '0').length;
  return left === 0 ? [] : [`Rows of ${countOf(left, 'table')} that belong to extensions`];
}

function noTables(database: string, dumpArgs: string[]): LifeboatError {
  const why = dumpArgs.length > 0 ? ' with these dump-args' : '';
  return new LifeboatError(
    `Database ${JSON.stringify(database)} has no tables to dump${why}. A backup of nothing is most often a wrong database name: check database-url. If it is right, set allow-empty: true.`,
  );
}
