/** What the inputs say of every s3: store. */
export interface S3Settings {
  /** URL of an S3-compatible server; null: AWS, or what the AWS SDK's environment names. */
  endpoint: string | null;
  storageClass: string | null;
  objectLock: { mode: 'governance' | 'compliance'; duration: number } | null;
  /** `AES256` or `aws:kms`. */
  sse: string | null;
  kmsKey: string | null;
  createBucket: boolean;
}
