export const id = 523;
export const ids = [523];
export const modules = {

/***/ 8523:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createS3Store: () => (/* binding */ createS3Store)
});

// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
// EXTERNAL MODULE: ./node_modules/@aws-sdk/client-s3/dist-cjs/index.js
var dist_cjs = __webpack_require__(3711);
// EXTERNAL MODULE: ./src/store/bytes.ts
var bytes = __webpack_require__(2046);
// EXTERNAL MODULE: ./src/store/store.ts
var store = __webpack_require__(1644);
// EXTERNAL MODULE: ./src/store/s3/bucket.ts + 2 modules
var s3_bucket = __webpack_require__(2731);
// EXTERNAL MODULE: ./src/store/s3/client.ts + 2 modules
var client = __webpack_require__(7106);
// EXTERNAL MODULE: ./src/store/s3/errors.ts
var errors = __webpack_require__(4829);
// EXTERNAL MODULE: ./src/store/s3/options.ts
var s3_options = __webpack_require__(4938);
;// CONCATENATED MODULE: ./src/store/s3/upload/buffers.ts
/** Buffers of one size, used again and again: the memory of an upload does not depend on its length. */
class BufferPool {
    #size;
    #free = [];
    constructor(size) {
        this.#size = size;
    }
    /** A buffer with any content. */
    take() {
        return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
    }
    give(buffer) {
        this.#free.push(buffer);
    }
}

// EXTERNAL MODULE: ./src/store/s3/upload/multipart.ts
var upload_multipart = __webpack_require__(1444);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./src/errors.ts
var src_errors = __webpack_require__(3916);
;// CONCATENATED MODULE: ./src/store/s3/upload/verify.ts




/** Asks the server what it has stored, and requires the size and the lock that were asked for. */
async function verifyStored(written) {
    const { bucket, key, size } = written;
    const lock = lockOf(written.headers);
    const head = await headOf(written);
    if (head === null) {
        if (lock !== null) {
            bucket.context.info(`The object lock of ${JSON.stringify(key)} was not read back: these credentials may not read it.`);
        }
        return { size, uploaded: 'acknowledged' };
    }
    requireSize(written, head);
    if (lock === null)
        return { size, uploaded: 'read-back' };
    return { size, uploaded: 'read-back', lockedUntil: endOfLock(head, lock) ?? (await lockAfterwards(written, lock)) };
}
/** The headers that ask for the lock. The end is in whole seconds, as some servers keep no others. */
function lockHeaders(lock, now) {
    if (lock === null)
        return {};
    return {
        ObjectLockMode: lock.mode.toUpperCase(),
        ObjectLockRetainUntilDate: new Date(Math.ceil((now.getTime() + lock.duration) / 1000) * 1000),
    };
}
function lockOf({ ObjectLockMode: mode, ObjectLockRetainUntilDate: until }) {
    return mode === undefined || until === undefined ? null : { mode, until };
}
/** What the server reports of the object; null when these credentials may write it, not read it. */
async function headOf({ bucket, key, signal }) {
    const command = new dist_cjs/* HeadObjectCommand */.l81({ Bucket: bucket.name, Key: key });
    try {
        return await bucket.call('HeadObject', key, (client, http) => client.send(command, http), {
            signal,
            retryIf: (error) => error.status === 404, // Some servers show a new object only after a moment.
        });
    }
    catch (error) {
        if (error instanceof errors/* S3Error */.Dg && error.status === 403)
            return null;
        throw error;
    }
}
function requireSize({ key, size }, head) {
    if (head.ContentLength === size)
        return;
    throw new store/* StoreError */.A('failed', `${size} bytes of ${JSON.stringify(key)} were written to S3, but the server reports ${head.ContentLength ?? 'no size'}: ` +
        'what it stores is not what it is sent. Use another server or endpoint.');
}
/** The end of the lock that the server reports; null when it does not report the one that was asked for. */
function endOfLock(head, lock) {
    const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until } = head;
    return mode === lock.mode && until !== undefined && until >= lock.until ? until : null;
}
/**
 * Ceph 16 heeds the headers of PutObject, not those of CreateMultipartUpload; Swift answers 200 to both and heeds none.
 * So what is not locked is locked by a request of its own, and what is not locked then is an error: that may not even
 * be the object any more, as Swift takes the request for a PutObject.
 */
async function lockAfterwards(written, { mode, until }) {
    const { bucket, key, signal } = written;
    const command = new dist_cjs/* PutObjectRetentionCommand */.EwB({
        Bucket: bucket.name,
        Key: key,
        Retention: { Mode: mode, RetainUntilDate: until },
    });
    const refusal = await bucket
        .call('PutObjectRetention', key, (client, http) => client.send(command, http), { signal })
        .then(() => '', (error) => ` Asked once more, it said: ${(0,src_errors/* messageOf */.bD)(error)}`);
    const head = await headOf(written);
    const end = head === null ? null : endOfLock(head, { mode, until });
    if (end !== null)
        return end;
    throw new store/* StoreError */.A('failed', `${JSON.stringify(key)} was written to S3 with object lock ${mode} until ${until.toISOString()}, but the server ` +
        'reports no such lock: it ignores object lock, or these credentials lack s3:GetObjectRetention. ' +
        `Correct that, or remove s3-object-lock.${refusal}`);
}

;// CONCATENATED MODULE: ./src/store/s3/upload/upload.ts






/**
 * One object being written. Bytes are gathered into parts of a constant size, each sent from its own buffer, so that it
 * can be sent again. An object that fits into one part is a single PutObject. What is there afterwards is asked of the
 * server, not believed.
 */
class S3Upload {
    #bucket;
    #key;
    #headers;
    #pool;
    /** Ends the requests of this upload. */
    #stop = new AbortController();
    #signal;
    /** The part being filled. It is sent when a byte comes that it does not hold, or by `commit()`. */
    #buffer = null;
    #filled = 0;
    #size = 0;
    #parts = 0;
    #multipart = null;
    #underWay = new Set();
    /** The first failure of a part: parts fail between the calls. */
    #failure = null;
    /** `published`: the request that makes the object was sent, so it may be there under its key. */
    #state = 'writing';
    #aborting = null;
    constructor(bucket, key, headers, pool) {
        this.#bucket = bucket;
        this.#key = key;
        this.#headers = headers;
        this.#pool = pool;
        this.#signal = AbortSignal.any([bucket.context.signal, this.#stop.signal]);
    }
    async write(chunk) {
        const { partSize } = this.#bucket.options;
        for (let taken = 0; taken < chunk.length;) {
            this.#check();
            if (this.#filled === partSize)
                await this.#sendPart();
            this.#buffer ??= this.#pool.take();
            const piece = chunk.subarray(taken, taken + partSize - this.#filled);
            this.#buffer.set(piece, this.#filled);
            this.#filled += piece.length;
            taken += piece.length;
        }
        this.#size += chunk.length;
    }
    async commit() {
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
        }
        catch (error) {
            await this.abort();
            throw error;
        }
    }
    abort() {
        this.#aborting ??= this.#abort();
        return this.#aborting;
    }
    /** Throws what has ended this upload. */
    #check() {
        if (this.#failure !== null)
            throw this.#failure;
        if (this.#signal.aborted) {
            throw new store/* StoreError */.A('failed', `The upload of ${JSON.stringify(this.#key)} to S3 was cancelled.`);
        }
    }
    /** Hands the filled buffer over to a request, once fewer than the limit are under way. */
    async #sendPart() {
        const { maxParts, partSize, partsUnderWay } = this.#bucket.options;
        if (this.#parts === maxParts) {
            throw new store/* StoreError */.A('failed', `${JSON.stringify(this.#key)} is longer than the ${maxParts} parts of ${partSize} bytes that an S3 object may ` +
                'have here: it must be stored as smaller volumes.');
        }
        this.#multipart ??= upload_multipart/* Multipart */.Fh.begin(this.#bucket, this.#key, this.#headers, this.#signal);
        const multipart = await this.#multipart;
        while (this.#underWay.size >= partsUnderWay)
            await Promise.race(this.#underWay);
        this.#check();
        const buffer = this.#buffer;
        if (buffer === null)
            return;
        const body = buffer.subarray(0, this.#filled);
        this.#buffer = null;
        this.#filled = 0;
        const sending = multipart
            .send(++this.#parts, body, this.#signal)
            .catch((error) => {
            this.#failure ??= error;
            this.#stop.abort(); // The other parts are of no use any more.
        })
            .finally(() => {
            this.#pool.give(buffer);
            this.#underWay.delete(sending);
        });
        this.#underWay.add(sending);
    }
    async #complete(begun) {
        await this.#sendPart();
        await Promise.all(this.#underWay);
        this.#check();
        const multipart = await begun;
        this.#state = 'published';
        await multipart.complete(this.#size, this.#signal);
    }
    async #put() {
        const body = this.#buffer?.subarray(0, this.#filled) ?? Buffer.alloc(0);
        const command = new dist_cjs/* PutObjectCommand */.wKZ({
            Bucket: this.#bucket.name,
            Key: this.#key,
            Body: body,
            ContentLength: body.length,
            ContentMD5: (0,upload_multipart/* md5 */.Fx)(body),
            ...this.#headers,
        });
        this.#state = 'published';
        await this.#bucket.call('PutObject', this.#key, (client, http) => client.send(command, http), {
            signal: this.#signal,
        });
    }
    async #abort() {
        if (this.#state === 'committed')
            return;
        this.#stop.abort();
        const deadline = AbortSignal.timeout(this.#bucket.options.abortTimeout);
        await Promise.race([this.#cleanUp(deadline), (0,promises_.setTimeout)(this.#bucket.options.abortTimeout, undefined, { ref: false })]);
        this.#releaseBuffer();
    }
    /** Its own failures are lines in the log: they must not hide why there was something to clean up. */
    async #cleanUp(deadline) {
        await Promise.all(this.#underWay);
        const multipart = await this.#multipart?.catch(() => null);
        await multipart?.abort(deadline).catch((error) => {
            this.#bucket.context.info(`A multipart upload is left open on the server; the next run ends it, or a lifecycle rule. ${(0,src_errors/* messageOf */.bD)(error)}`);
        });
        if (this.#state === 'published')
            await this.#remove(deadline);
    }
    async #remove(deadline) {
        const command = new dist_cjs/* DeleteObjectCommand */.k4j({ Bucket: this.#bucket.name, Key: this.#key });
        try {
            await this.#bucket.call('DeleteObject', this.#key, (client, http) => client.send(command, http), {
                signal: deadline,
            });
        }
        catch (error) {
            this.#bucket.context.info(`The object of the failed upload may be left on the server. ${(0,src_errors/* messageOf */.bD)(error)}`);
        }
    }
    #releaseBuffer() {
        if (this.#buffer !== null)
            this.#pool.give(this.#buffer);
        this.#buffer = null;
    }
}

;// CONCATENATED MODULE: ./src/store/s3/store.ts












/** Makes the store; nothing is sent. */
function createS3Store(location, settings, context, options) {
    const all = { ...s3_options/* DEFAULT_OPTIONS */.l, ...options };
    const bucket = new s3_bucket/* Bucket */.fW(location.bucket, (0,client/* createConnection */.t)(settings.endpoint, all), context, all);
    return new S3Store(location.url, location.prefix, bucket, settings);
}
/** What is left can be removed later too: a server that is gone must not hold up the end of a run. */
const REMOVE_ATTEMPTS = 4;
/** A folder of a bucket, or a whole one, as a store. */
class S3Store {
    url;
    #bucket;
    /** What every key of ours begins with in the bucket: empty, or ends in `/`. */
    #root;
    #settings;
    #pool;
    /** Asked once: most buckets have no object lock, and then no object needs to be looked at. */
    #mayHaveLocks = null;
    #hasToldOfVersions = false;
    constructor(url, prefix, bucket, settings) {
        this.url = url;
        this.#bucket = bucket;
        this.#root = prefix === '' ? '' : `${prefix}/`;
        this.#settings = settings;
        this.#pool = new BufferPool(bucket.options.partSize);
    }
    open() {
        return (0,s3_bucket/* openBucket */.xB)(this.#bucket, this.#root, this.#settings);
    }
    openToRead() {
        return (0,s3_bucket/* requireBucket */.Ei)(this.#bucket, this.#root);
    }
    async folders(prefix) {
        const names = [];
        for await (const page of this.#pages(prefix, '/')) {
            for (const { Prefix } of page.CommonPrefixes ?? []) {
                if (Prefix !== undefined)
                    names.push(Prefix.slice(this.#root.length + prefix.length, -1));
            }
        }
        return names.sort((a, b) => (a < b ? -1 : 1));
    }
    async *list(prefix) {
        for await (const page of this.#pages(prefix)) {
            for (const { key, ...object } of [...page.objects, ...readBySdk(page.Contents)]) {
                // Consoles make empty objects whose names end in a slash, to show folders.
                if (!key.endsWith('/'))
                    yield { key: key.slice(this.#root.length), ...object };
            }
        }
    }
    async read(key, range) {
        if (range !== undefined && range.end <= range.start)
            return external_node_stream_.Readable.from([]);
        const command = new dist_cjs/* GetObjectCommand */.jLs({
            Bucket: this.#bucket.name,
            Key: this.#root + key,
            ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
        });
        const answer = await this.#bucket.call('GetObject', this.#root + key, (client, http) => client.send(command, http));
        const body = answer.Body;
        if (range !== undefined && answer.ContentRange === undefined) {
            body.destroy();
            throw new store/* StoreError */.A('failed', `The S3 server sent the whole of ${JSON.stringify(this.#root + key)} where a range of it was asked for.`);
        }
        return (0,bytes/* explainReadErrors */.D)(body, (error) => this.#bucket.explain(error, 'GetObject', this.#root + key));
    }
    async create(key) {
        return new S3Upload(this.#bucket, this.#root + key, this.#headers(key), this.#pool);
    }
    async size(key) {
        const head = await this.#head(key);
        if (head.ContentLength === undefined) {
            throw new store/* StoreError */.A('failed', `The S3 server reports no size of ${JSON.stringify(this.#root + key)}.`);
        }
        return head.ContentLength;
    }
    async freeSpace() {
        return null;
    }
    async remove(key) {
        const command = new dist_cjs/* DeleteObjectCommand */.k4j({ Bucket: this.#bucket.name, Key: this.#root + key });
        const { context, options } = this.#bucket;
        // A run that was cancelled takes back what it has stored.
        const signal = context.signal.aborted ? AbortSignal.timeout(options.abortTimeout) : context.signal;
        try {
            const { DeleteMarker } = await this.#bucket.call('DeleteObject', this.#root + key, (client, http) => client.send(command, http), { signal, attempts: REMOVE_ATTEMPTS });
            if (DeleteMarker)
                this.#tellOfVersions();
        }
        catch (error) {
            if (!(error instanceof errors/* S3Error */.Dg) || error.code !== 'not-found')
                throw error;
        }
    }
    #tellOfVersions() {
        if (this.#hasToldOfVersions)
            return;
        this.#hasToldOfVersions = true;
        this.#bucket.context.info(`The bucket ${JSON.stringify(this.#bucket.name)} keeps versions: what is deleted is hidden, and billed until a ` +
            'lifecycle rule with NoncurrentVersionExpiration ends it.');
    }
    #head(key) {
        const command = new dist_cjs/* HeadObjectCommand */.l81({ Bucket: this.#bucket.name, Key: this.#root + key });
        return this.#bucket.call('HeadObject', this.#root + key, (client, http) => client.send(command, http));
    }
    async sweep(prefix, before) {
        const swept = [];
        for (const { Key, UploadId, Initiated } of await this.#visibleUploads(prefix)) {
            if (Key === undefined || UploadId === undefined || Initiated === undefined || Initiated >= before)
                continue;
            try {
                await (0,upload_multipart/* abortUpload */.q)(this.#bucket, Key, UploadId, this.#bucket.context.signal);
                swept.push(Key.slice(this.#root.length));
            }
            catch (error) {
                if (!(error instanceof errors/* S3Error */.Dg) || this.#bucket.context.signal.aborted)
                    throw error;
                this.#bucket.context.info(`An unfinished upload was not ended: ${error.message}`);
            }
        }
        return swept;
    }
    async newestUpload(prefix) {
        const begun = (await this.#openUploads(prefix)).map(({ Initiated }) => Initiated?.getTime() ?? Date.now());
        return begun.length === 0 ? null : new Date(Math.max(...begun));
    }
    async lockOf(key) {
        this.#mayHaveLocks ??= (0,s3_bucket/* hasObjectLock */.p9)(this.#bucket).then((known) => known !== false);
        if (!(await this.#mayHaveLocks))
            return null;
        const head = await this.#head(key).catch((error) => {
            if (error instanceof errors/* S3Error */.Dg && error.code === 'not-found')
                return null;
            throw error;
        });
        if (head?.ObjectLockLegalHoldStatus === 'ON')
            return 'legal-hold';
        const until = head?.ObjectLockRetainUntilDate;
        return until !== undefined && until > (this.clock() ?? new Date()) ? { until } : null;
    }
    clock() {
        return this.#bucket.connection.clock();
    }
    close() {
        this.#bucket.connection.client.destroy();
    }
    #headers(key) {
        const { storageClass, sse, kmsKey, objectLock } = this.#settings;
        return {
            ContentType: key.endsWith('.json') ? 'application/json' : 'application/octet-stream',
            Metadata: { lifeboat: '1' },
            ...(storageClass === null ? {} : { StorageClass: storageClass }),
            ...(sse === null ? {} : { ServerSideEncryption: sse }),
            ...(kmsKey === null ? {} : { SSEKMSKeyId: kmsKey }),
            ...lockHeaders(objectLock, new Date()),
        };
    }
    /** The pages of a listing, 1,000 keys each. */
    async *#pages(prefix, delimiter) {
        let token;
        do {
            const page = await (0,s3_bucket/* listObjects */.L)(this.#bucket, {
                Prefix: this.#root + prefix,
                Delimiter: delimiter,
                ContinuationToken: token,
            });
            yield page;
            token = page.NextContinuationToken;
            if (page.IsTruncated && token === undefined) {
                throw new store/* StoreError */.A('failed', 'The S3 server ended a listing before its end: it says that there is more, not where.');
            }
        } while (token !== undefined);
    }
    /** Open multipart uploads; none when these credentials may not see them, or the server cannot list them. */
    async #visibleUploads(prefix) {
        try {
            return await this.#openUploads(prefix);
        }
        catch (error) {
            const unsupported = error instanceof errors/* S3Error */.Dg && [403, 404, 405, 501].includes(error.status ?? 0);
            if (!unsupported)
                throw error;
            this.#bucket.context.info(`Unfinished uploads of earlier runs were not looked for: ${error.message}`);
            return [];
        }
    }
    /** Open multipart uploads. */
    async #openUploads(prefix) {
        const uploads = [];
        let marker = {};
        while (marker !== null) {
            const command = new dist_cjs/* ListMultipartUploadsCommand */.mo2({
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
function readBySdk(contents = []) {
    return contents.flatMap(({ Key, Size, LastModified, StorageClass }) => {
        if (Key === undefined || Size === undefined || LastModified === undefined)
            return [];
        const storageClass = StorageClass === undefined ? {} : { storageClass: StorageClass };
        return [{ key: Key, size: Size, modified: LastModified, ...storageClass }];
    });
}


/***/ })

};
