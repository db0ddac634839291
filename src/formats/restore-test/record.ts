import { LifeboatError, messageOf } from '../../errors.ts';
import { count, flag, list, literal, moment, nullable, object, parseChecked, sha256, text } from '../checked.ts';
import type { Finding } from './finding.ts';

export type Verdict = 'proven' | 'failed' | 'could-not-verify';

/**
 * What a restore test found, `restore-tests/<UTC time>-<tail>-<verdict>.json` beside the manifest. Format version 1.
 * Append-only: nothing writes over a record.
 */
export interface RestoreTestRecord {
  format: 1;
  /** Of the backup. */
  id: string;
  name: string;
  /** Of the manifest that was read, so that the record speaks of this backup and no other. */
  manifestSha256: string;
  verdict: Verdict;
  /** UTC, ISO 8601. */
  started: string;
  finished: string;
  /** A signature was required and found good. */
  signatureVerified: boolean;
  scratchServer: string | null;
  /** Milliseconds, in order. */
  stages: { name: string; milliseconds: number }[];
  findings: Finding[];
  verified: string[];
  notVerified: string[];
  lifeboat: string;
}

const checkRecord = object<RestoreTestRecord>({
  format: literal(1),
  id: text,
  name: text,
  manifestSha256: sha256,
  verdict: literal('proven', 'failed', 'could-not-verify'),
  started: moment,
  finished: moment,
  signatureVerified: flag,
  scratchServer: nullable(text),
  stages: list(object({ name: text, milliseconds: count })),
  findings: list(
    object<Finding>({
      severity: literal('failed', 'could-not-verify'),
      kind: text,
      object: text,
      message: text,
    }),
  ),
  verified: list(text),
  notVerified: list(text),
  lifeboat: text,
});

export function serializeRecord(record: RestoreTestRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
}

/** Throws a FormatError. */
export function readRecord(bytes: Uint8Array): RestoreTestRecord {
  return parseChecked(bytes, checkRecord);
}

/**
 * Reads a record that is to speak of a certain backup. Its name tells time and verdict, and names can be changed: inside
 * it must say the same, of the backup in whose folder it lies. Throws a LifeboatError that says what is wrong with it.
 */
export function readRecordOf(
  bytes: Uint8Array,
  expected: {
    set: string;
    id: string;
    /** Of the backup's manifest in this store; null: not known. */
    manifestSha256: string | null;
    /** What its name says. `time`: to the second. */
    verdict: Verdict;
    time: string;
  },
): RestoreTestRecord {
  const fail = (what: string): never => {
    throw new LifeboatError(`it is not the record of a restore test of this backup: ${what}`);
  };
  let record: RestoreTestRecord;
  try {
    record = readRecord(bytes);
  } catch (error) {
    return fail(messageOf(error));
  }
  if (record.id !== expected.id) return fail(`it names backup ${JSON.stringify(record.id)}`);
  if (record.name !== expected.set) return fail(`it names set ${JSON.stringify(record.name)}`);
  if (expected.manifestSha256 !== null && record.manifestSha256 !== expected.manifestSha256) {
    return fail('it names another manifest than the one that is there');
  }
  if (record.verdict !== expected.verdict) return fail(`it says ${record.verdict} inside`);
  const inSeconds = (time: string) => Math.floor(Date.parse(time) / 1000);
  if (inSeconds(record.started) !== inSeconds(expected.time)) return fail(`it says ${record.started} inside`);
  return record;
}

export const RECORD_FOLDER = 'restore-tests';

/** The record's file in the backup's folder; the names of a backup's records sort by time. */
export function recordFile(started: Date, tail: string, verdict: Verdict): string {
  return `${RECORD_FOLDER}/${started.toISOString().replace(/[-:]|\.\d+/g, '')}-${tail}-${verdict}.json`;
}

const RECORD = /^restore-tests\/(\d{8}T\d{6}Z)-[0-9a-f]{8}-(proven|failed|could-not-verify)\.json$/;

/** What a record's name says; null when the file is no record. */
export function parseRecordFile(file: string): { time: string; verdict: Verdict } | null {
  const match = RECORD.exec(file);
  return match ? { time: match[1] ?? '', verdict: match[2] as Verdict } : null;
}
