import { LifeboatError } from '../../errors.ts';
import type { S3Settings } from '../../store/s3/settings.ts';
import { quote } from '../../text.ts';
import type { InputLog } from '../schema.ts';
import { parseDuration } from '../values/duration.ts';

/** The URL of an S3-compatible server, without a slash at its end. */
export function parseEndpoint(text: string): string {
  const fix = "Write the server's address with http:// or https://, such as https://minio.example.com:9000.";
  if (/^[a-z+.-]*:?\/\/[^?#]*@/i.test(text)) {
    throw new LifeboatError(
      `the URL carries a user or a password (not shown). Keys belong in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. ${fix}`,
    );
  }
  if (!/^https?:\/\/[^/]/i.test(text) || !URL.canParse(text)) {
    throw new LifeboatError(`${quote(shownUrl(text))} is not an address of a server. ${fix}`);
  }
  if (/[?#]/.test(text)) {
    throw new LifeboatError(`${quote(shownUrl(text))} is followed by ? or #, which an endpoint does not have. ${fix}`);
  }
  return text.replace(/\/+$/, '');
}

/** A query can hold keys. */
function shownUrl(text: string): string {
  return text.replace(/[?#].*/s, '');
}

/** `governance:30d`; the duration in milliseconds. */
export function parseObjectLock(text: string): NonNullable<S3Settings['objectLock']> {
  const [, mode, duration] = /^(governance|compliance):(.*)$/s.exec(text) ?? [];
  if (mode !== 'governance' && mode !== 'compliance') {
    throw new LifeboatError(
      `${quote(text)} is not an object lock. Write governance or compliance, a colon and a duration, such as governance:30d.`,
    );
  }
  const milliseconds = parseDuration(duration ?? '');
  if (milliseconds === 0) {
    throw new LifeboatError(
      `${quote(text)} locks for no time at all. Write a duration such as governance:30d, or leave the input out.`,
    );
  }
  return { mode, duration: milliseconds };
}

/** Classes whose objects must be thawed for hours before they can be read (S3, "Restoring an archived object"). */
const ARCHIVE_CLASSES = ['GLACIER', 'DEEP_ARCHIVE'];

/** A word of the provider's own, such as STANDARD_IA; the server knows which there are. */
export function parseStorageClass(text: string, log: InputLog): string {
  if (!/^[A-Z][A-Z0-9_-]*$/.test(text)) {
    throw new LifeboatError(`${quote(text)} is not a storage class. Write it in capitals, such as STANDARD_IA.`);
  }
  if (ARCHIVE_CLASSES.includes(text)) {
    log.warning(
      `s3-storage-class: objects of ${text} must be restored from the archive for hours before a restore or its test can read them.`,
    );
  }
  return text;
}

/** The id, ARN or alias of a key. */
export function parseKmsKey(text: string): string {
  if (/^[A-Za-z0-9:/_.+=@-]+$/.test(text)) return text;
  throw new LifeboatError(`${quote(text)} is not a KMS key. Write its id, its ARN or alias/<name>.`);
}

/** What only writers are told is left to the bucket. */
export function s3ForReading(endpoint: string | null): S3Settings {
  return { endpoint, storageClass: null, objectLock: null, sse: null, kmsKey: null, createBucket: false };
}
