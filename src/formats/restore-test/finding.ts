/** One thing that a restore test found wrong, or could not look at because of the scratch server. */
export interface Finding {
  /** `could-not-verify`: the scratch server cannot hold or show it; that says nothing of the backup. */
  severity: 'failed' | 'could-not-verify';
  /** What kind of thing: `part`, `table`, `sequence`, `function`, `role`, ... */
  kind: string;
  /** Which one: its name or identity, as the server says it. */
  object: string;
  /** What was expected and what is there. */
  message: string;
}
