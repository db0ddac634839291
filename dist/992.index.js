export const id = 992;
export const ids = [992];
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

/***/ 6611:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   SftpOrRsync: () => (/* binding */ SftpOrRsync)
/* harmony export */ });
/* harmony import */ var _connect_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(4686);

/** A server by SFTP, or by rsync when it lets this key in and does not offer SFTP: that shows with the first request. */
class SftpOrRsync {
    url;
    #rsync;
    #context;
    #sftp;
    #store;
    constructor(sftp, rsync, context) {
        this.url = sftp.url;
        this.#sftp = sftp;
        this.#store = sftp;
        this.#rsync = rsync;
        this.#context = context;
    }
    get movesWhole() {
        return this.#store.movesWhole ?? false;
    }
    open() {
        return this.#request((store) => store.open());
    }
    openToRead() {
        return this.#request((store) => store.openToRead());
    }
    folders(prefix) {
        return this.#request((store) => store.folders(prefix));
    }
    async *list(prefix) {
        try {
            yield* this.#store.list(prefix);
        }
        catch (error) {
            // It comes before the first object.
            if (!(error instanceof _connect_js__WEBPACK_IMPORTED_MODULE_0__/* .NoSftp */ .BP))
                throw error;
            this.#switchToRsync();
            yield* this.#store.list(prefix);
        }
    }
    read(key, range) {
        return this.#request((store) => store.read(key, range));
    }
    create(key) {
        return this.#request((store) => store.create(key));
    }
    size(key) {
        return this.#request((store) => store.size(key));
    }
    freeSpace() {
        return this.#request((store) => store.freeSpace());
    }
    remove(key) {
        return this.#request((store) => store.remove(key));
    }
    sweep(prefix, before) {
        return this.#request((store) => store.sweep(prefix, before));
    }
    newestUpload(prefix) {
        return this.#request((store) => store.newestUpload(prefix));
    }
    lockOf(key) {
        return this.#store.lockOf(key);
    }
    clock() {
        return this.#store.clock();
    }
    close() {
        this.#store.close();
    }
    async #request(request) {
        try {
            return await request(this.#store);
        }
        catch (error) {
            if (!(error instanceof _connect_js__WEBPACK_IMPORTED_MODULE_0__/* .NoSftp */ .BP))
                throw error;
            this.#switchToRsync();
            return await request(this.#store);
        }
    }
    /** Several requests may find out at the same time. */
    #switchToRsync() {
        if (this.#store !== this.#sftp)
            return;
        this.#context.info(`${this.url} offers no SFTP to this key: it is spoken to by rsync.`);
        this.#sftp.close();
        this.#store = this.#rsync();
    }
}


/***/ })

};
