import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  HeadObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { StoreError } from '../../store.ts';
import type { Bucket } from '../bucket.ts';
import { S3Error } from '../errors.ts';

/** What an object is stored with: its class, lock, encryption, metadata. The same for both ways of writing it. */
export type ObjectHeaders = Omit<CreateMultipartUploadCommandInput, 'Bucket' | 'Key'>;

/** A multipart upload that has begun: the server knows it, and keeps its parts until it is completed or aborted. */
export class Multipart {
  readonly #bucket: Bucket;
  readonly #key: string;
  readonly #uploadId: string;
  readonly #forget: () => void;
  readonly #parts: CompletedPart[] = [];

  private constructor(bucket: Bucket, key: string, uploadId: string) {
    this.#bucket = bucket;
    this.#key = key;
    this.#uploadId = uploadId;
    const { endpoint } = bucket.connection;
    this.#forget = bucket.context.track({ kind: 's3-upload', bucket: bucket.name, key, uploadId, endpoint });
  }

  /**
   * Begins an upload. The signal ends the repetition, not a request under way: the server might have begun an upload
   * whose id we would never learn.
   */
  static async begin(bucket: Bucket, key: string, headers: ObjectHeaders, signal: AbortSignal): Promise<Multipart> {
    const command = new CreateMultipartUploadCommand({
      Bucket: bucket.name,
      Key: key,
      ...headers,
      // On AWS the SDK sends a CRC32 with every part; the upload must have been begun with the same algorithm.
      ...(bucket.connection.endpoint === null ? { ChecksumAlgorithm: 'CRC32' } : {}),
    });
    const { UploadId } = await bucket.call('CreateMultipartUpload', key, (client) => client.send(command), {
      signal,
    });
    if (UploadId === undefined) {
      throw new StoreError('failed', `S3 began a multipart upload of ${JSON.stringify(key)} and did not name it.`);
    }
    return new Multipart(bucket, key, UploadId);
  }

  /** Sends one part, again while a failure may pass: `body` must not change until then. Parts count from 1. */
  async send(part: number, body: Buffer, signal: AbortSignal): Promise<void> {
    const command = new UploadPartCommand({
      Bucket: this.#bucket.name,
      Key: this.#key,
      UploadId: this.#uploadId,
      PartNumber: part,
      Body: body,
      ContentLength: body.length,
      ContentMD5: md5(body),
    });
    const { ETag, ChecksumCRC32 } = await this.#bucket.call(
      'UploadPart',
      this.#key,
      (client, http) => client.send(command, http),
      { signal, part },
    );
    this.#parts.push({ PartNumber: part, ETag, ChecksumCRC32 });
  }

  /**
   * Makes the parts the object, of `size` bytes. When an answer was lost, the object itself tells whether it is there:
   * a server that has completed an upload may answer NoSuchUpload to the second request.
   */
  async complete(size: number, signal: AbortSignal): Promise<void> {
    const command = new CompleteMultipartUploadCommand({
      Bucket: this.#bucket.name,
      Key: this.#key,
      UploadId: this.#uploadId,
      MultipartUpload: { Parts: this.#parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0)) },
    });
    let sent = 0;
    try {
      await this.#bucket.call(
        'CompleteMultipartUpload',
        this.#key,
        (client, http) => {
          sent++;
          return client.send(command, http);
        },
        { signal },
      );
    } catch (error) {
      const unknown = error instanceof S3Error && (error.transient || (error.reason === 'NoSuchUpload' && sent > 1));
      if (!unknown || (await this.#storedSize(signal)) !== size) throw error;
    }
    this.#forget();
  }

  /** Ends the upload on the server, which then drops its parts. */
  async abort(signal: AbortSignal): Promise<void> {
    await abortUpload(this.#bucket, this.#key, this.#uploadId, signal);
    this.#forget();
  }

  /** The object's size; null when there is none, or when that cannot be found out. */
  async #storedSize(signal: AbortSignal): Promise<number | null> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket.name, Key: this.#key });
    try {
      const head = await this.#bucket.call('HeadObject', this.#key, (client, http) => client.send(command, http), {
        signal,
      });
      return head.ContentLength ?? null;
    } catch {
      return null; // The caller throws the first error, which says more.
    }
  }
}

/** Aborts a multipart upload; one that no longer exists is not an error. */
export async function abortUpload(bucket: Bucket, key: string, uploadId: string, signal: AbortSignal): Promise<void> {
  const command = new AbortMultipartUploadCommand({ Bucket: bucket.name, Key: key, UploadId: uploadId });
  try {
    await bucket.call('AbortMultipartUpload', key, (client, http) => client.send(command, http), { signal });
  } catch (error) {
    if (!(error instanceof S3Error) || error.status !== 404) throw error;
  }
}

/** Content-MD5: what every S3 server checks, where many ignore x-amz-checksum headers. */
export function md5(body: Buffer): string {
  return createHash('md5').update(body).digest('base64');
}
