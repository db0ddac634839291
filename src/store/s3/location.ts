import { LifeboatError } from '../../errors.ts';
import { quote } from '../../text.ts';
import { hasOddSegment, hideQuery } from '../url-text.ts';

/** A folder of a bucket. */
export interface S3Location {
  kind: 's3';
  url: string;
  bucket: string;
  /** Without slashes at its ends; may be empty. */
  prefix: string;
}

/** `s3://bucket/prefix`: `rest` is what follows the scheme. */
export function parseS3Url(line: string, rest: string): S3Location {
  if (!rest.startsWith('//'))
    throw new LifeboatError(`${quote(hideQuery(line))} lacks slashes. Write s3://bucket/prefix.`);
  if (/[?#]/.test(rest)) {
    throw new LifeboatError(
      `${quote(hideQuery(line))} is followed by ? or #. Write s3://bucket/prefix alone; the server is named by s3-endpoint and the region by AWS_REGION.`,
    );
  }
  const [bucket = '', ...folders] = rest.slice(2).replace(/\/$/, '').split('/');
  if (!isBucketName(bucket)) {
    throw new LifeboatError(
      `${quote(bucket)} in ${quote(hideQuery(line))} is not a bucket's name. Write s3://bucket/prefix, the bucket with 3 to 63 small letters, digits, hyphens and dots.`,
    );
  }
  const prefix = folders.join('/');
  if (folders.length > 0 && hasOddSegment(prefix)) {
    throw new LifeboatError(
      `${quote(line)} has an empty part, "." or ".." in its prefix. Write s3://${bucket}/prefix.`,
    );
  }
  // A key has at most 1,024 bytes (S3, "Naming objects"), of which ours need up to 300.
  if (Buffer.byteLength(prefix) > 700)
    throw new LifeboatError(`${quote(line)} has a prefix of more than 700 bytes. Write a shorter one.`);
  return { kind: 's3', url: prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`, bucket, prefix };
}

export function placeOfS3({ bucket, prefix }: S3Location): string {
  return prefix === '' ? `s3:${bucket}/` : `s3:${bucket}/${prefix}/`;
}

/** S3 User Guide, "General purpose bucket naming rules". */
function isBucketName(bucket: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) && !bucket.includes('..') && !/^\d+\.\d+\.\d+\.\d+$/.test(bucket)
  );
}
