export const id = 485;
export const ids = [485];
export const modules = {

/***/ 9995:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   G: () => (/* binding */ boundAnswers),
/* harmony export */   Z: () => (/* binding */ limitBytes)
/* harmony export */ });
/* harmony import */ var node_stream__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7075);
/* harmony import */ var node_stream__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_stream__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _store_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1644);


/**
 * Bytes of an answer that the SDK gathers in memory: a page of a listing (1,000 keys of at most 1,024 bytes, of which
 * each can be written as six), or an error.
 */
const LARGEST = 16 * 1024 * 1024;
/** Lets no answer but an object's own bytes take more memory than that, however long the server goes on. */
function boundAnswers(client) {
    client.middlewareStack.add((next, context) => async (args) => {
        const result = await next(args);
        const response = result.response;
        const isObject = context.commandName === 'GetObjectCommand' && response.statusCode < 300;
        if (!isObject && response.body instanceof node_stream__WEBPACK_IMPORTED_MODULE_0__.Readable)
            response.body = limitBytes(response.body);
        return result;
    }, { name: 'boundAnswers', step: 'deserialize', priority: 'low' });
}
/** The same bytes; an error once they are more than {@link LARGEST}. */
function limitBytes(body) {
    const stream = node_stream__WEBPACK_IMPORTED_MODULE_0__.Readable.from(upTo(body, LARGEST), { objectMode: false });
    stream.once('close', () => body.destroy());
    return stream;
}
async function* upTo(body, largest) {
    let size = 0;
    for await (const chunk of body) {
        size += chunk.length;
        if (size > largest) {
            throw new _store_js__WEBPACK_IMPORTED_MODULE_1__/* .StoreError */ .A('failed', `The S3 server sent an answer of more than ${largest / 1024 / 1024} MiB that is not an object: check s3-endpoint.`);
        }
        yield chunk;
    }
}


/***/ }),

/***/ 2731:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  fW: () => (/* binding */ Bucket),
  p9: () => (/* binding */ hasObjectLock),
  L: () => (/* binding */ listObjects),
  xB: () => (/* binding */ openBucket),
  Ei: () => (/* binding */ requireBucket)
});

// EXTERNAL MODULE: ./node_modules/@aws-sdk/client-s3/dist-cjs/index.js
var dist_cjs = __webpack_require__(3711);
// EXTERNAL MODULE: ./src/store/store.ts
var store = __webpack_require__(1644);
// EXTERNAL MODULE: ./src/store/s3/client.ts + 2 modules
var client = __webpack_require__(7106);
// EXTERNAL MODULE: external "node:stream/consumers"
var consumers_ = __webpack_require__(8321);
// EXTERNAL MODULE: ./src/store/s3/bounded-answers.ts
var bounded_answers = __webpack_require__(9995);
;// CONCATENATED MODULE: ./src/store/s3/contents.ts


/**
 * Has the objects of a page taken out before the SDK reads it; they are in the list once the command was sent. The SDK
 * makes a tree of a thousand elements with all their fields, of which we want four: enough garbage, page after page,
 * that Node's heap grows by 150 MB over 50 pages.
 */
function takeContents(command) {
    const taken = [];
    command.middlewareStack.add((next) => async (args) => {
        const result = await next(args);
        const response = result.response;
        if (response.statusCode !== 200)
            return result;
        const { objects, rest } = splitPage((await (0,consumers_.buffer)((0,bounded_answers/* limitBytes */.Z)(response.body))).toString());
        taken.splice(0, taken.length, ...objects);
        response.body = Buffer.from(rest);
        return result;
    }, { name: 'takeContents', step: 'deserialize', priority: 'low' });
    return taken;
}
/**
 * The objects of a page of a listing (S3's API reference, ListObjectsV2, "Response Syntax"), and the page without them.
 * Where one of them is not written as every server known to us writes it, all stay in the rest, for the SDK.
 */
function splitPage(page) {
    const objects = [];
    const rest = page.replace(/<Contents>(.*?)<\/Contents>/gs, (_, fields) => {
        objects.push(objectOf(fields));
        return '';
    });
    return objects.every((object) => object !== null) ? { objects, rest } : { objects: [], rest: page };
}
function objectOf(fields) {
    const key = readField(fields, KEY);
    const size = Number(readField(fields, SIZE) ?? Number.NaN);
    const modified = new Date(readField(fields, MODIFIED) ?? Number.NaN);
    if (key === null || !Number.isSafeInteger(size) || Number.isNaN(modified.getTime()))
        return null;
    const storageClass = readField(fields, STORAGE_CLASS);
    return { key: copyOf(key), size, modified, ...(storageClass === null ? {} : { storageClass }) };
}
const KEY = /<Key>([^<]+)<\/Key>/;
const SIZE = /<Size>(\d+)<\/Size>/;
const MODIFIED = /<LastModified>([^<]+)<\/LastModified>/;
const STORAGE_CLASS = /<StorageClass>([^<]+)<\/StorageClass>/;
/** Keys of ours have no entities: text that has some is none that we understand. */
function readField(fields, pattern) {
    const text = pattern.exec(fields)?.[1] ?? null;
    return text?.includes('&') ? null : text;
}
/** A string cut from another holds the whole of that in memory. */
function copyOf(text) {
    return Buffer.from(text).toString();
}

// EXTERNAL MODULE: ./src/store/s3/errors.ts
var errors = __webpack_require__(4829);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(8500);
;// CONCATENATED MODULE: ./src/store/s3/retry.ts

/** Tries until it succeeds, the failure is not transient, the attempts are used up or the signal is aborted. */
async function retryTransient(attempt, policy) {
    for (let number = 1;; number++) {
        try {
            return await attempt();
        }
        catch (error) {
            if (number >= policy.attempts || policy.signal.aborted || !policy.isTransient(error))
                throw error;
            const delay = delayBefore(number + 1, policy);
            policy.onRetry(error, number + 1, delay);
            await (0,promises_.setTimeout)(delay, undefined, { signal: policy.signal }).catch(() => {
                throw error;
            });
        }
    }
}
/** Exponential; half of it is random, so that parts which failed together do not come back together. */
function delayBefore(attempt, policy) {
    const full = Math.min(policy.longestDelay, policy.firstDelay * 2 ** (attempt - 2));
    return Math.round(full * (0.5 + Math.random() / 2));
}

;// CONCATENATED MODULE: ./src/store/s3/bucket.ts






/** One bucket of one server: sends requests, again while a failure may pass, and explains those that stay. */
class Bucket {
    name;
    connection;
    context;
    options;
    constructor(name, connection, context, options) {
        this.name = name;
        this.connection = connection;
        this.context = context;
        this.options = options;
    }
    /** Sends one request. A failure is an S3Error that names `operation`, this bucket and `key`. */
    call(operation, key, send, { signal = this.context.signal, attempts = this.options.attempts, retryIf, part } = {}) {
        const attempt = async () => {
            try {
                return await send(this.connection.client, { abortSignal: signal });
            }
            catch (error) {
                // The SDK says "AbortError" of a deadline too.
                throw this.explain(signal.reason?.name === 'TimeoutError' ? signal.reason : error, operation, key);
            }
        };
        return retryTransient(attempt, {
            attempts,
            firstDelay: this.options.firstDelay,
            longestDelay: this.options.longestDelay,
            signal,
            isTransient: (error) => error instanceof errors/* S3Error */.Dg && (error.transient || (retryIf?.(error) ?? false)),
            onRetry: (error, next, delay) => {
                const which = part === undefined ? '' : `Part ${part}: `;
                this.context.info(`${which}${error.summary}. Attempt ${next} of ${attempts} in ${(delay / 1000).toFixed(1)} s.`);
            },
        });
    }
    /** Makes an error for the user of what the SDK threw. */
    explain(error, operation, key) {
        return (0,errors/* s3Error */.lH)(error, { operation, bucket: this.name, key, endpoint: this.connection.endpoint });
    }
}
/** A page of a listing; `objects` are those of its `Contents` that could be read without the SDK. */
async function listObjects(bucket, query, options) {
    const command = new dist_cjs/* ListObjectsV2Command */.u6x({ Bucket: bucket.name, ...query });
    const objects = takeContents(command);
    const page = await bucket.call('ListObjectsV2', null, (client, http) => client.send(command, http), options);
    if (page.Name !== undefined)
        return { ...page, objects };
    // Of a web page the SDK would make an empty listing.
    throw new store/* StoreError */.A('failed', `What answers at ${bucket.connection.endpoint ?? 'AWS'} is not S3: its list of the bucket ` +
        `${JSON.stringify(bucket.name)} does not name the bucket. Check s3-endpoint.`);
}
/** A bad endpoint or key is no passing failure: a run that cannot begin should say so soon. */
const OPENING = { attempts: 3 };
/**
 * Makes sure that the bucket is there, and made when that is asked for, before anything is dumped. Credentials that
 * may only write are enough: then what they may not see is not checked.
 */
async function openBucket(bucket, prefix, settings) {
    await (0,client/* checkAccess */.x)(bucket.connection);
    if (!(await bucketExists(bucket, prefix))) {
        if (!settings.createBucket)
            throw missingBucket(bucket, 'Create it, set s3-create-bucket: true, or correct its name in "store"');
        await createBucket(bucket, settings);
    }
    if (settings.objectLock !== null)
        await requireObjectLock(bucket);
}
/** Makes sure that the bucket is there to be read. */
async function requireBucket(bucket, prefix) {
    await (0,client/* checkAccess */.x)(bucket.connection);
    if (!(await bucketExists(bucket, prefix)))
        throw missingBucket(bucket, 'Correct its name in "store", or s3-endpoint');
}
/** Not HeadBucket: its answer has no body, which alone says whether a 403 means the rights or the key. */
async function bucketExists(bucket, prefix) {
    try {
        await listObjects(bucket, { Prefix: prefix, MaxKeys: 1 }, OPENING);
        return true;
    }
    catch (error) {
        if (!(error instanceof errors/* S3Error */.Dg))
            throw error;
        if (error.reason === 'NoSuchBucket')
            return false;
        if (error.status === 403 && !(0,errors/* refusesCredentials */.wX)(error))
            return true;
        throw error;
    }
}
async function createBucket(bucket, settings) {
    const command = new dist_cjs/* CreateBucketCommand */.cZX({
        Bucket: bucket.name,
        ...(settings.objectLock === null ? {} : { ObjectLockEnabledForBucket: true }),
    });
    try {
        await bucket.call('CreateBucket', null, (client, http) => client.send(command, http), OPENING);
    }
    catch (error) {
        // Another run was faster, or the answer to our first attempt was lost.
        if (!(error instanceof errors/* S3Error */.Dg) || error.reason !== 'BucketAlreadyOwnedByYou')
            throw error;
    }
    bucket.context.info(`Created the bucket ${JSON.stringify(bucket.name)}.`);
}
/** Says early what the read-back of the first object would say after a dump. */
async function requireObjectLock(bucket) {
    if ((await hasObjectLock(bucket)) !== false)
        return;
    throw new store/* StoreError */.A('failed', `The bucket ${JSON.stringify(bucket.name)} has no object lock, or its server does not know object lock, but ` +
        's3-object-lock is set: make the bucket with object lock, or remove s3-object-lock.');
}
/** Whether objects of the bucket can be locked; null when these credentials may not know. */
async function hasObjectLock(bucket) {
    const command = new dist_cjs/* GetObjectLockConfigurationCommand */.mU1({ Bucket: bucket.name });
    try {
        const answer = await bucket.call('GetObjectLockConfiguration', null, (client, http) => client.send(command, http), OPENING);
        return answer.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
    }
    catch (error) {
        if (!(error instanceof errors/* S3Error */.Dg) || error.status === null || error.transient)
            throw error;
        return error.status === 403 ? null : false;
    }
}
function missingBucket(bucket, fix) {
    return new store/* StoreError */.A('failed', `The bucket ${JSON.stringify(bucket.name)} does not exist. ${fix}.`);
}


/***/ }),

/***/ 7106:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  x: () => (/* binding */ checkAccess),
  t: () => (/* binding */ createConnection)
});

// EXTERNAL MODULE: ./node_modules/@aws-sdk/client-s3/dist-cjs/index.js
var dist_cjs = __webpack_require__(3711);
// EXTERNAL MODULE: ./src/store/store.ts
var store = __webpack_require__(1644);
// EXTERNAL MODULE: ./src/store/s3/bounded-answers.ts
var bounded_answers = __webpack_require__(9995);
;// CONCATENATED MODULE: ./src/store/s3/clock.ts
/** Follows the server's clock by the Date of its answers; the call gives its time now, null before the first answer. */
function followClock(client) {
    /** Milliseconds that the server is ahead. */
    let ahead = null;
    client.middlewareStack.add((next) => async (args) => {
        const result = await next(args);
        const { headers } = result.response;
        const date = Date.parse(headers?.date ?? '');
        if (!Number.isNaN(date))
            ahead = date - Date.now();
        return result;
    }, { name: 'followClock', step: 'deserialize', priority: 'low' });
    return () => (ahead === null ? null : new Date(Date.now() + ahead));
}

// EXTERNAL MODULE: ./src/store/s3/errors.ts
var errors = __webpack_require__(4829);
// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
;// CONCATENATED MODULE: ./src/store/s3/upload/slices.ts

const SLICE = 256 * 1024;
/**
 * Has bodies written to the connection slice by slice. They stay buffers until then, hashed, signed and sent again as
 * a whole; but Node encrypts what it is given in one write as one, and would hold every part under way a second time.
 */
function sendInSlices(client) {
    client.middlewareStack.add((next) => (args) => {
        const request = args.request;
        if (Buffer.isBuffer(request.body) && request.body.length > SLICE) {
            request.body = external_node_stream_.Readable.from(slicesOf(request.body));
        }
        return next(args);
    }, { name: 'sendInSlices', step: 'deserialize', priority: 'low' });
}
function* slicesOf(body) {
    for (let start = 0; start < body.length; start += SLICE)
        yield body.subarray(start, start + SLICE);
}

;// CONCATENATED MODULE: ./src/store/s3/client.ts






/**
 * Makes a client for the S3-compatible server at `endpoint`; null: the one that the AWS SDK's environment names, or AWS.
 * Nothing is sent. Credentials come from the SDK's default chain.
 */
function createConnection(endpoint, options) {
    const server = serverAt(endpoint ?? fromEnvironment('AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'));
    const region = fromEnvironment('AWS_REGION', 'AWS_DEFAULT_REGION') ?? (server === null ? null : 'us-east-1');
    // The SDK's own checksums come as trailers or headers that Ceph, Swift and others refuse or ignore.
    const checksums = server === null ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED';
    const client = new dist_cjs/* S3Client */.YxF({
        ...(server === null ? {} : { endpoint: server, forcePathStyle: true }),
        ...(region === null ? {} : { region }),
        requestChecksumCalculation: checksums,
        responseChecksumValidation: checksums,
        // We send again ourselves: from the part's own buffer, with a line in the log and a longer breath.
        retryStrategy: { retry: (send, request) => send(request) },
        requestHandler: { connectionTimeout: 10_000, socketTimeout: options.idleTimeout },
    });
    (0,bounded_answers/* boundAnswers */.G)(client);
    sendInSlices(client);
    return { client, endpoint: server, clock: followClock(client) };
}
/** Requires a region and credentials; a StoreError says which settings give them. */
async function checkAccess({ client }) {
    await client.config.region().catch(() => {
        throw new store/* StoreError */.A('failed', "No region is known for S3 on AWS: set AWS_REGION to the bucket's region, or s3-endpoint for another server.");
    });
    await client.config.credentials().catch((error) => {
        throw new store/* StoreError */.A('denied', `${(0,errors/* noCredentials */.gT)(error.message)}.`);
    });
}
function serverAt(endpoint) {
    if (endpoint === null)
        return null;
    const url = URL.parse(endpoint);
    if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '') {
        throw new store/* StoreError */.A('failed', 'The S3 endpoint must be a URL such as https://s3.example.com, without user name and password: ' +
            'check s3-endpoint and AWS_ENDPOINT_URL_S3.');
    }
    return endpoint;
}
function fromEnvironment(...names) {
    return names.map((name) => process.env[name]).find((value) => value !== undefined && value !== '') ?? null;
}


/***/ }),

/***/ 4829:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Dg: () => (/* binding */ S3Error),
/* harmony export */   gT: () => (/* binding */ noCredentials),
/* harmony export */   lH: () => (/* binding */ s3Error),
/* harmony export */   wX: () => (/* binding */ refusesCredentials)
/* harmony export */ });
/* harmony import */ var _store_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1644);

/** The requests that we send, and the right that AWS requires for each. */
const RIGHTS = {
    AbortMultipartUpload: 's3:AbortMultipartUpload',
    CompleteMultipartUpload: 's3:PutObject',
    CreateBucket: 's3:CreateBucket',
    CreateMultipartUpload: 's3:PutObject',
    DeleteObject: 's3:DeleteObject',
    GetObject: 's3:GetObject',
    GetObjectLockConfiguration: 's3:GetBucketObjectLockConfiguration',
    HeadObject: 's3:GetObject',
    ListMultipartUploads: 's3:ListBucketMultipartUploads',
    ListObjectsV2: 's3:ListBucket',
    PutObject: 's3:PutObject (and s3:PutObjectRetention with s3-object-lock)',
    PutObjectRetention: 's3:PutObjectRetention',
    UploadPart: 's3:PutObject',
};
/**
 * A failed request. It does not keep what the SDK threw: a SignatureDoesNotMatch carries the signed headers, and with
 * them the session token.
 */
class S3Error extends _store_js__WEBPACK_IMPORTED_MODULE_0__/* .StoreError */ .A {
    /** `NoSuchBucket`, `SlowDown`, …; for an answer without a body or without an answer, what else names the failure. */
    reason;
    /** Of the answer; null when none came. */
    status;
    /** Whether the same request may succeed a little later. */
    transient;
    /** What happened, without what to do about it. */
    summary;
    constructor(failure, summary, step) {
        super(codeOf(failure), step === '' ? `${summary}.` : `${summary}. ${step}.`);
        this.summary = summary;
        this.reason = failure.reason;
        this.status = failure.status;
        this.transient = isTransient(failure);
    }
}
/** Makes an error for the user of whatever the SDK threw. */
function s3Error(thrown, request) {
    if (thrown instanceof S3Error)
        return thrown;
    const failure = failureOf(thrown);
    const object = request.key === null ? '' : ` of ${JSON.stringify(request.key)}`;
    const what = `S3 ${request.operation}${object} in bucket ${JSON.stringify(request.bucket)} failed`;
    return new S3Error(failure, `${what}: ${describeFailure(failure)}`, nextStep(failure, request));
}
/** What the SDK calls failures of which it knows nothing: an answer without a code, as to HEAD; an answer it cannot read. */
const NAMES = {
    Unknown: 'UnnamedError',
    UnknownError: 'UnnamedError',
    Error: 'UnexpectedAnswer',
};
function failureOf(value) {
    const thrown = value;
    const error = thrown.errors?.[0] ?? thrown;
    const code = typeof error.code === 'string' ? error.code : undefined; // A number in a DOMException.
    const reason = error.Code ?? code ?? NAMES[error.name] ?? error.name;
    // RGW sends no Message: the SDK then says "UnknownError".
    const text = oneLine(error.message.replace(/Deserialization error: to see .*/s, ''));
    return {
        reason: oneLine(reason),
        status: error.$metadata?.httpStatusCode ?? error.$response?.statusCode ?? null,
        requestId: error.$metadata?.requestId ?? null,
        text: text === '' || text === 'UnknownError' || text === reason ? null : text,
        region: error.Region ?? error.$response?.headers?.['x-amz-bucket-region'] ?? null,
    };
}
function describeFailure({ reason, status, requestId, text }) {
    const facts = [status && `HTTP ${status}`, requestId && `request id ${oneLine(requestId)}`].filter(Boolean);
    return `${reason}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}${text === null ? '' : `: ${text}`}`;
}
/** A server's words, fit for a line of a log. */
function oneLine(text) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go.
    const line = text.replace(/[\u0000-\u0020\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
    return (line.length > 300 ? `${line.slice(0, 300)}…` : line).replace(/\.$/, '');
}
const NO_ANSWER = [
    'ECONNABORTED',
    'ECONNREFUSED',
    'ECONNRESET',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EPIPE',
    'ETIMEDOUT',
    'TimeoutError',
];
/** Answers below 500 after which the same request can succeed. The first three: the body was changed on its way. */
const PASSING = [
    'BadDigest',
    'IncompleteBody',
    'XAmzContentSHA256Mismatch',
    'InternalError',
    'OperationAborted',
    'RequestTimeout',
    'RequestTimeTooSkewed', // The SDK has taken over the server's clock from the answer's Date.
    'ServiceUnavailable',
    'SlowDown',
    'ThrottlingException',
];
function isTransient({ reason, status }) {
    if (status === null)
        return NO_ANSWER.includes(reason);
    const refused = status === 501 || status === 507; // Not implemented; no space.
    return PASSING.includes(reason) || status === 429 || (status >= 500 && !refused);
}
const EXPIRED = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'];
const CREDENTIALS = [
    'AuthFailure',
    'InvalidAccessKeyId',
    'InvalidToken',
    'InvalidClientTokenId',
    'SignatureDoesNotMatch',
    'UnrecognizedClientException',
];
const WRONG_REGION = [
    'AuthorizationHeaderMalformed',
    'IllegalLocationConstraintException',
    'PermanentRedirect',
    'TemporaryRedirect',
];
const FULL = ['QuotaExceeded', 'InsufficientStorage', 'XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded'];
function codeOf({ reason, status }) {
    if (FULL.includes(reason) || status === 507)
        return 'full';
    if (EXPIRED.includes(reason) || CREDENTIALS.includes(reason) || reason === 'CredentialsProviderError')
        return 'denied';
    if (reason === 'RequestTimeTooSkewed' || reason === 'InvalidObjectState')
        return 'failed';
    if (status === 401 || status === 403)
        return 'denied';
    return reason === 'NoSuchKey' || reason === 'NotFound' ? 'not-found' : 'failed';
}
/** Whether the server does not know these credentials at all; a mere lack of rights is not that. */
function refusesCredentials({ reason }) {
    return [...EXPIRED, ...CREDENTIALS, 'CredentialsProviderError', 'RequestTimeTooSkewed'].includes(reason);
}
/** What the user can do about it; empty when only the server's words say that. */
function nextStep(failure, { operation, endpoint }) {
    const { reason, status, region, text } = failure;
    const server = endpoint ?? 'S3 on AWS';
    if (reason === 'AbortError')
        return 'The run was cancelled';
    if (reason === 'CredentialsProviderError')
        return noCredentials(text ?? reason);
    if (EXPIRED.includes(reason)) {
        return ('The credentials ended before the run did: raise role-duration-seconds of aws-actions/configure-aws-credentials ' +
            "(and the role's maximum session duration), or use credentials that last longer");
    }
    if (reason === 'UnnamedError' && status === 400) {
        return 'Answers of this kind do not say more; expired credentials (role-duration-seconds) are a common reason';
    }
    if (CREDENTIALS.includes(reason)) {
        return `Check that AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN belong to ${server} and hold no blank or line break`;
    }
    if (WRONG_REGION.includes(reason) || status === 301) {
        return `Set AWS_REGION to the bucket's region${region === null ? '' : `, ${oneLine(region)}`}`;
    }
    if (reason === 'RequestTimeTooSkewed')
        return "Set this machine's clock";
    if (reason === 'NoSuchBucket')
        return 'Create the bucket, set s3-create-bucket: true, or correct its name in "store"';
    if (reason === 'InvalidObjectState')
        return 'It lies in an archive storage class: restore it from there first';
    if (reason === 'InvalidStorageClass')
        return 'Choose an s3-storage-class that the server has';
    if (reason === 'InvalidBucketName')
        return 'Correct the name of the bucket in "store"';
    if (operation === 'UploadPart' && reason === 'InvalidArgument') {
        return `${server} may allow fewer parts than this object has: store it as smaller volumes`;
    }
    if (codeOf(failure) === 'full')
        return `Free space on ${server}, or raise the quota`;
    if (status === 501)
        return `${server} cannot do this: check s3-storage-class, s3-sse, s3-kms-key and s3-object-lock`;
    if (status === 401 || status === 403)
        return `Give these credentials the right ${RIGHTS[operation]}`;
    if (status === null)
        return networkStep(reason, server);
    if (isTransient(failure))
        return `Run again when ${server} is well`;
    return reason === 'UnexpectedAnswer' ? `Check that ${server} is an S3 server` : '';
}
/** What to say when the SDK's chain of credential providers has ended without credentials. */
function noCredentials(reason) {
    return (`No usable S3 credentials were found (${oneLine(reason)}). Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY ` +
        '(and AWS_SESSION_TOKEN for temporary ones), or run aws-actions/configure-aws-credentials before this step');
}
function networkStep(reason, server) {
    if (reason === 'ECONNREFUSED')
        return `Nothing listens at ${server}: check s3-endpoint, and that the server runs`;
    if (reason === 'ENOTFOUND' || reason === 'EAI_AGAIN')
        return `The host of ${server} is not known: check s3-endpoint`;
    if (reason === 'EPROTO' || reason.startsWith('ERR_SSL') || reason.startsWith('HPE_')) {
        return `${server} does not speak that protocol: check http:// or https:// and the port in s3-endpoint`;
    }
    if (/CERT|SIGNATURE|ERR_TLS/.test(reason)) {
        return `The certificate of ${server} is not trusted: set NODE_EXTRA_CA_CERTS to the file of its CA, or correct the host name`;
    }
    return NO_ANSWER.includes(reason) ? `The connection to ${server} failed: check the network and the server` : '';
}


/***/ }),

/***/ 4938:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   l: () => (/* binding */ DEFAULT_OPTIONS)
/* harmony export */ });
const DEFAULT_OPTIONS = {
    partSize: 16 * 1024 * 1024,
    partsUnderWay: 3,
    maxParts: 10_000,
    attempts: 8,
    firstDelay: 500,
    longestDelay: 20_000,
    idleTimeout: 60_000,
    abortTimeout: 2_500,
};


/***/ }),

/***/ 1444:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Fh: () => (/* binding */ Multipart),
/* harmony export */   Fx: () => (/* binding */ md5),
/* harmony export */   q: () => (/* binding */ abortUpload)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _aws_sdk_client_s3__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(3711);
/* harmony import */ var _store_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1644);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(4829);




/** A multipart upload that has begun: the server knows it, and keeps its parts until it is completed or aborted. */
class Multipart {
    #bucket;
    #key;
    #uploadId;
    #forget;
    #parts = [];
    constructor(bucket, key, uploadId) {
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
    static async begin(bucket, key, headers, signal) {
        const command = new _aws_sdk_client_s3__WEBPACK_IMPORTED_MODULE_3__/* .CreateMultipartUploadCommand */ .nG4({
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
            throw new _store_js__WEBPACK_IMPORTED_MODULE_1__/* .StoreError */ .A('failed', `S3 began a multipart upload of ${JSON.stringify(key)} and did not name it.`);
        }
        return new Multipart(bucket, key, UploadId);
    }
    /** Sends one part, again while a failure may pass: `body` must not change until then. Parts count from 1. */
    async send(part, body, signal) {
        const command = new _aws_sdk_client_s3__WEBPACK_IMPORTED_MODULE_3__/* .UploadPartCommand */ .iVK({
            Bucket: this.#bucket.name,
            Key: this.#key,
            UploadId: this.#uploadId,
            PartNumber: part,
            Body: body,
            ContentLength: body.length,
            ContentMD5: md5(body),
        });
        const { ETag, ChecksumCRC32 } = await this.#bucket.call('UploadPart', this.#key, (client, http) => client.send(command, http), { signal, part });
        this.#parts.push({ PartNumber: part, ETag, ChecksumCRC32 });
    }
    /**
     * Makes the parts the object, of `size` bytes. When an answer was lost, the object itself tells whether it is there:
     * a server that has completed an upload may answer NoSuchUpload to the second request.
     */
    async complete(size, signal) {
        const command = new _aws_sdk_client_s3__WEBPACK_IMPORTED_MODULE_3__/* .CompleteMultipartUploadCommand */ .Gym({
            Bucket: this.#bucket.name,
            Key: this.#key,
            UploadId: this.#uploadId,
            MultipartUpload: { Parts: this.#parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0)) },
        });
        let sent = 0;
        try {
            await this.#bucket.call('CompleteMultipartUpload', this.#key, (client, http) => {
                sent++;
                return client.send(command, http);
            }, { signal });
        }
        catch (error) {
            const unknown = error instanceof _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .S3Error */ .Dg && (error.transient || (error.reason === 'NoSuchUpload' && sent > 1));
            if (!unknown || (await this.#storedSize(signal)) !== size)
                throw error;
        }
        this.#forget();
    }
    /** Ends the upload on the server, which then drops its parts. */
    async abort(signal) {
        await abortUpload(this.#bucket, this.#key, this.#uploadId, signal);
        this.#forget();
    }
    /** The object's size; null when there is none, or when that cannot be found out. */
    async #storedSize(signal) {
        const command = new _aws_sdk_client_s3__WEBPACK_IMPORTED_MODULE_3__/* .HeadObjectCommand */ .l81({ Bucket: this.#bucket.name, Key: this.#key });
        try {
            const head = await this.#bucket.call('HeadObject', this.#key, (client, http) => client.send(command, http), {
                signal,
            });
            return head.ContentLength ?? null;
        }
        catch {
            return null; // The caller throws the first error, which says more.
        }
    }
}
/** Aborts a multipart upload; one that no longer exists is not an error. */
async function abortUpload(bucket, key, uploadId, signal) {
    const command = new _aws_sdk_client_s3__WEBPACK_IMPORTED_MODULE_3__/* .AbortMultipartUploadCommand */ .tfP({ Bucket: bucket.name, Key: key, UploadId: uploadId });
    try {
        await bucket.call('AbortMultipartUpload', key, (client, http) => client.send(command, http), { signal });
    }
    catch (error) {
        if (!(error instanceof _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .S3Error */ .Dg) || error.status !== 404)
            throw error;
    }
}
/** Content-MD5: what every S3 server checks, where many ignore x-amz-checksum headers. */
function md5(body) {
    return (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('md5').update(body).digest('base64');
}


/***/ })

};
