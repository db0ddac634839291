import { brokenLinks } from '../catalog/health/chain.ts';
import {
  type ExaminedBackup,
  type InventoryFacts,
  isCommitted,
  NEWEST,
  type RowsFacts,
  type SetFacts,
  type TestFacts,
  thoseThatCount,
} from '../catalog/health/facts.ts';
import { isAhead } from '../catalog/id.ts';
import type { Inventory } from '../catalog/inventory.ts';
import type { ListedBackup, ListedTest, Listing } from '../catalog/listing.ts';
import type { Manifest } from '../catalog/manifest.ts';
import type { CheckSettings, DecryptionSettings } from '../inputs/settings.ts';
import { type Store, StoreError } from '../store/store.ts';
import { BackupParts, UnreadablePart } from './backup-parts.ts';
import { readPrunes } from './check-prunes.ts';
import type { Run } from './run.ts';
import { ifAllowed, type SetReader } from './set-reader.ts';

/** So many records of restore tests are read when those before them do not count. */
const MOST_RECORDS = 30;

/**
 * What the rules need to know of a set. However many backups there are, the contents of few are fetched: the manifests
 * of the newest and of the newest proven one, records of restore tests until one counts, prune records when a backup
 * is missing, two inventories when there is a key.
 */
export async function gatherFacts(
  reader: SetReader,
  listing: Listing,
  settings: CheckSettings,
  run: Run,
): Promise<Omit<SetFacts, 'otherSets'>> {
  const now = run.now();
  const listed = listing.backups(now);
  const committed = listed.filter((backup) => isCommitted(backup) && !backup.fromFuture);
  const examined = await Promise.all(committed.slice(0, NEWEST).map((backup) => reader.examine(backup)));
  const newest = examined.filter((backup) => backup !== null);
  // A prune may be at work: what is gone since the listing is not there.
  const gone = new Set(committed.slice(0, NEWEST).filter((_, index) => examined[index] === null));
  const backups = listed.filter((backup) => !gone.has(backup));
  const tests = testsOf(committed, listing.tests());
  const past = tests.filter(({ test }) => !isAhead(new Date(test.time), now));
  const ahead = tests.filter(({ test }) => isAhead(new Date(test.time), now));
  return {
    name: reader.set,
    backups,
    newest,
    proven: await newestProven(committed, past, reader),
    tests: { ...(await newestTest(past, reader)), fromFuture: [...new Set(ahead.map(({ test }) => test.id))] },
    chain: await readPrunes(reader, brokenLinks({ newest, backups })),
    rows: await readRows(reader.store, thoseThatCount(newest, settings.demands), settings.decryption, run),
  };
}

/** A restore test with the backup that it is of. */
interface Tested {
  test: ListedTest;
  backup: ListedBackup;
}

function testsOf(backups: ListedBackup[], tests: ListedTest[]): Tested[] {
  const byId = new Map(backups.map((backup) => [backup.id, backup]));
  return tests.flatMap((test) => {
    const backup = byId.get(test.id);
    return backup === undefined ? [] : [{ test, backup }];
  });
}

async function newestTest(tests: Tested[], reader: SetReader): Promise<Omit<TestFacts, 'fromFuture'>> {
  const uncounted: string[] = [];
  for (const { test, backup } of tests.slice(0, MOST_RECORDS)) {
    const standing = await reader.standingOf(test, backup);
    if (standing === 'counts') return { newest: test, uncounted };
    if (standing !== 'gone') uncounted.push(`${test.id}/${test.file}: ${standing.why}.`);
  }
  return { newest: null, uncounted };
}

async function newestProven(
  backups: ListedBackup[],
  tests: Tested[],
  reader: SetReader,
): Promise<ExaminedBackup | null> {
  const claimed = backups.filter(({ lastTest }) => lastTest?.verdict === 'proven');
  for (const backup of claimed.slice(0, MOST_RECORDS)) {
    const last = tests.find((tested) => tested.backup === backup)?.test;
    if (last?.verdict !== 'proven' || (await reader.standingOf(last, backup)) !== 'counts') continue;
    const examined = await reader.examine(backup);
    if (examined !== null) return examined;
  }
  return null;
}

/** Rows of the newest backup's tables and of those of the one before it, out of their inventories. */
async function readRows(
  store: Store,
  backups: ExaminedBackup[],
  decryption: DecryptionSettings | null,
  run: Run,
): Promise<RowsFacts> {
  if (decryption === null) return { kind: 'not-asked' };
  const [newest, before] = backups.flatMap(({ manifest }) => (manifest.kind === 'good' ? [manifest.manifest] : []));
  if (newest === undefined || before === undefined) {
    const why = 'There are not two backups whose inventories could be compared.';
    return { kind: 'unknown', why, next: 'Nothing when the set is new: the next backup brings one.' };
  }
  const read = async (manifest: Manifest) => {
    const { signal, log } = run;
    const parts = new BackupParts({ store, manifest, decryption, withoutSums: 'refuse', signal, info: log.info });
    return inventoryFacts(await parts.inventory());
  };
  try {
    const pair = await ifAllowed(async () => ({ newest: await read(newest), before: await read(before) }));
    if (!(pair instanceof StoreError)) return { kind: 'read', ...pair };
    return {
      kind: 'unknown',
      why: `Inventories may not be read: ${pair.message}`,
      next: 'Give credentials that may read.',
    };
  } catch (error) {
    if (!(error instanceof UnreadablePart)) throw error;
    const why = `An inventory cannot be read: ${error.reason}`;
    return error.locked
      ? { kind: 'unknown', why, next: 'Give what opens the newest two backups.' }
      : { kind: 'damaged', why };
  }
}

/** Who could encrypt an inventory could write anything into it: of what is no count nothing is taken. */
function inventoryFacts({ id, tables }: Inventory): InventoryFacts {
  return {
    id,
    tables: tables.map(({ schema, name, rows, partition }) => ({
      schema: String(schema),
      name: String(name),
      rows: /^\d+$/.test(String(rows)) ? String(rows) : null,
      partition: partition === true,
    })),
  };
}
