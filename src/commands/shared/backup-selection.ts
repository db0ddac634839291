import type { Pick } from '../../postgres/restore/load.ts';

/** The part of a backup that is restored. */
export interface BackupSelection {
  part: RestoredPart;
  /** What of it is not compared, or missing, in words. */
  notVerified: string[];
  /** Says which entries of an archive come back. */
  pick: Pick;
}

/** What of a backup a restore with `tables` or `schemas` brings. */
export interface RestoredPart {
  /** Names of the tables, views and sequences that were asked for, with the partitions of those. */
  relations: string[];
  /** Names of the sequences that belong to these or that they use. */
  sequences: string[];
  /** Names of the other tables and views that these need: their definitions come alone, without rows. */
  definitions: string[];
  /** Foreign keys of which not both tables were asked for. */
  foreignKeysLeftOut: string[];
  /** Functions, types and the like that need what was not asked for, as pg_restore lists them. */
  definitionsLeftOut: string[];
  /** How many, because nothing says to which table one belongs. */
  largeObjectsLeftOut: string;
}
