import { Readable } from 'node:stream';
import {
  type _Object,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListMultipartUploadsCommand,
  type MultipartUpload,
} from '@aws-sdk/client-s3';
import { explainReadErrors } from '../bytes.ts';
import { type Lock, type Store, type StoreContext, type StoredObject, StoreError, type Upload } from '../store.ts';
import { Bucket, hasObjectLock, listObjects, openBucket, requireBucket } from './bucket.ts';
import { createConnection } from './client.ts';
import { S3Error } from './errors.ts';
import { DEFAULT_OPTIONS, type S3Options } from './options.ts';
import type { S3Settings } from './settings.ts';
import { BufferPool } from './upload/buffers.ts';
import { abortUpload, type ObjectHeaders } from './upload/multipart.ts';
import { S3Upload } from './upload/upload.ts';
import { lockHeaders } from './upload/verify.ts';

/** Makes the store; nothing is sent. */
export function createS3Store(
  location: { bucket: string; prefix: string; url: string },
  settings: S3Settings,
  context: StoreContext,
  options: Partial<S3Options>,
): Store {
  const all = { ...DEFAULT_OPTIONS, ...options };
  const bucket = new Bucket(location.bucket, createConnection(settings.endpoint, all), context, all);
  return new S3Store(location.url, location.prefix, bucket, settings);
}

/** What is left can be removed later too: a server that is gone must not hold up the end of a run. */
const REMOVE_ATTEMPTS = 4;

/** A folder of a bucket, or a whole one, as a store. */
class S3Store implements Store {
  readonly url: string;
  readonly #bucket: Bucket;
  /** What every key of ours begins with in the bucket: empty, or ends in `/`. */
  readonly #root: string;
  readonly #settings: S3Settings;
  readonly #pool: BufferPool;
  /** Asked once: most buckets have no object lock, and then no object needs to be looked at. */
  #mayHaveLocks: Promise<boolean> | null = null;
  #hasToldOfVersions = false;

  constructor(url: string, prefix: string, bucket: Bucket, settings: S3Settings) {
    this.url = url;
    this.#bucket = bucket;
    this.#root = prefix === '' ? '' : `${prefix}/`;
    this.#settings = settings;
    this.#pool = new BufferPool(bucket.options.partSize);
  }

  open(): Promise<void> {
    return openBucket(this.#bucket, this.#root, this.#settings);
  }

  openToRead(): Promise<void> {
    return requireBucket(this.#bucket, this.#root);
  }

  async folders(prefix: string): Promise<string[]> {
    const names: string[] = [];
    for await (const page of this.#pages(prefix, '/')) {
      for (const { Prefix } of page.CommonPrefixes ?? []) {
        if (Prefix !== undefined) names.push(Prefix.slice(this.#root.length + prefix.length, -1));
      }
    }
    return names.sort((a, b) => (a < b ? -1 : 1));
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    for await (const page of this.#pages(prefix)) {
      for (const { key, ...object } of [...page.objects, ...readBySdk(page.Contents)]) {
        // Consoles make empty objects whose names end in a slash, to show folders.
        if (!key.endsWith('/')) yield { key: key.slice(this.#root.length), ...object };
      }
    }
  }

  async read(key: string, range?: { start: number; end: number }): Promise<Readable> {
    if (range !== undefined && range.end <= range.start) return Readable.from([]);
    const command = new GetObjectCommand({
      Bucket: this.#bucket.name,
      Key: this.#root + key,
      ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
    });
    const answer = await this.#bucket.call('GetObject', this.#root + key, (client, http) => client.send(command, http));
    const body = answer.Body as Readable;
    if (range !== undefined && answer.ContentRange === undefined) {
      body.destroy();
      throw new StoreError(
        'failed',
        `The S3 server sent the whole of ${JSON.stringify(this.#root + key)} where a range of it was asked for.`,
      );
    }
    return explainReadErrors(body, (error) => this.#bucket.explain(error, 'GetObject', this.#root + key));
  }

  async create(key: string): Promise<Upload> {
    return new S3Upload(this.#bucket, this.#root + key, this.#headers(key), this.#pool);
  }

  async size(key: string): Promise<number> {
    const head = await this.#head(key);
    if (head.ContentLength === undefined) {
      throw new StoreError('failed', `The S3 server reports no size of ${JSON.stringify(this.#root + key)}.`);
    }
    return head.ContentLength;
  }

  async freeSpace(): Promise<null> {
    return null;
  }

  async remove(key: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#bucket.name, Key: this.#root + key });
    const { context, options } = this.#bucket;
    // A run that was cancelled takes back what it has stored.
    const signal = context.signal.aborted ? AbortSignal.timeout(options.abortTimeout) : context.signal;
    try {
      const { DeleteMarker } = await this.#bucket.call(
        'DeleteObject',
        this.#root + key,
        (client, http) => client.send(command, http),
        { signal, attempts: REMOVE_ATTEMPTS },
      );
      if (DeleteMarker) this.#tellOfVersions();
    } catch (error) {
      if (!(error instanceof S3Error) || error.code !== 'not-found') throw error;
    }
  }

  #tellOfVersions(): void {
    if (this.#hasToldOfVersions) return;
    this.#hasToldOfVersions = true;
    this.#bucket.context.info(
      `The bucket ${JSON.stringify(this.#bucket.name)} keeps versions: what is deleted is hidden, and billed until a ` +
        'lifecycle rule with NoncurrentVersionExpiration ends it.',
    );
  }

  #head(key: string): Promise<HeadObjectCommandOutput> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket.name, Key: this.#root + key });
    return this.#bucket.call('HeadObject', this.#root + key, (client, http) => client.send(command, http));
  }

  async sweep(prefix: string, before: Date): Promise<string[]> {
    const swept: string[] = [];
    for (const { Key, UploadId, Initiated } of await this.#visibleUploads(prefix)) {
      if (Key === undefined || UploadId === undefined || Initiated === undefined || Initiated >= before) continue;
      try {
        await abortUpload(this.#bucket, Key, UploadId, this.#bucket.context.signal);
        swept.push(Key.slice(this.#root.length));
      } catch (error) {
        if (!(error instanceof S3Error) || this.#bucket.context.signal.aborted) throw error;
        this.#bucket.context.info(`An unfinished upload was not ended: ${error.message}`);
      }
    }
    return swept;
  }

  async newestUpload(prefix: string): Promise<Date | null> {
    const begun = (await this.#openUploads(prefix)).map(({ Initiated }) => Initiated?.getTime() ?? Date.now());
    return begun.length === 0 ? null : new Date(Math.max(...begun));
  }

  async lockOf(key: string): Promise<Lock | null> {
    this.#mayHaveLocks ??= hasObjectLock(this.#bucket).then((known) => known !== false);
    if (!(await this.#mayHaveLocks)) return null;
    const head = await this.#head(key).catch((error: unknown) => {
      if (error instanceof S3Error && error.code === 'not-found') return null;
      throw error;
    });
    if (head?.ObjectLockLegalHoldStatus === 'ON') return 'legal-hold';
    const until = head?.ObjectLockRetainUntilDate;
    return until !== undefined && until > (this.clock() ?? new Date()) ? { until } : null;
  }

  clock(): Date | null {
    return this.#bucket.connection.clock();
  }

  close(): void {
    this.#bucket.connection.client.destroy();
  }

  #headers(key: string): ObjectHeaders {
    const { storageClass, sse, kmsKey, objectLock } = this.#settings;
    return {
      ContentType: key.endsWith('.json') ? 'application/json' : 'application/octet-stream',
      Metadata: { lifeboat: '1' },
      ...(storageClass === null ? {} : { StorageClass: storageClass as NonNullable<ObjectHeaders['StorageClass']> }),
      ...(sse === null ? {} : { ServerSideEncryption: sse as NonNullable<ObjectHeaders['ServerSideEncryption']> }),
      ...(kmsKey === null ? {} : { SSEKMSKeyId: kmsKey }),
      ...lockHeaders(objectLock, new Date()),
    };
  }

  /** The pages of a listing, 1,000 keys each. */
  async *#pages(prefix: string, delimiter?: string) {
    let token: string | undefined;
    do {
      const page = await listObjects(this.#bucket, {
        Prefix: this.#root + prefix,
        Delimiter: delimiter,
        ContinuationToken: token,
      });
      yield page;
      token = page.NextContinuationToken;
      if (page.IsTruncated && token === undefined) {
        throw new StoreError(
          'failed',
          'The S3 server ended a listing before its end: it says that there is more, not where.',
        );
      }
    } while (token !== undefined);
  }

  /** Open multipart uploads; none when these credentials may not see them, or the server cannot list them. */
  async #visibleUploads(prefix: string): Promise<MultipartUpload[]> {
    try {
      return await this.#openUploads(prefix);
    } catch (error) {
      const unsupported = error instanceof S3Error && [403, 404, 405, 501].includes(error.status ?? 0);
      if (!unsupported) throw error;
      this.#bucket.context.info(`Unfinished uploads of earlier runs were not looked for: ${error.message}`);
      return [];
    }
  }

  /** Open multipart uploads. */
  async #openUploads(prefix: string): Promise<MultipartUpload[]> {
    const uploads: MultipartUpload[] = [];
    let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | null = {};
    while (marker !== null) {
      const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
        Bucket: this.#bucket.name,
        Prefix: this.#root + prefix,
        ...marker,
      });
      const page = await this.#bucket.call('ListMultipartUploads', null, (client, http) => client.send(command, http));
      uploads.push(...(page.Uploads ?? []));
      marker = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : null;
    }
    return uploads;
  }
}

function readBySdk(contents: _Object[] = []): StoredObject[] {
  return contents.flatMap(({ Key, Size, LastModified, StorageClass }) => {
    if (Key === undefined || Size === undefined || LastModified === undefined) return [];
    const storageClass = StorageClass === undefined ? {} : { storageClass: StorageClass };
    return [{ key: Key, size: Size, modified: LastModified, ...storageClass }];
  });
}
