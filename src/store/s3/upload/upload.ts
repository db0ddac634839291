import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { messageOf } from '../../../errors.ts';
import { type Committed, StoreError, type Upload } from '../../store.ts';
import type { Bucket } from '../bucket.ts';
import type { BufferPool } from './buffers.ts';
import { Multipart, md5, type ObjectHeaders } from './multipart.ts';
import { verifyStored } from './verify.ts';

/**
 * One object being written. Bytes are gathered into parts of a constant size, each sent from its own buffer, so that it
 * can be sent again. An object that fits into one part is a single PutObject. What is there afterwards is asked of the
 * server, not believed.
 */
export class S3Upload implements Upload {
  readonly #bucket: Bucket;
  readonly #key: string;
  readonly #headers: ObjectHeaders;
  readonly #pool: BufferPool;
  /** Ends the requests of this upload. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  /** The part being filled. It is sent when a byte comes that it does not hold, or by `commit()`. */
  #buffer: Buffer | null = null;
  #filled = 0;
  #size = 0;
  #parts = 0;
  #multipart: Promise<Multipart> | null = null;
  readonly #underWay = new Set<Promise<void>>();
  /** The first failure of a part: parts fail between the calls. */
  #failure: unknown = null;
  /** `published`: the request that makes the object was sent, so it may be there under its key. */
  #state: 'writing' | 'published' | 'committed' = 'writing';
  #aborting: Promise<void> | null = null;

  constructor(bucket: Bucket, key: string, headers: ObjectHeaders, pool: BufferPool) {
    this.#bucket = bucket;
    this.#key = key;
    this.#headers = headers;
    this.#pool = pool;
    this.#signal = AbortSignal.any([bucket.context.signal, this.#stop.signal]);
  }

  async write(chunk: Uint8Array): Promise<void> {
    const { partSize } = this.#bucket.options;
    for (let taken = 0; taken < chunk.length; ) {
      this.#check();
      if (this.#filled === partSize) await this.#sendPart();
      this.#buffer ??= this.#pool.take();
      const piece = chunk.subarray(taken, taken + partSize - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      taken += piece.length;
    }
    this.#size += chunk.length;
  }

  async commit(): Promise<Committed> {
    try {
      this.#check();
      await (this.#multipart === null ? this.#put() : this.#complete(this.#multipart));
      const committed = await verifyStored({
        bucket: this.#bucket,
        key: this.#key,
        size: this.#size,
        headers: this.#headers,
        signal: this.#signal,
      });
      this.#check();
      this.#state = 'committed';
      this.#releaseBuffer();
      return committed;
    } catch (error) {
      await this.abort();
      throw error;
    }
  }

  abort(): Promise<void> {
    this.#aborting ??= this.#abort();
    return this.#aborting;
  }

  /** Throws what has ended this upload. */
  #check(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#signal.aborted) {
      throw new StoreError('failed', `The upload of ${JSON.stringify(this.#key)} to S3 was cancelled.`);
    }
  }

  /** Hands the filled buffer over to a request, once fewer than the limit are under way. */
  async #sendPart(): Promise<void> {
    const { maxParts, partSize, partsUnderWay } = this.#bucket.options;
    if (this.#parts === maxParts) {
      throw new StoreError(
        'failed',
        `${JSON.stringify(this.#key)} is longer than the ${maxParts} parts of ${partSize} bytes that an S3 object may ` +
          'have here: it must be stored as smaller volumes.',
      );
    }
    this.#multipart ??= Multipart.begin(this.#bucket, this.#key, this.#headers, this.#signal);
    const multipart = await this.#multipart;
    while (this.#underWay.size >= partsUnderWay) await Promise.race(this.#underWay);
    this.#check();
    const buffer = this.#buffer;
    if (buffer === null) return;
    const body = buffer.subarray(0, this.#filled);
    this.#buffer = null;
    this.#filled = 0;
    const sending = multipart
      .send(++this.#parts, body, this.#signal)
      .catch((error: unknown) => {
        this.#failure ??= error;
        this.#stop.abort(); // The other parts are of no use any more.
      })
      .finally(() => {
        this.#pool.give(buffer);
        this.#underWay.delete(sending);
      });
    this.#underWay.add(sending);
  }

  async #complete(begun: Promise<Multipart>): Promise<void> {
    await this.#sendPart();
    await Promise.all(this.#underWay);
    this.#check();
    const multipart = await begun;
    this.#state = 'published';
    await multipart.complete(this.#size, this.#signal);
  }

  async #put(): Promise<void> {
    const body = this.#buffer?.subarray(0, this.#filled) ?? Buffer.alloc(0);
    const command = new PutObjectCommand({
      Bucket: this.#bucket.name,
      Key: this.#key,
      Body: body,
      ContentLength: body.length,
      ContentMD5: md5(body),
      ...this.#headers,
    });
    this.#state = 'published';
    await this.#bucket.call('PutObject', this.#key, (client, http) => client.send(command, http), {
      signal: this.#signal,
    });
  }

  async #abort(): Promise<void> {
    if (this.#state === 'committed') return;
    this.#stop.abort();
    const deadline = AbortSignal.timeout(this.#bucket.options.abortTimeout);
    await Promise.race([this.#cleanUp(deadline), sleep(this.#bucket.options.abortTimeout, undefined, { ref: false })]);
    this.#releaseBuffer();
  }

  /** Its own failures are lines in the log: they must not hide why there was something to clean up. */
  async #cleanUp(deadline: AbortSignal): Promise<void> {
    await Promise.all(this.#underWay);
    const multipart = await this.#multipart?.catch(() => null);
    await multipart?.abort(deadline).catch((error: unknown) => {
      this.#bucket.context.info(
        `A multipart upload is left open on the server; the next run ends it, or a lifecycle rule. ${messageOf(error)}`,
      );
    });
    if (this.#state === 'published') await this.#remove(deadline);
  }

  async #remove(deadline: AbortSignal): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#bucket.name, Key: this.#key });
    try {
      await this.#bucket.call('DeleteObject', this.#key, (client, http) => client.send(command, http), {
        signal: deadline,
      });
    } catch (error) {
      this.#bucket.context.info(`The object of the failed upload may be left on the server. ${messageOf(error)}`);
    }
  }

  #releaseBuffer(): void {
    if (this.#buffer !== null) this.#pool.give(this.#buffer);
    this.#buffer = null;
  }
}
