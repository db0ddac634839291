export const id = 405;
export const ids = [405];
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

/***/ 8405:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  RsyncStore: () => (/* binding */ RsyncStore)
});

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
// EXTERNAL MODULE: ./src/errors.ts
var errors = __webpack_require__(3916);
// EXTERNAL MODULE: ./src/store/bytes.ts
var store_bytes = __webpack_require__(2046);
// EXTERNAL MODULE: ./src/store/file-like/errors.ts
var file_like_errors = __webpack_require__(665);
// EXTERNAL MODULE: ./src/store/file-like/keys.ts
var keys = __webpack_require__(9349);
// EXTERNAL MODULE: ./src/store/file-like/unfinished.ts
var unfinished = __webpack_require__(539);
// EXTERNAL MODULE: ./src/store/store.ts
var store = __webpack_require__(1644);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./src/process/child.ts + 1 modules
var child = __webpack_require__(8066);
// EXTERNAL MODULE: ./src/store/reason.ts
var store_reason = __webpack_require__(4377);
// EXTERNAL MODULE: ./src/store/ssh/connect.ts
var connect = __webpack_require__(4686);
// EXTERNAL MODULE: ./src/store/ssh/known-hosts.ts
var known_hosts = __webpack_require__(1365);
;// CONCATENATED MODULE: ./src/store/ssh/rsync/remote.ts












/** What stays free on this machine's disk while a file is spooled. Bytes. */
const SPARE = 64 * 1024 * 1024;
/** What rsync takes for patterns. */
const WILDCARDS = /[[\]*?\\]/g;
/** How often another rsync is waited for, and how long each time: milliseconds. */
const ATTEMPTS = 20;
const PAUSE = 250;
/** Seconds. A server that is silent for so long is given up. */
const TIMEOUT = 60;
/** How long taking something back may take in all: a cancelled job is killed after 10 s. Milliseconds. */
const CLEAN_UP_WITHIN = 4_000;
/** Of the user's own configuration nothing is used, nothing is asked, and no server is spoken to that is not known. */
const SSH_OPTIONS = [
    '-F none',
    '-o BatchMode=yes',
    '-o IdentitiesOnly=yes',
    '-o StrictHostKeyChecking=yes',
    '-o GlobalKnownHostsFile=none',
    '-o UpdateHostKeys=no',
    `-o ConnectTimeout=${TIMEOUT}`,
    '-o ServerAliveInterval=15',
    '-o ServerAliveCountMax=4',
];
/** rsync, and a folder of a server. Key and known hosts lie in a private folder that goes with `close()`. */
class RsyncRemote {
    url;
    /** For messages: user, server, port. */
    place;
    context;
    #location;
    #settings;
    #folder = null;
    #forget = () => { };
    #last = Promise.resolve();
    constructor(location, settings, context) {
        this.url = location.url;
        this.place = (0,connect/* placeOf */.$t)(location);
        this.context = context;
        this.#location = location;
        this.#settings = settings;
    }
    /** An object as rsync names what it reads: there it takes `*`, `?` and `[` for more than themselves. */
    path(key) {
        (0,keys/* requireKey */.XK)(key, 'an ssh');
        return `${this.folder('')}${key.replace(WILDCARDS, '\\$&')}`;
    }
    /** The folder of the keys that begin with a prefix, which is empty or ends in a slash. */
    folder(prefix) {
        if (prefix !== '')
            return `${this.path(prefix.slice(0, -1))}/`;
        const { user, host, path } = this.#location;
        return `${user}@${host.includes(':') ? `[${host}]` : host}:${path}/`;
    }
    /** A new folder for a file that is on its way, in the private one. */
    async spool() {
        const folder = (0,external_node_path_.join)(await this.#private(), (0,external_node_crypto_.randomBytes)(8).toString('hex'));
        await (0,promises_.mkdir)(folder, { mode: 0o700 });
        return folder;
    }
    /** Throws when this machine's disk has no room for so many bytes more: rsync cannot read a stream. */
    async requireRoom(folder, bytes) {
        const { bavail, bsize } = await (0,promises_.statfs)(folder);
        if (bavail * bsize >= bytes + SPARE)
            return;
        throw new store/* StoreError */.A('full', `rsync sends files and no streams, so a volume must lie on this machine's disk while it is sent or read, encrypted: ${JSON.stringify(folder)} has no room for it. Free space there (it is RUNNER_TEMP, or TMPDIR), or let the server offer SFTP.`);
    }
    /** What a folder holds, with all below it or not; null when it does not exist. */
    async list(prefix, recursive, signal = this.context.signal) {
        const depth = recursive ? '--recursive' : '--dirs';
        try {
            const text = await this.run(['--list-only', '--no-human-readable', depth, this.folder(prefix)], signal);
            return text.split('\n').flatMap(readEntry);
        }
        catch (error) {
            if (error instanceof store/* StoreError */.A && error.code === 'not-found')
                return null;
            throw error;
        }
    }
    /** The object's size; null when it does not exist. */
    async sizeOrNull(key, signal) {
        try {
            const text = await this.run(['--list-only', '--no-human-readable', this.path(key)], signal);
            const [entry] = text.split('\n').flatMap(readEntry);
            return entry === undefined || entry.folder ? null : entry.size;
        }
        catch (error) {
            if (error instanceof store/* StoreError */.A && error.code === 'not-found')
                return null;
            throw error;
        }
    }
    /**
     * Removes one name from a folder, and nothing else: whatever the filter leaves out, rsync neither sends nor deletes. A
     * folder that is not empty stays, for what is in it is left out too.
     */
    async remove(folder, name, signal = this.context.signal) {
        const empty = await this.spool();
        const pattern = name.replace(WILDCARDS, '\\$&');
        const filters = [`--include=/${pattern}`, '--exclude=*'];
        try {
            await this.run(['--dirs', '--delete', ...filters, `${empty}/`, this.#written(folder)], signal);
        }
        catch (error) {
            // Neither the name nor its folder.
            if (!(error instanceof store/* StoreError */.A && error.code === 'not-found'))
                throw error;
        }
        finally {
            await (0,promises_.rm)(empty, { recursive: true, force: true });
        }
    }
    /** A folder as rsync names what it writes into. */
    #written(prefix) {
        return `${this.folder('')}${prefix}`;
    }
    /** Runs rsync to its end, one at a time. Resolves with its output; rejects with a StoreError. */
    run(args, signal = this.context.signal) {
        const result = this.#last.then(() => this.#runWhenFree(args, signal));
        this.#last = result.catch(() => { });
        return result;
    }
    /** rrsync lets in one at a time: one that was killed here may not have ended there yet. */
    async #runWhenFree(args, signal) {
        for (let attempt = 1;; attempt++) {
            try {
                return await this.#runOnce(args, signal);
            }
            catch (error) {
                if (attempt === ATTEMPTS || !/Another instance of rrsync/.test((0,errors/* messageOf */.bD)(error)))
                    throw error;
                await (0,external_node_timers_promises_.setTimeout)(PAUSE);
            }
        }
    }
    async #runOnce(args, signal) {
        const cancelled = () => new store/* StoreError */.A('failed', `Speaking to ${this.place} was cancelled.`);
        if (signal.aborted)
            throw cancelled();
        const [rsh, { PATH = '/usr/bin:/bin', HOME = '/' }] = [await this.#shell(), process.env];
        const spec = {
            name: 'rsync',
            command: 'rsync',
            args: [`--rsh=${rsh}`, `--timeout=${TIMEOUT}`, '--8-bit-output', ...args],
            // The times of a listing are this machine's.
            env: { PATH, HOME, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
        };
        try {
            return (await (0,child/* runTool */.qI)(spec, { signal, track: this.context.track })).toString('utf8');
        }
        catch (error) {
            throw signal.aborted ? cancelled() : this.#explain(error);
        }
    }
    /** For what must work after cancellation too. */
    cleanUpSignal() {
        return AbortSignal.timeout(CLEAN_UP_WITHIN);
    }
    close() {
        void this.#removePrivate(this.#folder);
        this.#folder = null;
    }
    async #removePrivate(made) {
        const folder = await made?.catch(() => null);
        if (!folder)
            return;
        try {
            await (0,promises_.rm)(folder, { recursive: true, force: true });
            this.#forget();
        }
        catch (error) {
            this.context.info(`The ssh key is left behind in ${JSON.stringify(folder)}, remove it by hand: ${(0,errors/* messageOf */.bD)(error)}`);
        }
    }
    async #shell() {
        const folder = await this.#private();
        const files = `-i '${(0,external_node_path_.join)(folder, 'key')}' -o UserKnownHostsFile='${(0,external_node_path_.join)(folder, 'known_hosts')}'`;
        return `ssh -p ${this.#location.port} ${files} ${SSH_OPTIONS.join(' ')}`;
    }
    #private() {
        this.#folder ??= this.#makePrivate();
        return this.#folder;
    }
    async #makePrivate() {
        const folder = await (0,promises_.mkdtemp)((0,external_node_path_.join)(process.env.RUNNER_TEMP || (0,external_node_os_.tmpdir)(), 'lifeboat-rsync-'));
        this.#forget = this.context.track({ kind: 'folder', path: folder });
        const { key, knownHosts } = this.#settings;
        const lines = (0,known_hosts/* linesFor */.b)(knownHosts, this.#location).map(({ line }) => `${line}\n`);
        await (0,promises_.writeFile)((0,external_node_path_.join)(folder, 'key'), key, { mode: 0o600 });
        await (0,promises_.writeFile)((0,external_node_path_.join)(folder, 'known_hosts'), lines.join(''), { mode: 0o600 });
        return folder;
    }
    #explain(error) {
        if (!(error instanceof child/* ToolError */.v4))
            return new store/* StoreError */.A('failed', `${this.url}: ${(0,store_reason/* reasonOf */.A)(error)}.`, { cause: error });
        const { exitCode, stderr } = error;
        const cause = CAUSES.find(({ words }) => words.test(stderr));
        const lines = stderr.split('\n').filter(Boolean);
        const reason = lines.find((line) => cause?.words.test(line)) ?? lines[0] ?? error.message;
        const what = exitCode === null ? 'rsync could not be started' : `rsync ended with ${exitCode}`;
        const [code, step] = cause?.means ?? ['failed', ''];
        return new store/* StoreError */.A(code, `${this.url}: ${what}: ${(0,store_reason/* reasonOf */.A)(new Error(reason))}.${step}`, { cause: error });
    }
}
/** Exit codes of rsync and ssh say little (FAILURES T5): the words do. */
const CAUSES = [
    {
        words: /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed/,
        means: [
            'denied',
            " Either the server has a new key, or an attacker is in between. Nothing was sent. Ask the server's owner which key is right, and correct ssh-known-hosts.",
        ],
    },
    {
        words: /Permission denied \(/,
        means: ['denied', " Put the key's public half into that user's authorized_keys: ssh-keygen -y -f FILE prints it."],
    },
    {
        words: /Another instance of rrsync/,
        means: [
            'failed',
            ' Another run is at work there. Run again when it has ended, or let the server start rrsync with -no-lock.',
        ],
    },
    { words: /No space left|Disk quota exceeded/, means: ['full', ' Free space there, or use another store.'] },
    // Of what was asked for, and of nothing else: of a folder that goes while it is listed, or a program that is not here, it
    // would make an empty store.
    { words: /(?:link_stat|change_dir|mkdir) .*No such file or directory/, means: ['not-found', ''] },
    { words: /Permission denied/, means: ['denied', ' Give the user that logs in rights to it.'] },
    {
        words: /Connection refused|Could not resolve|timed out|No route/,
        means: ['failed', ' Check name and port in the URL, and whether a firewall lets the runner in.'],
    },
];
/** `-rw-------   1234 2026/11/26 08:00:00 shop/id/manifest.json`. */
function readEntry(line) {
    const [, kind, size, date = '', time, path = ''] = /^([-dl])\S{9}\s+(\d+) (\d{4}\/\d\d\/\d\d) (\d\d:\d\d:\d\d) (.+)$/.exec(line) ?? [];
    if (kind !== '-' && kind !== 'd')
        return [];
    return [
        { folder: kind === 'd', size: Number(size), modified: new Date(`${date.replaceAll('/', '-')}T${time}Z`), path },
    ];
}

// EXTERNAL MODULE: ./src/store/file-like/upload-state.ts
var upload_state = __webpack_require__(6059);
;// CONCATENATED MODULE: ./src/store/ssh/rsync/upload.ts





/** Room is looked for again after so many bytes. */
const LOOK_EVERY = 64 * 1024 * 1024;
/** One file being written: into a spool of this machine, encrypted as it is, for rsync skips a pipe and exits with 0. */
class RsyncUpload {
    #remote;
    #key;
    #spool;
    #file;
    #state;
    #size = 0;
    #roomChecked = 0;
    constructor(remote, key, spool, file) {
        this.#remote = remote;
        this.#key = key;
        this.#spool = spool;
        this.#file = file;
        this.#state = new upload_state/* UploadState */.B({
            context: remote.context,
            object: JSON.stringify(key),
            cleanUp: (mayExist) => this.#cleanUp(mayExist),
        });
    }
    static async begin(remote, key) {
        remote.path(key);
        if (remote.context.signal.aborted)
            throw (0,upload_state/* cancelledError */.Y)(JSON.stringify(key));
        const spool = await remote.spool();
        await remote.requireRoom(spool, LOOK_EVERY);
        const path = (0,external_node_path_.join)(spool, key);
        await (0,promises_.mkdir)((0,external_node_path_.dirname)(path), { recursive: true, mode: 0o700 });
        return new RsyncUpload(remote, key, spool, await (0,promises_.open)(path, 'wx', 0o600));
    }
    async write(chunk) {
        this.#state.throwIfCancelled();
        if (this.#size - this.#roomChecked >= LOOK_EVERY) {
            await this.#remote.requireRoom(this.#spool, LOOK_EVERY);
            this.#roomChecked = this.#size;
        }
        await this.#file.writeFile(chunk);
        this.#size += chunk.length;
    }
    async commit() {
        await this.#state.commit(async () => {
            this.#state.throwIfCancelled();
            await this.#publish();
        }, (error) => error instanceof store/* StoreError */.A ? error : new store/* StoreError */.A('failed', `${(0,errors/* messageOf */.bD)(error)}.`, { cause: error }));
        await this.#removeSpool();
        return { size: this.#size, uploaded: 'read-back' };
    }
    abort() {
        return this.#state.abort();
    }
    async #cleanUp(mayExist) {
        await this.#removeSpool();
        if (mayExist)
            await removeObject(this.#remote, this.#key, this.#remote.cleanUpSignal());
    }
    /** rsync writes under a name of its own, `.name.XXXXXX`, and renames; then a second one compares what is there. */
    async #publish() {
        await this.#file.sync();
        await this.#file.close();
        const [local, remote] = [(0,external_node_path_.join)(this.#spool, '.', '/'), this.#remote.folder('')];
        if ((await this.#remote.sizeOrNull(this.#key, this.#state.signal)) !== null) {
            throw new store/* StoreError */.A('failed', `${this.#remote.path(this.#key)} is there already, and nothing is overwritten.`);
        }
        this.#state.setMayExist();
        const modes = ['--chmod=D700,F600', '--perms'];
        await this.#remote.run(['--relative', ...modes, `${local}./${this.#key}`, remote], this.#state.signal);
        const compare = ['--relative', '--dry-run', '--checksum', '--itemize-changes', `${local}./${this.#key}`, remote];
        const changes = (await this.#remote.run(compare, this.#state.signal))
            .split('\n')
            .filter((line) => /^[<>]f/.test(line));
        if (changes.length === 0)
            return;
        throw new store/* StoreError */.A('failed', `${this.#size} bytes of ${JSON.stringify(this.#key)} were sent, and ${this.#remote.place} has not the same: its disk may be full, or it cannot be trusted.`);
    }
    async #removeSpool() {
        await this.#file.close().catch(() => { }); // It is closed, once it was sent.
        await (0,promises_.rm)(this.#spool, { recursive: true, force: true });
    }
}
/** Removes an object, and the folders above it that are empty then. */
async function removeObject(remote, key, signal) {
    remote.path(key);
    const names = key.split('/');
    for (let depth = names.length; depth > 0; depth--) {
        const folder = names.slice(0, depth - 1).join('/');
        await remote.remove(folder === '' ? '' : `${folder}/`, names[depth - 1] ?? '', signal);
        if (depth > 1 && ((await remote.list(`${folder}/`, false, signal)) ?? []).length > 1)
            return;
    }
}

;// CONCATENATED MODULE: ./src/store/ssh/rsync/store.ts













/** What rsync calls a file while it writes it: `.name.XXXXXX`. */
const UNFINISHED = /^\.(.+)\.[A-Za-z0-9]{6}$/;
/** A folder of a server that lets a key do rsync and nothing else, as rrsync does. */
class RsyncStore {
    url;
    movesWhole = true;
    #remote;
    /** The newest last. */
    #fetched = [];
    /** As last told by the server: each question is a connection of its own. */
    #sizes = new Map();
    constructor(location, settings, context) {
        this.url = location.url;
        this.#remote = new RsyncRemote(location, settings, context);
    }
    async open() {
        const probe = `probe-${(0,external_node_crypto_.randomBytes)(8).toString('hex')}${keys/* PART */.s3}`;
        const upload = await this.create(probe);
        await upload.commit();
        await this.#remote.remove('', probe);
    }
    async openToRead() {
        if ((await this.#remote.list('', false)) !== null)
            return;
        throw (0,file_like_errors/* storeNotFound */.N)(this.url);
    }
    async folders(prefix) {
        const entries = (await this.#remote.list(prefix, false)) ?? [];
        return entries.flatMap(({ folder, path }) => (folder && (0,keys/* isName */.Eo)(path) ? [path] : [])).sort(keys/* compareKeys */.YD);
    }
    async *list(prefix) {
        yield* (await this.#files(prefix)).filter(({ key }) => (0,keys/* isKey */.m0)(key) && !key.endsWith(keys/* PART */.s3) && key.startsWith(prefix));
    }
    async read(key, range) {
        if (range !== undefined && range.end <= range.start)
            return external_node_stream_.Readable.from([]);
        const path = await this.#fetch(key);
        const bytes = (0,external_node_fs_.createReadStream)(path, range === undefined ? {} : { start: range.start, end: range.end - 1 });
        return (0,store_bytes/* explainReadErrors */.D)(bytes, (error) => new store/* StoreError */.A('failed', `${this.url}: ${(0,errors/* messageOf */.bD)(error)}.`, { cause: error }));
    }
    async create(key) {
        return await RsyncUpload.begin(this.#remote, key);
    }
    async size(key) {
        const size = await this.#remote.sizeOrNull(key);
        if (size !== null) {
            this.#sizes.set(key, size);
            return size;
        }
        throw new store/* StoreError */.A('not-found', `There is no file ${JSON.stringify(key)} in ${this.url}.`);
    }
    /** rsync does not tell. */
    async freeSpace() {
        return null;
    }
    async remove(key) {
        const { signal } = this.#remote.context;
        await removeObject(this.#remote, key, signal.aborted ? this.#remote.cleanUpSignal() : signal);
    }
    async sweep(prefix, before) {
        const remove = ({ key, name }) => this.#remote.remove((0,keys/* folderOf */.yS)(key), name);
        return await (0,unfinished/* sweepUnfinished */.k)(await this.#unfinished(prefix), before, remove, this.#remote.context);
    }
    async newestUpload(prefix) {
        return (0,unfinished/* newestOf */.s)(await this.#unfinished(prefix));
    }
    async lockOf() {
        return null;
    }
    clock() {
        return null;
    }
    close() {
        this.#remote.close();
    }
    /** rsync fetches whole files: each is fetched once, and the last two are kept. */
    async #fetch(key) {
        const known = this.#fetched.find((fetched) => fetched.key === key);
        if (known)
            return await known.path;
        const fetched = { key, path: this.#download(key) };
        this.#fetched.push(fetched);
        fetched.path.catch(() => {
            this.#fetched = this.#fetched.filter((one) => one !== fetched);
        });
        // Whoever still reads one that goes has it open.
        for (const old of this.#fetched.splice(0, this.#fetched.length - 2)) {
            void old.path.then((path) => (0,promises_.rm)((0,external_node_path_.dirname)(path), { recursive: true, force: true })).catch(() => { });
        }
        return await fetched.path;
    }
    async #download(key) {
        // For the room alone: rsync does not find a file either that was deleted meanwhile.
        const size = this.#sizes.get(key) ?? (await this.size(key));
        const spool = await this.#remote.spool();
        await this.#remote.requireRoom(spool, size);
        const path = (0,external_node_path_.join)(spool, (0,external_node_path_.basename)(key));
        await this.#remote.run([this.#remote.path(key), path]);
        return path;
    }
    /** Files being written, or left so by a server that was switched off, by the keys that they were for. */
    async #unfinished(prefix) {
        return (await this.#files(prefix)).flatMap((file) => {
            const name = (0,external_node_path_.basename)(file.key);
            const [, wanted] = UNFINISHED.exec(name) ?? [];
            const key = `${(0,keys/* folderOf */.yS)(file.key)}${wanted}`;
            return wanted !== undefined && key.startsWith(prefix) ? [{ ...file, key, name }] : [];
        });
    }
    async #files(prefix) {
        const folder = (0,keys/* folderOf */.yS)(prefix);
        const entries = (await this.#remote.list(folder, true)) ?? [];
        return entries
            .filter((entry) => !entry.folder)
            .map(({ path, size, modified }) => ({ key: folder + path, size, modified }))
            .sort((a, b) => (0,keys/* compareKeys */.YD)(a.key, b.key));
    }
}


/***/ })

};
