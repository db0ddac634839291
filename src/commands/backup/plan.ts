import { randomBytes } from 'node:crypto';
import { messageOf } from '../../errors.ts';
import { measureTree } from '../../files/measure.ts';
import { makeId } from '../../formats/id.ts';
import { setNameOf } from '../../formats/names.ts';
import { prepareEncryption } from '../../openpgp/encrypt.ts';
import { selectTables } from '../../postgres/dump/dump.ts';
import { readSource } from '../../postgres/inventory/database.ts';
import { connectServer } from '../../postgres/session/connect.ts';
import { listTables } from '../../postgres/snapshot/tables.ts';
import { treeSize } from '../../report/file-trees.ts';
import { openStore } from '../../store/open.ts';
import type { Store } from '../../store/store.ts';
import { countOf, formatBytes } from '../../units.ts';
import { pruneSet } from '../prune/prune-set.ts';
import { outcomeOf } from '../prune/summary.ts';
import type { Run } from '../shared/run.ts';
import { openTrees } from './files.ts';
import type { BackupSettings } from './inputs.ts';
import { checkSource, findPrevious, keysOfSet, setWithoutRights } from './stores.ts';

export interface BackupPlan {
  tables: number;
  /** Bytes. */
  databaseSize: number;
  lines: string[];
  /** Databases, of several, that cannot be planned, and why: the run is red. */
  problems: string[];
}

/** `dry-run`: connects, looks at server and stores, and says what a backup would do. Nothing is written anywhere. */
export async function planBackup(settings: BackupSettings, run: Run): Promise<BackupPlan> {
  const id = makeId(run.now(), randomBytes(4).toString('hex'));
  const { describe } = await prepareEncryption(settings.encryption);
  const context = { signal: run.signal, track: run.track, onStderr: (line: string) => run.log.info(`  | ${line}`) };
  const { server, session, facts } = await connectServer(settings.connection, settings.toolset, id, context);
  try {
    const set = settings.name ?? setNameOf(facts.database);
    const selection = await selectTables(server, await listTables(session), settings.dumpArgs, null);
    const tables = selection.tables.filter(({ kind }) => kind === 'r');
    const source = await readSource(session);
    const stores = await Promise.all(
      settings.stores.map((location) => planStore(location, { set, id, source }, settings, run)),
    );
    return {
      tables: tables.length,
      databaseSize: facts.databaseSize,
      problems: [],
      lines: [
        `would dump database ${JSON.stringify(facts.database)} (${formatBytes(facts.databaseSize)}, PostgreSQL ${facts.version}), ${countOf(tables.length, 'table')}, with pg_dump ${server.toolset.version} from ${server.toolset.place}`,
        describe.kind === 'passphrase'
          ? 'would encrypt with the passphrase'
          : `would encrypt for ${describe.recipients.join(', ')}`,
        ...(await planTrees(settings)),
        settings.signing === null ? 'would not sign the manifest' : 'would sign the manifest',
        ...stores.flat(),
      ],
    };
  } finally {
    session.kill();
  }
}

async function planTrees(settings: BackupSettings): Promise<string[]> {
  const lines: string[] = [];
  for (const tree of await openTrees(settings)) {
    lines.push(
      `would store file tree ${tree.label}, ${JSON.stringify(tree.folder)}: ${treeSize(await measureTree(tree))}`,
    );
  }
  return lines;
}

async function planStore(
  location: BackupSettings['stores'][number],
  { set, id, source }: { set: string; id: string; source: string | null },
  settings: BackupSettings,
  run: Run,
): Promise<string[]> {
  const store = await openStore(location, settings, { signal: run.signal, track: run.track, info: run.log.info });
  try {
    const backups = setWithoutRights(store, set, await keysOfSet(settings), run.now());
    const previous = await findPrevious(backups, run);
    if (!settings.allowNewSource) checkSource([{ store, ...previous }], source, set);
    const newest = previous.previous
      ? `the newest backup there is ${previous.previous.id}`
      : `no backup seen (${previous.noPrevious})`;
    return [
      `would write set ${set} to ${store.url}; ${newest}`,
      ...(await planRetentionIn(store, { set, id }, settings, run)),
    ];
  } catch (error) {
    return [`would fail to write to ${store.url}: ${messageOf(error)}`];
  } finally {
    store.close();
  }
}

/** What would become of older backups once this one is there. */
async function planRetentionIn(
  store: Store,
  { set, id }: { set: string; id: string },
  { retention }: BackupSettings,
  run: Run,
): Promise<string[]> {
  if (retention === null) return [];
  const plan = await pruneSet({ store, name: set, own: { id, isStored: false } }, retention, run);
  const goes = plan.backups
    .filter(({ decision }) => decision === 'delete')
    .map((backup) => `would delete ${backup.id}`);
  const against = plan.refusals.map((refusal) => `would not delete any: ${refusal}`);
  return [outcomeOf(plan), ...(plan.error === null ? [] : [plan.error]), ...against, ...goes].map(
    (line) => `${store.url}: ${line}`,
  );
}
