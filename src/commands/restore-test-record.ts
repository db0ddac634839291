import { createHash, randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { readManifest } from '../catalog/manifest.ts';
import { keyOf, MANIFEST_FILE } from '../catalog/names.ts';
import { type RestoreTestRecord, recordFile, serializeRecord } from '../catalog/record.ts';
import { messageOf } from '../errors.ts';
import type { RestoreTestSettings } from '../inputs/settings.ts';
import type { RestoreTestReport } from '../report/restore-test-report.ts';
import type { Store } from '../store/store.ts';
import type { ChosenBackup } from './choose-backup.ts';
import { putSigned } from './put-object.ts';
import { readObject } from './read-object.ts';
import type { Run } from './run.ts';

/** A record in full goes into a store that people list; this many findings tell enough. */
const MOST_FINDINGS = 100;

/**
 * Writes the record beside the manifest, signature first, in the store that was read and in every other one that has the
 * same parts. A store that does not take it is told: the test itself stands.
 */
export async function keepRecord(
  report: RestoreTestReport,
  chosen: ChosenBackup,
  stores: Store[],
  settings: RestoreTestSettings,
  run: Run,
): Promise<RestoreTestReport['records']> {
  const file = recordFile(new Date(report.started), randomBytes(4).toString('hex'), report.verdict);
  const kept: RestoreTestReport['records'] = [];
  for (const store of stores) {
    try {
      const manifestSha256 = store === chosen.store ? chosen.manifestSha256 : await sameBackup(store, chosen);
      if (manifestSha256 === null) continue;
      const bytes = serializeRecord(recordOf(report, manifestSha256, run.version));
      const key = keyOf(chosen.set, chosen.id, file);
      await putSigned(store, key, bytes, settings.signing);
      kept.push({ url: store.url, file: key, error: null });
    } catch (error) {
      run.signal.throwIfAborted();
      kept.push({ url: store.url, file: null, error: messageOf(error) });
      run.log.warning(`${store.url}: the record of this restore test was not kept: ${messageOf(error)}`);
    }
  }
  return kept;
}

/** The manifest's sha256 in a store that has the same parts as the one that was tested; else null. */
async function sameBackup(store: Store, { id, set, manifest }: ChosenBackup): Promise<string | null> {
  const key = keyOf(set, id, MANIFEST_FILE);
  try {
    const bytes = await readObject(store, key);
    if (bytes === null) return null;
    const [theirs, tested] = [bytes, manifest].map((text) => readManifest(text, key, { set, id }).parts);
    return isDeepStrictEqual(theirs, tested) ? createHash('sha256').update(bytes).digest('hex') : null;
  } catch {
    return null; // It is not there, or no such backup: nothing was tested of it.
  }
}

function recordOf(report: RestoreTestReport, manifestSha256: string, lifeboat: string): RestoreTestRecord {
  const { id, name, verdict, started, finished, signatureVerified, scratchServer, stages } = report;
  const { findings, verified, notVerified } = report;
  return {
    format: 1,
    id,
    name,
    manifestSha256,
    verdict,
    started,
    finished,
    signatureVerified,
    scratchServer,
    stages,
    findings: findings.slice(0, MOST_FINDINGS),
    verified,
    notVerified: notVerified.slice(0, MOST_FINDINGS),
    lifeboat,
  };
}
