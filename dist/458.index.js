export const id = 458;
export const ids = [458];
export const modules = {

/***/ 4686:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   $t: () => (/* binding */ placeOf),
/* harmony export */   BP: () => (/* binding */ NoSftp),
/* harmony export */   zK: () => (/* binding */ connectSession)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var ssh2__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(5472);
/* harmony import */ var ssh2__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__webpack_require__.n(ssh2__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var _reason_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(4377);
/* harmony import */ var _store_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(1644);
/* harmony import */ var _known_hosts_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(1365);





/** The server lets us in, but does not speak SFTP. */
class NoSftp extends _store_js__WEBPACK_IMPORTED_MODULE_3__/* .StoreError */ .A {
}
/** ssh2's names of the signatures that a key of a kind makes; RSA's with SHA-1 is not among them. */
const SIGNATURES = { 'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'] };
/** user@host, and the port when it is not the usual one. */
function placeOf({ user, host, port }) {
    return `${user}@${host}${port === 22 ? '' : `:${port}`}`;
}
/**
 * Logs in with the key and starts SFTP. Only a server whose key is known is spoken to.
 * @throws NoSftp, or a StoreError that says what to correct.
 */
function connectSession(location, settings, options, signal) {
    const place = placeOf(location);
    const known = (0,_known_hosts_js__WEBPACK_IMPORTED_MODULE_4__/* .linesFor */ .b)(settings.knownHosts, location);
    const client = new (ssh2__WEBPACK_IMPORTED_MODULE_1___default().Client)();
    const lost = new AbortController();
    let refused = null;
    let letIn = false;
    return new Promise((resolve, reject) => {
        const fail = (error) => {
            const failure = refused === null ? connectionError(error, place) : unknownHostKey(refused, known, place);
            reject(failure);
            lost.abort(failure);
            client.destroy();
        };
        const cancel = () => fail(new _store_js__WEBPACK_IMPORTED_MODULE_3__/* .StoreError */ .A('failed', `Speaking to ${place} was cancelled.`));
        if (signal.aborted)
            return cancel();
        signal.addEventListener('abort', cancel, { once: true });
        const settle = () => signal.removeEventListener('abort', cancel);
        client.on('error', fail);
        client.on('close', () => {
            settle();
            fail(new Error(letIn ? 'the connection was lost' : 'the server closed the connection'));
        });
        client.on('ready', () => {
            client.setNoDelay(true); // A request waits for its answer, and must not wait for a second one to fill a packet.
            letIn = true;
            client.sftp((error, sftp) => {
                settle();
                if (error)
                    return fail(noSftp(error, place));
                sftp.on('error', fail);
                sftp.on('close', () => fail(new Error('the server has ended SFTP')));
                resolve({ client, sftp, lost: lost.signal });
            });
        });
        client.connect({
            host: location.host,
            port: location.port,
            username: location.user,
            privateKey: settings.key,
            readyTimeout: options.connectTimeout,
            keepaliveInterval: options.keepalive,
            keepaliveCountMax: 4,
            hostVerifier: (key) => {
                if (isKnown(key, known))
                    return true;
                refused = key;
                return false;
            },
            // Of another kind of key than the known one nothing could be said.
            algorithms: { serverHostKey: signaturesOf(known) },
        });
    });
}
function isKnown(key, known) {
    const same = known.filter((host) => host.key.equals(key));
    return same.length > 0 && same.every(({ revoked }) => !revoked);
}
function signaturesOf(known) {
    const types = new Set(known.filter(({ revoked }) => !revoked).map(({ type }) => type));
    return [...types].flatMap((type) => SIGNATURES[type] ?? [type]);
}
function unknownHostKey(key, known, place) {
    const print = (bytes) => `SHA256:${(0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`;
    const ours = known.map(({ key }) => print(key)).join(', ');
    return new _store_js__WEBPACK_IMPORTED_MODULE_3__/* .StoreError */ .A('denied', `${place} shows the host key ${print(key)}, and ssh-known-hosts has ${ours}. Either the server has a new key, or ` +
        "an attacker is in between. Nothing was sent. Ask the server's owner which key is right, and correct ssh-known-hosts.");
}
function noSftp(error, place) {
    return new NoSftp('failed', `${place} lets this key in, but does not offer SFTP (${(0,_reason_js__WEBPACK_IMPORTED_MODULE_2__/* .reasonOf */ .A)(error)}).`);
}
/** Where ssh2 was when it failed. */
function connectionError(error, place) {
    if (error instanceof _store_js__WEBPACK_IMPORTED_MODULE_3__/* .StoreError */ .A)
        return error;
    const { level, code } = error;
    const cause = { cause: error };
    if (level === 'client-authentication') {
        return new _store_js__WEBPACK_IMPORTED_MODULE_3__/* .StoreError */ .A('denied', `${place} does not let this key in (${(0,_reason_js__WEBPACK_IMPORTED_MODULE_2__/* .reasonOf */ .A)(error)}). Put its public half into that user's authorized_keys: ssh-keygen -y -f FILE prints it.`, cause);
    }
    if (/no matching host key/i.test((0,_reason_js__WEBPACK_IMPORTED_MODULE_2__/* .reasonOf */ .A)(error))) {
        return new _store_js__WEBPACK_IMPORTED_MODULE_3__/* .StoreError */ .A('denied', `${place} has no host key of the kinds in ssh-known-hosts. Add the line that ssh-keyscan prints, once it was compared.`, cause);
    }
    const step = code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EHOSTUNREACH' || level === 'client-timeout'
        ? ' Check name and port in the URL, and whether a firewall lets the runner in.'
        : ' Look whether the server and the network are up, and run again.';
    return new _store_js__WEBPACK_IMPORTED_MODULE_3__/* .StoreError */ .A('failed', `The connection to ${place} failed: ${(0,_reason_js__WEBPACK_IMPORTED_MODULE_2__/* .reasonOf */ .A)(error)}.${step}`, cause);
}


/***/ }),

/***/ 6458:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  createSftpStore: () => (/* binding */ createSftpStore)
});

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
// EXTERNAL MODULE: ./src/store/bytes.ts
var store_bytes = __webpack_require__(2046);
// EXTERNAL MODULE: ./src/store/file-like/errors.ts
var errors = __webpack_require__(665);
// EXTERNAL MODULE: ./src/store/file-like/keys.ts
var keys = __webpack_require__(9349);
// EXTERNAL MODULE: ./src/store/file-like/unfinished.ts
var unfinished = __webpack_require__(539);
// EXTERNAL MODULE: ./src/store/store.ts
var store = __webpack_require__(1644);
// EXTERNAL MODULE: ./src/store/reason.ts
var reason = __webpack_require__(4377);
;// CONCATENATED MODULE: ./src/store/ssh/errors.ts


/** Answers of an SFTP server (SSH File Transfer Protocol 02, section 7). */
const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;
const FAILURE = 4;
const CODES = { [NO_SUCH_FILE]: 'not-found', [PERMISSION_DENIED]: 'denied' };
const NEXT_STEPS = {
    'not-found': ' Look whether something removes files there, or a disk was unmounted, and run again.',
    denied: ' Give the user that logs in rights to it.',
};
/** The server's answer to a request, when it gave one; null: it did not answer, or the connection was lost. */
function statusOf(error) {
    const code = error?.code;
    return !(error instanceof store/* StoreError */.A) && typeof code === 'number' ? code : null;
}
function isNotFound(error) {
    return statusOf(error) === NO_SUCH_FILE;
}
/** SFTP's word for a full disk, a file that is there already, a folder that is not empty. */
function isPlainFailure(error) {
    return statusOf(error) === FAILURE;
}
function isFile(path, place) {
    return new store/* StoreError */.A('failed', `${JSON.stringify(path)} on ${place} is a file: name a folder.`);
}
/** Makes an error for the user of what failed at `path`. `place` names user, server and port. */
function sftpError(error, place, path) {
    if (error instanceof store/* StoreError */.A)
        return error;
    const code = CODES[statusOf(error) ?? FAILURE] ?? 'failed';
    const message = `The ssh store failed at ${JSON.stringify(path)} on ${place}: ${(0,reason/* reasonOf */.A)(error)}.${NEXT_STEPS[code] ?? ''}`;
    return new store/* StoreError */.A(code, message, { cause: error });
}

;// CONCATENATED MODULE: ./src/store/ssh/options.ts
const DEFAULT_OPTIONS = {
    connectTimeout: 20_000,
    answerTimeout: 60_000,
    keepalive: 15_000,
    digestTimeout: 120_000,
    cleanUpTimeout: 2_500,
};
/** Bytes of one request: what every server takes (SSH File Transfer Protocol 02, section 3). */
const BLOCK = 32 * 1024;
/** Requests of one file that are under way at the same time: 2 MiB, enough for 50 MB/s over 40 ms. */
const AT_ONCE = 64;

// EXTERNAL MODULE: ./src/store/ssh/connect.ts
var connect = __webpack_require__(4686);
;// CONCATENATED MODULE: ./src/store/ssh/session.ts


/** Requests of SFTP as promises. Each is rejected when it is cancelled, not answered in time, or the connection is lost. */
class Session {
    #channel;
    #place;
    #answerTimeout;
    constructor(channel, place, answerTimeout) {
        this.#channel = channel;
        this.#place = place;
        this.#answerTimeout = answerTimeout;
    }
    get isLost() {
        return this.#channel.lost.aborted;
    }
    stat(path, signal) {
        return this.#request(signal, (sftp, done) => sftp.stat(path, done));
    }
    /** `r`: must be there; `w`: made for its owner alone, or emptied. */
    open(path, flags, signal) {
        return this.#request(signal, (sftp, done) => sftp.open(path, flags, { mode: 0o600 }, done));
    }
    closeFile(handle, signal) {
        return this.#request(signal, (sftp, done) => sftp.close(handle, done));
    }
    /** The bytes have been copied when this returns; at most {@link BLOCK} of them. */
    write(handle, bytes, position, signal) {
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        return this.#request(signal, (sftp, done) => sftp.write(handle, buffer, 0, buffer.length, position, done));
    }
    /** At most {@link BLOCK} bytes; fewer only at the end of the file. */
    async read(handle, start, end, signal) {
        const buffer = Buffer.allocUnsafe(Math.min(end - start, BLOCK));
        let filled = 0;
        while (filled < buffer.length) {
            const count = await this.#request(signal, (sftp, done) => sftp.read(handle, buffer, filled, buffer.length - filled, start + filled, done)).catch(atTheEnd(0));
            if (count === 0)
                break;
            filled += count;
        }
        return buffer.subarray(0, filled);
    }
    /** Makes a file outlast a power cut, where the server can. */
    async sync(handle, signal) {
        await this.#extension(signal, (sftp, done) => sftp.ext_openssh_fsync(handle, done));
    }
    /** Bytes that this user may still write; null when the server does not tell. */
    async freeSpace(path, signal) {
        const found = await this.#extension(signal, (sftp, done) => sftp.ext_openssh_statvfs(path, done));
        return found && found.f_bavail * found.f_frsize;
    }
    /** Never over a file that is there: servers refuse that (OpenSSH's sftp-server makes a link, and removes the old name). */
    rename(from, to, signal) {
        return this.#request(signal, (sftp, done) => sftp.rename(from, to, done));
    }
    unlink(path, signal) {
        return this.#request(signal, (sftp, done) => sftp.unlink(path, done));
    }
    makeFolder(path, signal) {
        return this.#request(signal, (sftp, done) => sftp.mkdir(path, { mode: 0o700 }, done));
    }
    removeFolder(path, signal) {
        return this.#request(signal, (sftp, done) => sftp.rmdir(path, done));
    }
    /** What lies in a folder, as it comes: the server answers in pages. */
    async *entries(path, signal) {
        const handle = await this.#request(signal, (sftp, done) => sftp.opendir(path, done));
        try {
            for (;;) {
                const page = await this.#request(signal, (sftp, done) => 
                // `full`: with "." and "..", for a page of nothing else would be taken for the end.
                sftp.readdir.call(sftp, handle, { full: true }, done)).catch(atTheEnd([]));
                if (page.length === 0)
                    return;
                yield* page;
            }
        }
        finally {
            this.closeFile(handle, signal).catch(() => { }); // It goes with the connection, at the latest.
        }
    }
    /** Standard output of a command; null when the server does not run it, or not within `timeout`. */
    execute(command, timeout, signal) {
        const begin = (_, done) => {
            const late = setTimeout(() => done(null, null), timeout).unref();
            const end = (output) => {
                clearTimeout(late);
                done(null, output);
            };
            this.#channel.client.exec(command, (error, stream) => {
                if (error)
                    return end(null);
                let output = '';
                stream.end(); // A command that the server forces upon this key may wait for input.
                stream.on('data', (chunk) => {
                    output = (output + chunk.toString('utf8')).slice(-4096);
                });
                stream.stderr.resume();
                stream.on('close', (code) => end(code === 0 ? output : null));
            });
        };
        return this.#request(signal, begin, 2 * timeout);
    }
    /** Ends the connection in order; what is under way is lost. */
    disconnect() {
        this.#channel.client.end();
    }
    /** What not every server knows: null from one that does not. */
    async #extension(signal, begin) {
        try {
            return await this.#request(signal, begin);
        }
        catch (error) {
            if (error instanceof Error && /does not support|unsupported/i.test(error.message))
                return null;
            throw error;
        }
    }
    #request(signal, begin, timeout = this.#answerTimeout) {
        const { client, sftp, lost } = this.#channel;
        if (lost.aborted)
            return Promise.reject(lost.reason);
        if (signal.aborted)
            return Promise.reject(this.#cancelled());
        return new Promise((resolve, reject) => {
            const settle = () => {
                clearTimeout(timer);
                signal.removeEventListener('abort', cancel);
                lost.removeEventListener('abort', lose);
            };
            const end = (error) => {
                settle();
                reject(error);
            };
            const cancel = () => end(this.#cancelled());
            const lose = () => end(lost.reason);
            const timer = setTimeout(() => {
                client.emit('error', new Error(`no answer for ${timeout / 1000} s`));
            }, timeout);
            signal.addEventListener('abort', cancel);
            lost.addEventListener('abort', lose);
            try {
                begin(sftp, (error, value) => {
                    if (error)
                        return end(error);
                    settle();
                    resolve(value);
                });
            }
            catch (error) {
                end(error);
            }
        });
    }
    #cancelled() {
        return new store/* StoreError */.A('failed', `Speaking to ${this.#place} was cancelled.`);
    }
}
const END_OF_FILE = 1;
function atTheEnd(value) {
    return (error) => {
        if (error.code === END_OF_FILE)
            return value;
        throw error;
    };
}

;// CONCATENATED MODULE: ./src/store/ssh/remote.ts





/** A folder on a server. The connection is made when it is first needed, and again when it was lost. */
class Remote {
    url;
    /** For messages: user, server, port. */
    place;
    root;
    context;
    options;
    #location;
    #settings;
    #session = null;
    constructor(location, settings, context, options) {
        this.url = location.url;
        this.place = (0,connect/* placeOf */.$t)(location);
        this.root = location.path;
        this.context = context;
        this.options = options;
        this.#location = location;
        this.#settings = settings;
    }
    /** Where an object lies on the server. */
    path(key) {
        (0,keys/* requireKey */.XK)(key, 'an ssh');
        return external_node_path_.posix.join(this.root, key);
    }
    /** Where the keys that begin with a folder's prefix lie; that may be the root. */
    folder(prefix) {
        return prefix === '' ? this.root : this.path(prefix.slice(0, -1));
    }
    /** Does something there; a failure becomes a StoreError that names `path`. */
    async at(path, act, signal = this.context.signal) {
        try {
            return await act(await this.#connected(signal));
        }
        catch (error) {
            throw sftpError(error, this.place, path);
        }
    }
    /** The size and time of what is at `path`; null when nothing is. */
    async statOrNull(path) {
        return await this.at(path, async (session) => {
            try {
                return await session.stat(path, this.context.signal);
            }
            catch (error) {
                if (isNotFound(error))
                    return null;
                throw error;
            }
        });
    }
    async freeSpace() {
        return await this.at(this.root, (session) => session.freeSpace(this.root, this.context.signal));
    }
    /** Makes the folder and those above it that are missing. */
    async makeFolder(folder) {
        const found = await this.statOrNull(folder);
        if (found?.isDirectory())
            return;
        if (found !== null)
            throw isFile(folder, this.place);
        const above = external_node_path_.posix.dirname(folder);
        if (above !== folder)
            await this.makeFolder(above);
        const make = this.at(folder, (session) => session.makeFolder(folder, this.context.signal));
        await make.catch(async (error) => {
            // Another upload's, or one that a link leads to.
            if (!(await this.statOrNull(folder))?.isDirectory())
                throw error;
        });
    }
    /** Removes the folder and those above it, below the root, as long as they are empty. */
    async removeEmptyFolders(folder, signal) {
        for (let empty = folder; empty.startsWith(`${this.root}/`); empty = external_node_path_.posix.dirname(empty)) {
            try {
                await this.at(empty, (session) => session.removeFolder(empty, signal), signal);
            }
            catch {
                return; // Not empty, or not ours to remove: an empty folder does no harm.
            }
        }
    }
    /** Removes a file; it is not an error when it does not exist. */
    async removeFile(path, signal) {
        await this.at(path, (session) => session.unlink(path, signal).catch((error) => {
            if (!isNotFound(error))
                throw error;
        }), signal);
    }
    /** For what must work after cancellation too: then it may take a few seconds. */
    cleanUpSignal() {
        return AbortSignal.timeout(this.options.cleanUpTimeout);
    }
    close() {
        this.#session?.then((session) => session.disconnect()).catch(() => { });
        this.#session = null;
    }
    async #connected(signal) {
        const open = await this.#session?.catch(() => null);
        if (open && !open.isLost)
            return open;
        const { place, options } = this;
        const opening = (0,connect/* connectSession */.zK)(this.#location, this.#settings, options, signal).then((channel) => new Session(channel, place, options.answerTimeout));
        this.#session = opening;
        return await opening;
    }
}

;// CONCATENATED MODULE: ./src/store/ssh/transfer/read-file.ts


/** A file's bytes, or those of a range. Several requests are under way, for each takes a whole journey to the server. */
async function readFile(session, path, range, signal) {
    const handle = await session.open(path, 'r', signal);
    try {
        const end = range?.end ?? (await session.stat(path, signal)).size;
        return external_node_stream_.Readable.from(readBlocks(session, handle, { start: range?.start ?? 0, end }, signal), { objectMode: false });
    }
    catch (error) {
        await session.closeFile(handle, signal).catch(() => { }); // The first error counts.
        throw error;
    }
}
async function* readBlocks(session, handle, { start, end }, signal) {
    const underWay = [];
    let next = start;
    try {
        for (;;) {
            for (; next < end && underWay.length < AT_ONCE; next += BLOCK) {
                const block = session.read(handle, next, Math.min(end, next + BLOCK), signal);
                block.catch(() => { }); // Told when its turn comes, which may be never.
                underWay.push(block);
            }
            const block = await underWay.shift();
            if (block === undefined || block.length === 0)
                return;
            yield block;
        }
    }
    finally {
        session.closeFile(handle, signal).catch(() => { }); // It goes with the connection, at the latest.
    }
}

// EXTERNAL MODULE: ./src/store/file-like/upload-state.ts
var upload_state = __webpack_require__(6059);
;// CONCATENATED MODULE: ./src/store/ssh/transfer/digest.ts

/** Servers that have no shell for us, or no sha256sum: asked once. */
const WITHOUT = new WeakSet();
/** Has the server read the file again, where it can; a server that cannot is no error, for the size was compared. */
async function verifyDigest(remote, session, { path, sha256 }, signal) {
    if (WITHOUT.has(remote))
        return;
    const output = await session.execute(`sha256sum < ${quoteForShell(path)}`, remote.options.digestTimeout, signal);
    const found = /^([0-9a-f]{64})\b/.exec(output ?? '')?.[1];
    if (found === undefined) {
        WITHOUT.add(remote);
    }
    else if (found !== sha256) {
        throw new store/* StoreError */.A('failed', `${JSON.stringify(path)} on ${remote.place} is not what was sent: its sha256 is ${found}, and ${sha256} was sent. ` +
            "Look at that machine's disk and memory, or use another store.");
    }
}
/** For a POSIX shell. */
function quoteForShell(path) {
    return `'${path.replaceAll("'", "'\\''")}'`;
}

;// CONCATENATED MODULE: ./src/store/ssh/transfer/upload.ts








/** One file being written: as `<key>.part`, then made durable and compared, then renamed. */
class SftpUpload {
    #remote;
    #path;
    #session;
    #handle;
    #forget;
    #state;
    #hash = (0,external_node_crypto_.createHash)('sha256');
    /** Writes under way, the oldest first. */
    #underWay = [];
    #failure = null;
    #size = 0;
    constructor(remote, path, { session, handle }, forget) {
        this.#remote = remote;
        this.#path = path;
        this.#session = session;
        this.#handle = handle;
        this.#forget = forget;
        this.#state = new upload_state/* UploadState */.B({
            context: remote.context,
            object: JSON.stringify(path),
            cleanUp: (mayExist) => this.#cleanUp(mayExist),
        });
    }
    /** Begins the file for `key`; folders that are missing are made. */
    static async begin(remote, key) {
        const path = remote.path(key);
        const forget = remote.context.track({ kind: 'part', url: remote.url, key });
        try {
            return new SftpUpload(remote, path, await createFile(remote, path + keys/* PART */.s3), forget);
        }
        catch (error) {
            forget();
            throw error;
        }
    }
    async write(chunk) {
        for (let start = 0; start < chunk.length; start += BLOCK) {
            if (this.#underWay.length >= AT_ONCE)
                await this.#underWay.shift();
            if (this.#failure !== null)
                throw await this.#explain(this.#failure);
            this.#check();
            this.#send(chunk.subarray(start, start + BLOCK));
        }
        this.#hash.update(chunk);
    }
    async commit() {
        await this.#state.commit(async () => {
            await this.#publish();
            this.#check();
        }, (error) => this.#explain(error));
        this.#forget();
        return { size: this.#size, uploaded: 'read-back' };
    }
    abort() {
        return this.#state.abort();
    }
    async #cleanUp(mayExist) {
        const signal = this.#remote.cleanUpSignal();
        await this.#session.closeFile(this.#handle, signal).catch(() => { }); // It goes with the connection.
        await this.#remote.removeFile(this.#path + keys/* PART */.s3, signal);
        if (mayExist)
            await this.#remote.removeFile(this.#path, signal);
        await this.#remote.removeEmptyFolders(external_node_path_.posix.dirname(this.#path), signal);
        this.#forget();
    }
    #send(block) {
        const sent = this.#session.write(this.#handle, block, this.#size, this.#state.signal).catch((error) => {
            this.#failure ??= error;
        });
        this.#size += block.length;
        this.#underWay.push(sent);
    }
    async #publish() {
        const part = this.#path + keys/* PART */.s3;
        await Promise.all(this.#underWay);
        this.#check();
        await this.#session.sync(this.#handle, this.#state.signal);
        await this.#session.closeFile(this.#handle, this.#state.signal);
        const { size } = await this.#session.stat(part, this.#state.signal);
        if (size !== this.#size) {
            throw new store/* StoreError */.A('failed', `${this.#size} bytes of ${JSON.stringify(this.#path)} were sent, but ${this.#remote.place} reports ${size}: ` +
                'its disk may be full, or it cannot be trusted.');
        }
        const sent = { path: part, sha256: this.#hash.digest('hex') };
        await verifyDigest(this.#remote, this.#session, sent, this.#state.signal);
        this.#state.setMayExist(); // Also when the rename is not answered.
        try {
            await this.#session.rename(part, this.#path, this.#state.signal);
        }
        catch (error) {
            // An answer says that nothing was renamed: what exists under the name is another's.
            if (statusOf(error) !== null)
                this.#state.setMayExist(false);
            throw error;
        }
    }
    #check() {
        this.#state.throwIfCancelled();
        if (this.#failure !== null)
            throw this.#failure;
    }
    /** SFTP has no word for a full disk, nor for a name that is taken. */
    async #explain(error) {
        const failure = sftpError(error, this.#remote.place, this.#path);
        if (!isPlainFailure(error))
            return failure;
        const free = await this.#remote.freeSpace().catch(() => null);
        if (free !== null && free < AT_ONCE * BLOCK) {
            return new store/* StoreError */.A('full', `${failure.message} ${free} bytes are free there: free space, or use another store.`);
        }
        const taken = await this.#remote.statOrNull(this.#path).catch(() => null);
        if (taken === null)
            return failure;
        return new store/* StoreError */.A('failed', `${failure.message} It is there already, and nothing is overwritten.`);
    }
}
/** Another upload that ends may remove the folder as empty when we have just made it: then it is made again. */
async function createFile(remote, path) {
    const { signal } = remote.context;
    return await remote.at(path, async (session) => {
        for (let attempt = 1;; attempt++) {
            try {
                return { session, handle: await session.open(path, 'w', signal) };
            }
            catch (error) {
                if (!isNotFound(error) || attempt === 5)
                    throw error;
                await remote.makeFolder(external_node_path_.posix.dirname(path));
            }
        }
    });
}

;// CONCATENATED MODULE: ./src/store/ssh/store.ts













/** Makes the store; nothing is sent. */
function createSftpStore(location, settings, context, options) {
    return new SftpStore(new Remote(location, settings, context, { ...DEFAULT_OPTIONS, ...options }));
}
/**
 * A folder on a server, by SFTP: keys are paths below it. Names that begin with a dot or end in `.part` are not objects.
 * Symbolic links below the folder are not followed.
 */
class SftpStore {
    url;
    #remote;
    /** The server's clock less ours, in milliseconds; null before it was seen. */
    #clockAhead = null;
    constructor(remote) {
        this.url = remote.url;
        this.#remote = remote;
    }
    async open() {
        const { root } = this.#remote;
        await this.#remote.makeFolder(root);
        await this.#tryToWrite(external_node_path_.posix.join(root, `.probe-${(0,external_node_crypto_.randomBytes)(8).toString('hex')}${keys/* PART */.s3}`));
    }
    async openToRead() {
        const { root, place } = this.#remote;
        const found = await this.#remote.statOrNull(root);
        if (found?.isDirectory())
            return;
        if (found !== null)
            throw isFile(root, place);
        throw (0,errors/* storeNotFound */.N)(`The folder ${JSON.stringify(root)} on ${place}`);
    }
    async folders(prefix) {
        const entries = await this.#entries(prefix);
        return entries.filter(({ attrs }) => attrs.isDirectory()).map(({ filename }) => filename);
    }
    async *list(prefix) {
        for await (const { key, size, modified } of this.#files(prefix)) {
            if (!key.endsWith(keys/* PART */.s3))
                yield { key, size, modified };
        }
    }
    async read(key, range) {
        if (range !== undefined && range.end <= range.start)
            return external_node_stream_.Readable.from([]);
        const path = this.#remote.path(key);
        const bytes = await this.#remote.at(path, (session) => readFile(session, path, range ?? null, this.#remote.context.signal));
        return (0,store_bytes/* explainReadErrors */.D)(bytes, (error) => sftpError(error, this.#remote.place, path));
    }
    async create(key) {
        return await SftpUpload.begin(this.#remote, key);
    }
    async size(key) {
        const path = this.#remote.path(key);
        const found = await this.#remote.statOrNull(path);
        if (found?.isFile())
            return found.size;
        throw new store/* StoreError */.A('not-found', `There is no file ${JSON.stringify(path)} on ${this.#remote.place}.`);
    }
    async freeSpace() {
        return await this.#remote.freeSpace();
    }
    async remove(key) {
        const path = this.#remote.path(key);
        const { context } = this.#remote;
        const signal = context.signal.aborted ? this.#remote.cleanUpSignal() : context.signal;
        await this.#remote.removeFile(path, signal);
        await this.#remote.removeEmptyFolders(external_node_path_.posix.dirname(path), signal);
    }
    async sweep(prefix, before) {
        const { signal } = this.#remote.context;
        const remove = async ({ key }) => {
            const path = this.#remote.path(key + keys/* PART */.s3);
            await this.#remote.removeFile(path, signal);
            await this.#remote.removeEmptyFolders(external_node_path_.posix.dirname(path), signal);
        };
        return await (0,unfinished/* sweepUnfinished */.k)(await this.#unfinished(prefix), before, remove, this.#remote.context);
    }
    async newestUpload(prefix) {
        return (0,unfinished/* newestOf */.s)(await this.#unfinished(prefix));
    }
    async lockOf() {
        return null;
    }
    clock() {
        return this.#clockAhead === null ? null : new Date(Date.now() + this.#clockAhead);
    }
    close() {
        this.#remote.close();
    }
    /** Rights are not enough to know: a disk may be read-only, or full. The file's time tells the server's clock. */
    async #tryToWrite(probe) {
        const { signal } = this.#remote.context;
        const { mtime } = await this.#remote.at(probe, async (session) => {
            await session.closeFile(await session.open(probe, 'w', signal), signal);
            return await session.stat(probe, signal);
        });
        this.#clockAhead = mtime * 1000 - Date.now();
        await this.#remote.removeFile(probe, signal);
    }
    /** Files being written, or left so by killed runs, by the keys that they were for. */
    async #unfinished(prefix) {
        const unfinished = [];
        for await (const file of this.#files(prefix)) {
            const key = file.key.slice(0, -keys/* PART */.s3.length);
            if (file.key.endsWith(keys/* PART */.s3) && key.startsWith(prefix))
                unfinished.push({ ...file, key });
        }
        return unfinished;
    }
    async *#files(prefix) {
        const folder = (0,keys/* folderOf */.yS)(prefix);
        for (const { filename, attrs } of await this.#entries(folder)) {
            const key = `${folder}${filename}`;
            if (attrs.isDirectory()) {
                if (`${key}/`.startsWith(prefix))
                    yield* this.#files(`${key}/`);
            }
            else if (attrs.isFile() && key.startsWith(prefix)) {
                yield { key, size: attrs.size, modified: new Date(attrs.mtime * 1000) };
            }
        }
    }
    /** What lies directly in a folder, in the order of the keys that it leads to; nothing when there is no such folder. */
    async #entries(prefix) {
        const path = this.#remote.folder(prefix);
        const entries = [];
        await this.#remote.at(path, async (session) => {
            try {
                for await (const entry of session.entries(path, this.#remote.context.signal)) {
                    if ((0,keys/* isName */.Eo)(entry.filename))
                        entries.push(entry);
                }
            }
            catch (error) {
                if (!isNotFound(error))
                    throw error;
            }
        });
        const place = ({ filename, attrs }) => (attrs.isDirectory() ? `${filename}/` : filename);
        return entries.sort((a, b) => (0,keys/* compareKeys */.YD)(place(a), place(b)));
    }
}


/***/ })

};
