/** Which files the database names: each must be in the backup's file tree. */
export interface FileReference {
  /** Of the tree. */
  label: string;
  /** One query. The first column of each row is a path in the tree; where it is null or empty, no file is named. */
  sql: string;
}
