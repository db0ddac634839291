import type { Finding } from '../formats/restore-test/finding.ts';

/** What of a restore is due to where it was made, and says nothing of the backup. */
export interface Circumstances {
  /** Extensions of the source that the scratch server does not have. */
  lacking: string[];
  /** With these options of pg_dump the backup leaves something out on purpose; null: it is whole. */
  partial: string[] | null;
  /** Definitions were left out that need a table that was not asked for: functions, types and the like. */
  leftOut: boolean;
  /** Tables of extensions whose rows come from elsewhere, as the user says. */
  acceptedMissingRows: AcceptedMissingRows[];
  /** Roles that were not made by the restore. */
  existingRoles: string[];
}

/** Tables of extensions whose rows a dump cannot hold, and that are not expected after a restore. */
export interface AcceptedMissingRows {
  /** Where the rows come from, in the user's words. */
  reason: string;
  matches(table: { schema: string; name: string }): boolean;
}

/** What one kind of thing gave. */
export interface Compared {
  findings: Finding[];
  /** In words: `12 tables: exact row counts`. */
  verified: string[];
  notVerified: string[];
}

export function emptyComparison(): Compared {
  return { findings: [], verified: [], notVerified: [] };
}

/** Something of the source is not in the restored database. */
export function missingFinding(kind: string, object: string, { lacking }: Circumstances): Finding {
  if (lacking.length === 0) return { severity: 'failed', kind, object, message: 'It is missing after the restore.' };
  return {
    severity: 'could-not-verify',
    kind,
    object,
    message: `It is missing after the restore, which lacked the extension ${lacking.join(', ')}.`,
  };
}
