export const id = 475;
export const ids = [475];
export const modules = {

/***/ 2046:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   D: () => (/* binding */ explainReadErrors)
/* harmony export */ });
/* harmony import */ var node_stream__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7075);
/* harmony import */ var node_stream__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_stream__WEBPACK_IMPORTED_MODULE_0__);

/** The same bytes as a stream whose failure is the error that `explain` makes of it. */
function explainReadErrors(bytes, explain) {
    bytes.on('error', () => { }); // It may fail before anyone reads; the reader then learns of it.
    const stream = node_stream__WEBPACK_IMPORTED_MODULE_0__.Readable.from(readOrExplain(bytes, explain), { objectMode: false });
    stream.once('close', () => bytes.destroy());
    return stream;
}
async function* readOrExplain(bytes, explain) {
    try {
        yield* bytes;
    }
    catch (error) {
        throw await explain(error);
    }
}


/***/ }),

/***/ 665:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   N: () => (/* binding */ storeNotFound)
/* harmony export */ });
/* harmony import */ var _store_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1644);

/** `place`: the store's URL or folder, for a message. */
function storeNotFound(place) {
    return new _store_js__WEBPACK_IMPORTED_MODULE_0__/* .StoreError */ .A('not-found', `${place} does not exist. Correct the path in "store", or mount the disk.`);
}


/***/ }),

/***/ 1730:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   Eo: () => (/* binding */ isName),
/* harmony export */   XK: () => (/* binding */ requireKey),
/* harmony export */   YD: () => (/* binding */ compareKeys),
/* harmony export */   m0: () => (/* binding */ isKey),
/* harmony export */   s3: () => (/* binding */ PART),
/* harmony export */   yS: () => (/* binding */ folderOf)
/* harmony export */ });
/* harmony import */ var _store_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1644);

/** What a key ends in while its object is being written, where a store has no other place for that. */
const PART = '.part';
/**
 * Keys come from listings too: none may lead out of the store, or to what is no object. Names that begin with a dot are
 * a file system's own, or a probe of ours.
 */
function requireKey(key, kind) {
    if (isKey(key))
        return;
    throw new _store_js__WEBPACK_IMPORTED_MODULE_0__/* .StoreError */ .A('failed', `${JSON.stringify(key)} cannot be a key in ${kind} store.`);
}
function isKey(key) {
    return key.split('/').every(isName);
}
/** Whether a name that a listing shows can be that of a folder or an object. */
function isName(name) {
    return name !== '' && !name.startsWith('.') && !/[/\0]/.test(name);
}
/** The folder in which everything lies whose key begins with `prefix`: empty, or ending in a slash. */
function folderOf(prefix) {
    return prefix.slice(0, prefix.lastIndexOf('/') + 1);
}
/** Orders keys as every store lists them: by their bytes. */
function compareKeys(a, b) {
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
}


/***/ }),

/***/ 539:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   k: () => (/* binding */ sweepUnfinished),
/* harmony export */   s: () => (/* binding */ newestOf)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3916);

/** Removes those from before `before`; one that cannot be removed is logged. Returns the keys of the removed ones. */
async function sweepUnfinished(unfinished, before, remove, context) {
    const swept = [];
    for (const file of unfinished) {
        if (file.modified >= before)
            continue;
        try {
            await remove(file);
            swept.push(file.key);
        }
        catch (error) {
            context.info(`An unfinished file of an earlier run was not removed: ${(0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .messageOf */ .bD)(error)}`);
        }
    }
    return swept;
}
/** The time of the newest; null when there is none. */
function newestOf(unfinished) {
    const times = unfinished.map(({ modified }) => modified.getTime());
    return times.length === 0 ? null : new Date(Math.max(...times));
}


/***/ }),

/***/ 1475:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  openStore: () => (/* binding */ openStore)
});

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
var keys = __webpack_require__(1730);
// EXTERNAL MODULE: ./src/store/store.ts
var store = __webpack_require__(1644);
// EXTERNAL MODULE: ./src/store/file/errors.ts
var file_errors = __webpack_require__(7965);
// EXTERNAL MODULE: ./src/store/file/folders.ts
var folders = __webpack_require__(8289);
// EXTERNAL MODULE: ./src/store/file/read.ts
var read = __webpack_require__(2162);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:util"
var external_node_util_ = __webpack_require__(7975);
;// CONCATENATED MODULE: ./src/store/file/root.ts






/**
 * The folder that a store is, and the paths of its objects. It may itself be a link; nothing below it may: a link
 * would lead reads, writes and deletions to files that are not of this store.
 */
class Root {
    path;
    /** As it was when the run began to write; null: any folder will do. */
    #pinned = null;
    /** Open until the end, so that the system gives its inode number to no other folder. */
    #handle = null;
    constructor(path) {
        this.path = path;
    }
    /** Remembers which folder it is: from now on no other one in its place is used. */
    async pin() {
        this.unpin();
        // One that may be written and not read cannot be opened.
        this.#handle = await (0,external_node_util_.promisify)(external_node_fs_.open)(this.path, external_node_fs_.constants.O_RDONLY | external_node_fs_.constants.O_DIRECTORY).catch(() => null);
        const { dev, ino } = await (0,promises_.stat)(this.path);
        this.#pinned = { dev, ino };
    }
    unpin() {
        if (this.#handle !== null)
            (0,external_node_fs_.close)(this.#handle, () => { });
        this.#handle = null;
    }
    /** Where an object lies. Keys come from listings too: none may lead out of the root, or to what is no object. */
    pathOf(key) {
        if (key.split('/').some((segment) => segment === '' || segment.startsWith('.') || segment.includes('\0'))) {
            throw new store/* StoreError */.A('failed', `${JSON.stringify(key)} cannot be a key in a file store.`);
        }
        return (0,external_node_path_.join)(this.path, key);
    }
    /** Requires that an object is looked for where it was stored: in the same root, and behind no link. */
    async check(key) {
        await this.#checkRoot();
        let folder = this.path;
        for (const segment of key.split('/').slice(0, -1)) {
            folder = (0,external_node_path_.join)(folder, segment);
            const found = await lstatOrNull(folder);
            if (found === null)
                return;
            if (found.isSymbolicLink())
                throw isLink(folder);
        }
    }
    async #checkRoot() {
        if (this.#pinned === null)
            return;
        const found = await (0,promises_.stat)(this.path).catch((error) => {
            if ((0,file_errors/* codeOf */.$N)(error) === 'ENOENT')
                return null;
            throw error;
        });
        const { dev, ino } = this.#pinned;
        if (found?.dev === dev && found.ino === ino)
            return;
        throw new store/* StoreError */.A('failed', `The store ${JSON.stringify(this.path)} is not the folder that it was when this run began: its disk was unmounted, ` +
            'something was mounted over it, or it was moved or replaced. What this run wrote before is in the other folder. ' +
            'Mount the right disk, and run again.');
    }
}
async function lstatOrNull(path) {
    try {
        return await (0,promises_.lstat)(path);
    }
    catch (error) {
        if ((0,file_errors/* codeOf */.$N)(error) === 'ENOENT' || (0,file_errors/* codeOf */.$N)(error) === 'ENOTDIR')
            return null;
        throw error;
    }
}
function isLink(folder) {
    return new store/* StoreError */.A('failed', `${JSON.stringify(folder)} is a symbolic link, and links in a store are not followed. Replace it by a real folder ` +
        'or a bind mount, or name the folder that it leads to in store.');
}

// EXTERNAL MODULE: ./src/store/file/upload.ts
var upload = __webpack_require__(9203);
;// CONCATENATED MODULE: ./src/store/file/store.ts













/** Makes the store for a folder; nothing is touched before `open()`. */
function openFileStore(location, context) {
    return new FileStore(location, context);
}
/**
 * A folder as a store: keys are paths below it, objects are regular files. Names that begin with a dot are not objects:
 * they are files being written, or a file system's own (`.snapshot`). Symbolic links below the folder are not followed.
 */
class FileStore {
    url;
    #root;
    #context;
    constructor({ path, url }, context) {
        this.url = url;
        this.#root = new Root(path);
        this.#context = context;
    }
    async open() {
        const { path } = this.#root;
        if (!(0,external_node_path_.isAbsolute)(path)) {
            throw new store/* StoreError */.A('failed', `The store ${JSON.stringify(path)} must be an absolute path.`);
        }
        await (0,file_errors/* withFileErrors */.MH)(path, async () => {
            if (!(await this.#exists()))
                await (0,folders/* makeFolder */.fc)(path);
            await this.#root.pin();
            await tryToWrite(path);
        });
    }
    async openToRead() {
        const { path } = this.#root;
        if (await (0,file_errors/* withFileErrors */.MH)(path, () => this.#exists()))
            return;
        throw (0,file_like_errors/* storeNotFound */.N)(`The store ${JSON.stringify(path)}`);
    }
    async #exists() {
        const { path } = this.#root;
        const found = await statOrNull(path);
        if (found !== null && !found.isDirectory()) {
            throw new store/* StoreError */.A('failed', `The store ${JSON.stringify(path)} is a file. Name a folder: it is created when it does not exist.`);
        }
        return found !== null;
    }
    async folders(prefix) {
        const entries = await this.#entries(prefix);
        return entries.filter(isVisibleFolder).map((entry) => entry.name);
    }
    async *list(prefix) {
        const folder = (0,keys/* folderOf */.yS)(prefix);
        for (const entry of await this.#entries(folder)) {
            const key = `${folder}${entry.name}`;
            if (isVisibleFolder(entry)) {
                if (`${key}/`.startsWith(prefix))
                    yield* this.list(`${key}/`);
            }
            else if (isVisibleFile(entry) && key.startsWith(prefix)) {
                const path = this.#root.pathOf(key);
                const found = await (0,file_errors/* withFileErrors */.MH)(path, () => lstatOrNull(path));
                if (found?.isFile())
                    yield { key, size: found.size, modified: found.mtime };
            }
        }
    }
    async read(key, range) {
        if (range !== undefined && range.end <= range.start)
            return external_node_stream_.Readable.from([]);
        const path = this.#root.pathOf(key);
        const file = await (0,file_errors/* withFileErrors */.MH)(path, async () => {
            await this.#root.check(key);
            return await (0,read/* openRegular */.l)(path);
        });
        const bytes = file.createReadStream({
            highWaterMark: 1024 * 1024,
            signal: this.#context.signal,
            ...(range === undefined ? {} : { start: range.start, end: range.end - 1 }),
        });
        return (0,store_bytes/* explainReadErrors */.D)(bytes, (error) => (0,file_errors/* fileError */.zS)(error, path));
    }
    async create(key) {
        const path = this.#root.pathOf(key);
        return await (0,file_errors/* withFileErrors */.MH)(path, () => upload/* FileUpload */.ef.begin(key, this.#root, this.#context));
    }
    async size(key) {
        const path = this.#root.pathOf(key);
        return await (0,file_errors/* withFileErrors */.MH)(path, async () => {
            await this.#root.check(key);
            const found = await (0,promises_.lstat)(path);
            (0,read/* requireRegular */.O)(found, path);
            return found.size;
        });
    }
    /** What the user of this run may use: of some file systems a part is root's. */
    async freeSpace() {
        const { path } = this.#root;
        const { bavail, bsize } = await (0,file_errors/* withFileErrors */.MH)(path, () => (0,promises_.statfs)(path));
        return bavail * bsize;
    }
    async remove(key) {
        const path = this.#root.pathOf(key);
        await (0,file_errors/* withFileErrors */.MH)(path, async () => {
            await this.#root.check(key);
            await (0,promises_.rm)(path, { force: true });
            await (0,folders/* removeEmptyFolders */.dp)((0,external_node_path_.dirname)(path), this.#root.path);
        });
    }
    async sweep(prefix, before) {
        const swept = [];
        for await (const { key, path } of this.#unfinished(prefix)) {
            if (await this.#removeIfOlder(path, before))
                swept.push(key);
        }
        return swept;
    }
    async newestUpload(prefix) {
        let newest = null;
        for await (const { path } of this.#unfinished(prefix)) {
            const found = await (0,file_errors/* withFileErrors */.MH)(path, () => lstatOrNull(path));
            if (found !== null && (newest === null || found.mtime > newest))
                newest = found.mtime;
        }
        return newest;
    }
    async lockOf() {
        return null;
    }
    clock() {
        return null;
    }
    close() {
        this.#root.unpin();
    }
    /** What lies directly in a folder, in the order of the keys that it leads to; nothing when there is no such folder. */
    async #entries(folder) {
        const path = folder === '' ? this.#root.path : this.#root.pathOf(folder.slice(0, -1));
        const entries = await (0,file_errors/* withFileErrors */.MH)(path, async () => {
            await this.#root.check(folder);
            return await (0,promises_.readdir)(path, { withFileTypes: true }).catch(emptyIfMissing);
        });
        const place = (entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name);
        return entries.sort((a, b) => (0,keys/* compareKeys */.YD)(place(a), place(b)));
    }
    /** Files being written, or left so by killed runs: where they lie, and the keys that they were for. */
    async *#unfinished(prefix) {
        const folder = (0,keys/* folderOf */.yS)(prefix);
        for (const entry of await this.#entries(folder)) {
            const key = folder + ((0,upload/* nameOfTemporary */.gc)(entry.name) ?? entry.name);
            if (isVisibleFolder(entry)) {
                if (`${key}/`.startsWith(prefix))
                    yield* this.#unfinished(`${key}/`);
            }
            else if (entry.isFile() && (0,upload/* nameOfTemporary */.gc)(entry.name) !== null && key.startsWith(prefix)) {
                yield { key, path: (0,external_node_path_.join)(this.#root.path, folder, entry.name) };
            }
        }
    }
    async #removeIfOlder(path, before) {
        try {
            const found = await lstatOrNull(path);
            if (found === null || found.mtime >= before)
                return false;
            await (0,promises_.rm)(path, { force: true });
            await (0,folders/* removeEmptyFolders */.dp)((0,external_node_path_.dirname)(path), this.#root.path);
            return true;
        }
        catch (error) {
            this.#context.info(`An unfinished file of an earlier run was not removed: ${(0,errors/* messageOf */.bD)(error)}`);
            return false;
        }
    }
}
function isVisibleFolder(entry) {
    return entry.isDirectory() && !entry.name.startsWith('.');
}
function isVisibleFile(entry) {
    return entry.isFile() && !entry.name.startsWith('.');
}
/** Rights are not enough to know: a file system may be read-only, or full of inodes. */
async function tryToWrite(root) {
    const probe = (0,upload/* temporaryPath */.l5)((0,external_node_path_.join)(root, 'probe'));
    await (0,promises_.writeFile)(probe, '', { mode: 0o600, flag: 'wx' });
    await (0,promises_.rm)(probe);
}
async function statOrNull(path) {
    try {
        return await (0,promises_.stat)(path);
    }
    catch (error) {
        if ((0,file_errors/* codeOf */.$N)(error) === 'ENOENT')
            return null;
        throw error;
    }
}
function emptyIfMissing(error) {
    if ((0,file_errors/* codeOf */.$N)(error) === 'ENOENT' || (0,file_errors/* codeOf */.$N)(error) === 'ENOTDIR')
        return [];
    throw error;
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:events"
var external_node_events_ = __webpack_require__(8474);
// EXTERNAL MODULE: ./src/store/file-like/unfinished.ts
var unfinished = __webpack_require__(539);
// EXTERNAL MODULE: ./src/process/child.ts + 2 modules
var child = __webpack_require__(2380);
// EXTERNAL MODULE: ./src/store/reason.ts
var store_reason = __webpack_require__(4377);
;// CONCATENATED MODULE: ./src/store/rclone/remote.ts




/** How long taking something back may take in all: a cancelled job is killed after 10 s. Milliseconds. */
const CLEAN_UP_WITHIN = 4_000;
/**
 * A server that is gone is given up at once: whoever calls decides whether to try again. A configuration that is
 * locked is no reason to wait for a password.
 */
const FLAGS = ['--retries=1', '--low-level-retries=3', '--contimeout=20s', '--timeout=60s', '--ask-password=false'];
/** rclone(1), "Exit code": the directory, the file was not found. */
const NOT_FOUND = [3, 4];
/** Of the runner's, and of no use to rclone, whose own configuration may well be in the environment. */
const NOT_ITS_BUSINESS = /^(INPUT_|LIFEBOAT_|STATE_|ACTIONS_|GITHUB_|PG)/;
/** rclone, and a folder of one of its remotes. */
class Remote {
    url;
    context;
    #root;
    constructor({ url, remote, path }, context) {
        this.url = url;
        this.context = context;
        this.#root = `${remote}:${path}`;
    }
    /** An object as rclone names it. */
    path(key) {
        (0,keys/* requireKey */.XK)(key, 'an rclone');
        return `${this.folder('')}${key}`;
    }
    /** Where the keys that begin with a folder's prefix lie. */
    folder(prefix) {
        if (prefix !== '')
            return this.path(prefix.slice(0, -1));
        return /[:/]$/.test(this.#root) ? this.#root : `${this.#root}/`;
    }
    /** Starts rclone with its output as a stream. */
    start(args, signal = this.context.signal) {
        return (0,child/* startTool */.pQ)(this.#command(args), { signal, track: this.context.track });
    }
    /** Runs rclone to its end. Resolves with its output; rejects with a StoreError. */
    async run(args, signal = this.context.signal) {
        if (signal.aborted)
            throw this.error(args, new Error('the run was cancelled'));
        try {
            return (await (0,child/* runTool */.qI)(this.#command(args), { signal, track: this.context.track })).toString('utf8');
        }
        catch (error) {
            throw signal.aborted ? this.error(args, new Error('the run was cancelled')) : this.error(args, error);
        }
    }
    /** The object's size; null when there is none. */
    async sizeOrNull(key, signal) {
        try {
            const { Size, IsDir } = JSON.parse(await this.run(['lsjson', '--stat', '--no-modtime', this.path(key)], signal));
            return IsDir || typeof Size !== 'number' ? null : Size;
        }
        catch (error) {
            if (error instanceof store/* StoreError */.A && error.code === 'not-found')
                return null;
            throw error;
        }
    }
    /** Removes an object; it is not an error when it does not exist, though some versions of rclone report one. */
    async remove(key, signal) {
        try {
            await this.run(['deletefile', this.path(key)], signal);
        }
        catch (error) {
            if ((await this.sizeOrNull(key, signal)) !== null)
                throw error;
        }
    }
    /** Removes the folder of a key and those above it, below the root, as long as they are empty. */
    async removeEmptyFolders(key, signal) {
        for (let end = key.lastIndexOf('/'); end > 0; end = key.lastIndexOf('/', end - 1)) {
            try {
                await this.run(['rmdir', this.path(key.slice(0, end))], signal);
            }
            catch {
                return; // Not empty, or not there: an empty folder does no harm.
            }
        }
    }
    /** For what must work after cancellation too. */
    cleanUpSignal() {
        return AbortSignal.timeout(CLEAN_UP_WITHIN);
    }
    /** Makes an error for the user. What rclone says is text from outside. */
    error(args, error) {
        if (error instanceof store/* StoreError */.A)
            return error;
        const cause = { cause: error };
        const { exitCode = null, stderr = '' } = error instanceof child/* ToolError */.v4 ? error : {};
        if (error instanceof child/* ToolError */.v4 && error.cause !== undefined) {
            return new store/* StoreError */.A('failed', `${this.url}: ${(0,store_reason/* reasonOf */.A)(error)} Install it: https://rclone.org/install/`, cause);
        }
        const code = codeOf(exitCode, stderr);
        const reason = lastLine(stderr) || (0,store_reason/* reasonOf */.A)(error);
        const step = STEPS[code] ?? '';
        return new store/* StoreError */.A(code, `${this.url}: rclone ${args[0]} failed: ${reason}.${step}`, cause);
    }
    #command(args) {
        const env = Object.entries(process.env).filter(([name]) => !NOT_ITS_BUSINESS.test(name));
        return {
            name: 'rclone',
            command: 'rclone',
            args: [...args, ...FLAGS],
            env: Object.fromEntries(env),
        };
    }
}
const STEPS = {
    denied: " Look at the rights of that remote's account, and whether its keys are still good.",
    full: ' Free space there, or use another store.',
    failed: ' Try the same remote by hand: rclone lsd REMOTE:',
};
function codeOf(exitCode, stderr) {
    if (NOT_FOUND.includes(exitCode ?? 0))
        return 'not-found';
    if (/no space left|quota exceeded|insufficient ?storage|storage ?full|disk full/i.test(stderr))
        return 'full';
    if (/permission denied|access ?denied|forbidden|unauthorized|unable to authenticate/i.test(stderr))
        return 'denied';
    return 'failed';
}
/** rclone's last word, without the time before it. */
function lastLine(stderr) {
    const line = stderr.split('\n').filter(Boolean).at(-1) ?? '';
    return (0,store_reason/* reasonOf */.A)(line.replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /, ''));
}

// EXTERNAL MODULE: ./src/store/file-like/upload-state.ts
var upload_state = __webpack_require__(6059);
;// CONCATENATED MODULE: ./src/store/rclone/upload.ts



/**
 * One object being written, by `rclone rcat` as `<key>.part`, for rclone takes the end of its input for the end of the
 * object, however that came. Moved once it is there with the right size.
 */
class RcloneUpload {
    #remote;
    #key;
    #args;
    #tool;
    #forget;
    #state;
    #size = 0;
    constructor(remote, key) {
        this.#args = ['rcat', remote.path(key + keys/* PART */.s3)];
        this.#remote = remote;
        this.#key = key;
        this.#state = new upload_state/* UploadState */.B({
            context: remote.context,
            object: this.#object(),
            cleanUp: (mayExist) => this.#cleanUp(mayExist),
        });
        this.#state.throwIfCancelled();
        this.#forget = remote.context.track({ kind: 'part', url: remote.url, key });
        this.#tool = remote.start(this.#args, this.#state.signal);
    }
    /** Resolves when the bytes are in the pipe to rclone: then the chunk is the caller's again. */
    async write(chunk) {
        this.#state.throwIfCancelled();
        const written = new Promise((resolve, reject) => {
            this.#tool.stdin.write(chunk, (error) => (error ? reject(error) : resolve()));
        });
        try {
            // A dead rclone closes its pipe: how it ended says more than that.
            await Promise.race([written, this.#tool.finished.then(() => written)]);
        }
        catch (error) {
            written.catch(() => { });
            throw await this.#explain(error);
        }
        this.#size += chunk.length;
    }
    async commit() {
        await this.#state.commit(() => this.#publish(), (error) => this.#explain(error));
        this.#forget();
        return { size: this.#size, uploaded: 'read-back' };
    }
    abort() {
        return this.#state.abort();
    }
    async #cleanUp(mayExist) {
        const signal = this.#remote.cleanUpSignal();
        await this.#tool.finished.catch(() => { }); // It was killed.
        await this.#remote.remove(this.#key + keys/* PART */.s3, signal);
        if (mayExist)
            await this.#remote.remove(this.#key, signal);
        await this.#remote.removeEmptyFolders(this.#key, signal);
        this.#forget();
    }
    async #publish() {
        this.#state.throwIfCancelled();
        this.#tool.stdin.end();
        await this.#tool.finished;
        await this.#requireSize(this.#key + keys/* PART */.s3);
        if ((await this.#remote.sizeOrNull(this.#key, this.#state.signal)) !== null) {
            throw new store/* StoreError */.A('failed', `${this.#remote.url}: ${JSON.stringify(this.#key)} is there already, and nothing is overwritten.`);
        }
        this.#state.setMayExist();
        const [from, to] = [this.#remote.path(this.#key + keys/* PART */.s3), this.#remote.path(this.#key)];
        await this.#remote.run(['moveto', from, to], this.#state.signal);
        await this.#requireSize(this.#key);
    }
    async #requireSize(key) {
        const found = await this.#remote.sizeOrNull(key, this.#state.signal);
        if (found === this.#size)
            return;
        throw new store/* StoreError */.A('failed', `${this.#remote.url}: ${this.#size} bytes of ${JSON.stringify(key)} were sent, but ${found ?? 'nothing'} is there: ` +
            'use another store.');
    }
    #object() {
        return `${JSON.stringify(this.#key)} in ${this.#remote.url}`;
    }
    async #explain(error) {
        if (this.#state.signal.aborted)
            return (0,upload_state/* cancelledError */.Y)(this.#object());
        if (error instanceof store/* StoreError */.A)
            return error;
        const ending = await this.#tool.finished.then(() => error, (failure) => failure);
        return this.#remote.error(this.#args, ending);
    }
}

;// CONCATENATED MODULE: ./src/store/rclone/store.ts









/** A folder of a remote of rclone: keys are paths below it. Names that begin with a dot or end in `.part` are not objects. */
class RcloneStore {
    url;
    #remote;
    constructor(location, context) {
        this.url = location.url;
        this.#remote = new Remote(location, context);
    }
    async open() {
        const root = this.#remote.folder('');
        // Not always: the keys of a bucket may well be allowed to write into it, and not to make it.
        if (!(await this.#exists()))
            await this.#remote.run(['mkdir', root]);
        const probe = this.#remote.path(`probe-${(0,external_node_crypto_.randomBytes)(8).toString('hex')}${keys/* PART */.s3}`);
        await this.#remote.run(['rcat', probe]);
        await this.#remote.run(['deletefile', probe]);
    }
    async openToRead() {
        if (await this.#exists())
            return;
        throw new store/* StoreError */.A('not-found', `${this.url} does not exist. Correct the path in "store".`);
    }
    async folders(prefix) {
        const names = [];
        for await (const { Name } of this.#entries(prefix, ['--dirs-only']))
            if ((0,keys/* isName */.Eo)(Name))
                names.push(Name);
        return names.sort(keys/* compareKeys */.YD);
    }
    async *list(prefix) {
        yield* (await this.#files(prefix)).filter(({ key }) => !key.endsWith(keys/* PART */.s3));
    }
    async read(key, range) {
        const path = this.#remote.path(key);
        if (range !== undefined && range.end <= range.start)
            return external_node_stream_.Readable.from([]);
        const part = range === undefined ? [] : [`--offset=${range.start}`, `--count=${range.end - range.start}`];
        const args = ['cat', path, ...part];
        const tool = this.#remote.start(args);
        tool.stdin.end();
        try {
            // A missing object is reported here, and not to the reader of the stream.
            await Promise.race([(0,external_node_events_.once)(tool.stdout, 'readable'), tool.finished]);
        }
        catch (error) {
            throw this.#remote.error(args, error);
        }
        return (0,store_bytes/* explainReadErrors */.D)(external_node_stream_.Readable.from(outputOf(tool), { objectMode: false }), (error) => this.#remote.error(args, error));
    }
    async create(key) {
        return new RcloneUpload(this.#remote, key);
    }
    async size(key) {
        const size = await this.#remote.sizeOrNull(key);
        if (size !== null)
            return size;
        throw new store/* StoreError */.A('not-found', `${this.url}: there is no object ${JSON.stringify(key)}.`);
    }
    async freeSpace() {
        try {
            const { free } = JSON.parse(await this.#remote.run(['about', '--json', this.#remote.folder('')]));
            return typeof free === 'number' ? free : null;
        }
        catch (error) {
            if (error instanceof store/* StoreError */.A && /doesn't support|not supported/i.test(error.message))
                return null;
            throw error;
        }
    }
    async remove(key) {
        const { context } = this.#remote;
        const signal = context.signal.aborted ? this.#remote.cleanUpSignal() : context.signal;
        await this.#remote.remove(key, signal);
        await this.#remote.removeEmptyFolders(key, signal);
    }
    async sweep(prefix, before) {
        const remove = async ({ key }) => {
            await this.#remote.remove(key + keys/* PART */.s3);
            await this.#remote.removeEmptyFolders(key);
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
        return null;
    }
    close() { }
    async #exists() {
        try {
            await this.#remote.run(['lsjson', '--dirs-only', '--no-modtime', this.#remote.folder('')]);
            return true;
        }
        catch (error) {
            if (error instanceof store/* StoreError */.A && error.code === 'not-found')
                return false;
            throw error;
        }
    }
    /** Objects being written, or left so by killed runs, by the keys that they were for. */
    async #unfinished(prefix) {
        return (await this.#files(prefix)).flatMap((file) => {
            const key = file.key.slice(0, -keys/* PART */.s3.length);
            return file.key.endsWith(keys/* PART */.s3) && key.startsWith(prefix) ? [{ ...file, key }] : [];
        });
    }
    async #files(prefix) {
        const folder = (0,keys/* folderOf */.yS)(prefix);
        const files = [];
        for await (const { Path, Size, ModTime } of this.#entries(folder, ['--recursive', '--files-only'])) {
            const key = folder + Path;
            if ((0,keys/* isKey */.m0)(key) && key.startsWith(prefix))
                files.push({ key, size: Size, modified: new Date(ModTime) });
        }
        return files.sort((a, b) => (0,keys/* compareKeys */.YD)(a.key, b.key));
    }
    /** What a folder holds; nothing when there is none. rclone prints one entry a line. */
    async *#entries(folder, flags) {
        const args = ['lsjson', '--no-mimetype', ...flags, this.#remote.folder(folder)];
        const tool = this.#remote.start(args);
        tool.stdin.end();
        try {
            let rest = '';
            for await (const chunk of tool.stdout.setEncoding('utf8')) {
                const lines = (rest + chunk).split('\n');
                rest = lines.pop() ?? '';
                for (const line of lines)
                    if (line.startsWith('{'))
                        yield JSON.parse(line.replace(/,$/, ''));
            }
            await tool.finished;
        }
        catch (error) {
            const failure = this.#remote.error(args, error);
            if (failure.code !== 'not-found')
                throw failure;
        }
        finally {
            tool.kill();
        }
    }
}
/** The bytes count only when rclone has ended well. */
async function* outputOf(tool) {
    try {
        yield* tool.stdout;
        await tool.finished;
    }
    finally {
        tool.kill();
    }
}

;// CONCATENATED MODULE: ./src/store/rclone/open.ts

/** Makes the store for a folder of a remote; nothing is started before `open()`. */
function openRcloneStore(location, context) {
    return new RcloneStore(location, context);
}

;// CONCATENATED MODULE: ./src/store/s3/open.ts
/**
 * Makes the store for a folder of a bucket on AWS or an S3-compatible server; nothing is sent before `open()`.
 * The AWS SDK takes a tenth of a second to load: only a run that uses it does.
 */
async function openS3Store(location, settings, context, options = {}) {
    const { createS3Store } = await Promise.all(/* import() */[__webpack_require__.e(711), __webpack_require__.e(485), __webpack_require__.e(523)]).then(__webpack_require__.bind(__webpack_require__, 8523));
    return createS3Store(location, settings, context, options);
}

;// CONCATENATED MODULE: ./src/store/ssh/open.ts

/**
 * Makes the store for a folder on a server that is reached by ssh; nothing is sent before `open()`. The library takes
 * a while to load: only a run that uses it does.
 */
async function openSshStore(location, settings, context, options = {}) {
    if (settings === null)
        throw new store/* StoreError */.A('denied', `${location.url} needs ssh-key and ssh-known-hosts.`);
    const { RsyncStore } = await Promise.all(/* import() */[__webpack_require__.e(472), __webpack_require__.e(405)]).then(__webpack_require__.bind(__webpack_require__, 8405));
    const rsync = () => new RsyncStore(location, settings, context);
    if (location.via === 'rsync')
        return rsync();
    const [{ createSftpStore }, { SftpOrRsync }] = await Promise.all([Promise.all(/* import() */[__webpack_require__.e(472), __webpack_require__.e(458)]).then(__webpack_require__.bind(__webpack_require__, 6458)), Promise.all(/* import() */[__webpack_require__.e(472), __webpack_require__.e(992)]).then(__webpack_require__.bind(__webpack_require__, 6611))]);
    return new SftpOrRsync(createSftpStore(location, settings, context, options), rsync, context);
}

;// CONCATENATED MODULE: ./src/store/timeout/waiting.ts
/** Timers of JavaScript overflow after that, and then fire at once. */
const LONGEST = 2 ** 31 - 1;
/** A timer that is due this much too late is left as it is. Milliseconds. */
const TOLERANCE = 50;
/**
 * Waits for one thing after the other, each with a limit, by one timer: a listing has so many entries that a timer for
 * each takes tens of megabytes.
 */
class Waiting {
    #late;
    #end = 0;
    #allowed = 0;
    #fail = null;
    #timer;
    #due = Number.POSITIVE_INFINITY;
    /** `late` makes the error of what was waited for longer than allowed (milliseconds). */
    constructor(late) {
        this.#late = late;
    }
    for(allowed, request) {
        this.#allowed = allowed;
        this.#end = performance.now() + allowed;
        if (this.#end < this.#due - TOLERANCE)
            this.#arm();
        return new Promise((resolve, reject) => {
            this.#fail = reject;
            request().then((value) => {
                this.#fail = null;
                resolve(value);
            }, (error) => {
                this.#fail = null;
                reject(error);
            });
        });
    }
    /** Nothing is waited for any more. */
    stop() {
        clearTimeout(this.#timer);
    }
    #arm() {
        clearTimeout(this.#timer);
        this.#due = this.#end;
        this.#timer = setTimeout(() => this.#check(), Math.min(this.#end - performance.now(), LONGEST));
    }
    #check() {
        this.#due = Number.POSITIVE_INFINITY;
        if (this.#fail === null)
            return; // The next wait sets the timer.
        if (performance.now() < this.#end)
            this.#arm();
        else
            this.#fail(this.#late(this.#allowed));
    }
}

;// CONCATENATED MODULE: ./src/store/timeout/deadline.ts


/** Bytes a second on average. A server that sends less is not waited for, however regularly it drips. */
const SLOWEST = 16 * 1024;
/** A listing has so many times as long as one answer: a large set takes many requests. */
const LISTING = 12;
/** Timers of JavaScript overflow after that, and then fire at once. */
const deadline_LONGEST = 2 ** 31 - 1;
/** Waits for one store. A store that was waited for too long is late for good: what follows fails at once. */
class Deadline {
    #url;
    #timeout;
    #stop;
    #error = null;
    /** `timeout`: milliseconds without an answer. `stop` ends what is under way in a store that is late. */
    constructor(url, timeout, stop) {
        this.#url = url;
        this.#timeout = timeout;
        this.#stop = stop;
    }
    /** One answer, and `bytes` at the slowest rate that is accepted. */
    async answer(what, request, bytes = 0) {
        return await this.#within(this.#timeout + timeFor(bytes), what, request);
    }
    /** An answer that takes a walk through folders. */
    async walk(what, request) {
        return await this.#within(LISTING * this.#timeout, what, request);
    }
    /** The entries of a listing. Time that the reader takes between them does not count, here and in {@link bytes}. */
    entries(what, source) {
        return this.#each(what, source, {
            budget: LISTING * this.#timeout,
            longest: Number.POSITIVE_INFINITY,
            earns: () => 0,
        });
    }
    /** A stream, which must go on within the timeout and bring {@link SLOWEST} on average. */
    bytes(what, source) {
        const earns = (chunk) => timeFor(chunk.length);
        return this.#each(what, source, { budget: this.#timeout, longest: this.#timeout, earns });
    }
    /**
     * Each item may be waited for until the budget is used up, to which every item adds what it earns. Not a generator: for a
     * listing of 50,000 objects its promises alone take tens of megabytes.
     */
    #each(what, source, { budget, longest, earns }) {
        const iterator = source[Symbol.asyncIterator]();
        const waiting = new Waiting((allowed) => this.#timedOut(allowed, what));
        const request = () => iterator.next();
        let left = budget;
        const next = async () => {
            try {
                if (this.#error !== null)
                    throw this.#error;
                const began = performance.now();
                const result = await waiting.for(Math.max(1, Math.min(left, longest)), request);
                if (result.done)
                    waiting.stop();
                else
                    left += earns(result.value) - (performance.now() - began);
                return result;
            }
            catch (error) {
                await end(); // Unlike a generator it is not ended by what it throws.
                throw error;
            }
        };
        const end = async () => {
            waiting.stop();
            iterator.return?.().catch(() => { }); // Not awaited: of a late store it would wait for what never comes.
            return { done: true, value: undefined };
        };
        const each = { next, return: end, throw: end, [Symbol.asyncIterator]: () => each };
        return each;
    }
    async #within(milliseconds, what, request) {
        if (this.#error !== null)
            throw this.#error;
        let timer;
        const late = new Promise((_, reject) => {
            timer = setTimeout(() => reject(this.#timedOut(milliseconds, what)), Math.min(milliseconds, deadline_LONGEST));
        });
        try {
            return await Promise.race([request(), late]);
        }
        finally {
            clearTimeout(timer);
        }
    }
    #timedOut(waited, what) {
        const step = 'Check the store and the network, or raise store-timeout.';
        const late = waited < this.#timeout
            ? `${this.#url} sends less than ${SLOWEST / 1024} KiB/s (${what}). ${step}`
            : `${this.#url} did not answer for ${Math.round(waited / 1000)} s (${what}). ${step}`;
        this.#error ??= new store/* StoreError */.A('late', late);
        this.#stop.abort(this.#error);
        return this.#error;
    }
}
function timeFor(bytes) {
    return (bytes / SLOWEST) * 1000;
}

;// CONCATENATED MODULE: ./src/store/timeout/timed.ts


/**
 * Makes a store that is never waited for without an end: each answer, each read and each write is bounded by `timeout`
 * (the input store-timeout). A store that is late once is not asked again, but for what takes its objects back.
 */
async function openTimed(timeout, context, open) {
    const late = new AbortController();
    const store = await open({
        signal: AbortSignal.any([context.signal, late.signal]),
        track: (leftover) => context.track(leftover),
        info: (line) => context.info(line),
    });
    return new TimedStore(store, new Deadline(store.url, timeout, late));
}
class TimedStore {
    url;
    #store;
    #deadline;
    /** Of objects that are read as a whole, as last told: their ranges are read one by one. */
    #sizes = new Map();
    /** Bytes of whole objects that are under way: other questions wait until these have come through. */
    #moving = 0;
    constructor(store, deadline) {
        this.url = store.url;
        this.#store = store;
        this.#deadline = deadline;
    }
    get movesWhole() {
        return this.#store.movesWhole ?? false;
    }
    open() {
        return this.#answer('open', () => this.#store.open());
    }
    openToRead() {
        return this.#answer('open', () => this.#store.openToRead());
    }
    folders(prefix) {
        return this.#deadline.walk(`list ${prefix}`, () => this.#store.folders(prefix));
    }
    list(prefix) {
        return this.#deadline.entries(`list ${prefix}`, this.#store.list(prefix));
    }
    async read(key, range) {
        const what = `read ${key}`;
        const size = await this.#wholeSize(key);
        const bytes = await this.#move(size, () => this.#answer(what, () => this.#store.read(key, range)));
        bytes.on('error', () => { }); // It may fail before anyone reads; the reader then learns of it.
        const stream = external_node_stream_.Readable.from(this.#deadline.bytes(what, bytes), { objectMode: false });
        stream.once('close', () => bytes.destroy());
        return stream;
    }
    async create(key) {
        const upload = await this.#answer('open', () => this.#store.create(key));
        let written = 0;
        return {
            write: async (chunk) => {
                await this.#answer('write', () => upload.write(chunk));
                written += chunk.length;
            },
            commit: () => this.#move(this.movesWhole ? written : 0, () => this.#answer('commit', () => upload.commit())),
            abort: () => upload.abort(),
        };
    }
    async size(key) {
        const size = await this.#answer(`size of ${key}`, () => this.#store.size(key));
        if (this.movesWhole)
            this.#sizes.set(key, size);
        return size;
    }
    freeSpace() {
        return this.#answer('free space', () => this.#store.freeSpace());
    }
    /** Also of a late store: after that, what removes has a few seconds of its own. */
    remove(key) {
        return this.#store.remove(key);
    }
    sweep(prefix, before) {
        return this.#deadline.walk(`sweep ${prefix}`, () => this.#store.sweep(prefix, before));
    }
    newestUpload(prefix) {
        return this.#deadline.walk(`list uploads of ${prefix}`, () => this.#store.newestUpload(prefix));
    }
    lockOf(key) {
        return this.#answer(`lock of ${key}`, () => this.#store.lockOf(key));
    }
    clock() {
        return this.#store.clock();
    }
    close() {
        this.#store.close();
    }
    #answer(what, request) {
        return this.#deadline.answer(what, request, this.#moving);
    }
    async #move(bytes, act) {
        this.#moving += bytes;
        try {
            return await act();
        }
        finally {
            this.#moving -= bytes;
        }
    }
    /** What must come before the first byte can: 0 where a read brings bytes at once. */
    async #wholeSize(key) {
        if (!this.movesWhole)
            return 0;
        return this.#sizes.get(key) ?? (await this.size(key));
    }
}

;// CONCATENATED MODULE: ./src/store/open.ts





/** Makes the store that a location names. The caller opens it, and closes it in the end. */
function openStore(location, access, context) {
    return openTimed(access.storeTimeout, context, (timed) => makeStore(location, access, timed));
}
async function makeStore(location, access, context) {
    switch (location.kind) {
        case 'file':
            return openFileStore(location, context);
        case 's3':
            return await openS3Store(location, access.s3, context);
        case 'rclone':
            return openRcloneStore(location, context);
        case 'ssh':
            return await openSshStore(location, access.ssh, context);
    }
}


/***/ }),

/***/ 4377:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   A: () => (/* binding */ reasonOf)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3916);

/** What went wrong, as a server or a program said it: text from outside, for the middle of a sentence. */
function reasonOf(error) {
    return (0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .messageOf */ .bD)(error)
        .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
        .slice(0, 500)
        .replace(/[.\s]+$/, '');
}


/***/ })

};
