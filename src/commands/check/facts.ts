import { brokenLinks } from '../../formats/health/chain.ts';
import {
  type InventoryFacts,
  isCommitted,
  NEWEST,
  type RowsFacts,
  type ScannedBackup,
  type SetFacts,
  type TestFacts,
  validBackups,
} from '../../formats/health/facts.ts';
import { isAhead } from '../../formats/id.ts';
import type { Inventory } from '../../formats/inventory/inventory.ts';
import type { Manifest } from '../../formats/manifest.ts';
import { whyNotCounted } from '../../formats/state.ts';
import type { DecryptionSettings } from '../../openpgp/settings.ts';
import { BackupParts, UnreadablePart } from '../../repository/backup-parts.ts';
import type { BackupSet } from '../../repository/backup-set.ts';
import { type Store, StoreError } from '../../store/store.ts';
import type { Run } from '../shared/run.ts';
import type { CheckSettings } from './inputs.ts';
import { ifAllowed, readPrunes } from './prunes.ts';

/**
 * What the rules need to know of a set. However many backups there are, the contents of few are fetched: the manifests
 * of the newest and of the newest proven one, records of restore tests until one counts, prune records when a backup
 * is missing, two inventories when there is a key.
 */
export async function findFacts(
  set: BackupSet,
  settings: CheckSettings,
  run: Run,
): Promise<Omit<SetFacts, 'otherSets'>> {
  const { now } = set.trust;
  const listing = await set.listing();
  const listed = listing.backups(now);
  const committed = listed.filter((backup) => isCommitted(backup) && !backup.fromFuture);
  const scanned = await Promise.all(committed.slice(0, NEWEST).map((backup) => set.scan(backup)));
  const newest = scanned.filter((backup) => backup !== null);
  // A prune may be at work: what was deleted after the listing does not exist.
  const gone = new Set(committed.slice(0, NEWEST).filter((_, index) => scanned[index] === null));
  const backups = listed.filter((backup) => !gone.has(backup));
  const ids = new Set(committed.map(({ id }) => id));
  const tests = listing.tests().filter(({ id }) => ids.has(id));
  const ahead = tests.filter(({ time }) => isAhead(new Date(time), now));
  return {
    name: set.name,
    backups,
    newest,
    proven: await newestProven(set),
    tests: { ...(await newestTest(set)), fromFuture: [...new Set(ahead.map(({ id }) => id))] },
    chain: await readPrunes(set, brokenLinks({ newest, backups })),
    rows: await readRows(set.store, validBackups(newest, settings.demands), settings.decryption, run),
  };
}

async function newestTest(set: BackupSet): Promise<Omit<TestFacts, 'fromFuture'>> {
  const { test, passedOver } = await set.lastTest();
  const uncounted = passedOver.map(({ test: { id, file }, state }) => `${id}/${file}: ${whyNotCounted(state)}.`);
  return { newest: test, uncounted };
}

async function newestProven(set: BackupSet): Promise<ScannedBackup | null> {
  const proven = await set.latestProven();
  return proven === null ? null : set.scan(proven);
}

/** Rows of the newest backup's tables and of those of the one before it, out of their inventories. */
async function readRows(
  store: Store,
  backups: ScannedBackup[],
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

/** Who could encrypt an inventory could write anything into it: what is not a count is not used. */
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
