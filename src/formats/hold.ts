/** Why a backup stays whatever the retention rules say, `hold.json` beside its manifest. Format version 1. */
export interface Hold {
  format: 1;
  /** Of the backup. */
  id: string;
  name: string;
  /** UTC, ISO 8601. */
  since: string;
  /** Who held it, and in which run of a workflow; null when that is not known. */
  by: string | null;
  lifeboat: string;
}

export function serializeHold(hold: Hold): Buffer {
  return Buffer.from(`${JSON.stringify(hold, null, 2)}\n`);
}
