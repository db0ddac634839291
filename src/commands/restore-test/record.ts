import { randomBytes } from 'node:crypto';
import { messageOf } from '../../errors.ts';
import { type RestoreTestRecord, recordFile, serializeRecord } from '../../formats/restore-test/record.ts';
import type { ChosenBackup } from '../../repository/find-backup.ts';
import { putSigned } from '../../repository/put-object.ts';
import type { Run } from '../shared/run.ts';
import type { RestoreTestSettings } from './inputs.ts';
import type { RestoreTestReport } from './report.ts';

/** A record in full goes into a store that people list; this many findings tell enough. */
const MOST_FINDINGS = 100;

/**
 * Writes the record beside the manifest, signature first, in the store that was read, and in no other: what lies there was
 * not read. A store that does not take it is a warning: the test itself stands.
 */
export async function keepRecord(
  report: Omit<RestoreTestReport, 'records'>,
  { store, backups, id, manifestSha256 }: ChosenBackup,
  settings: RestoreTestSettings,
  run: Run,
): Promise<RestoreTestReport['records']> {
  const key = backups.keyOf(id, recordFile(new Date(report.started), randomBytes(4).toString('hex'), report.verdict));
  try {
    const bytes = serializeRecord(recordOf(report, manifestSha256, run.version));
    await putSigned(store, key, bytes, settings.signing);
    return [{ url: store.url, file: key, error: null }];
  } catch (error) {
    run.signal.throwIfAborted();
    run.log.warning(`${store.url}: the record of this restore test was not kept: ${messageOf(error)}`);
    return [{ url: store.url, file: null, error: messageOf(error) }];
  }
}

function recordOf(
  report: Omit<RestoreTestReport, 'records'>,
  manifestSha256: string,
  lifeboat: string,
): RestoreTestRecord {
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
