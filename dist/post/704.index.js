export const id = 704;
export const ids = [704];
export const modules = {

/***/ 4704:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   removeCluster: () => (/* binding */ removeCluster)
/* harmony export */ });
/* unused harmony exports startCluster, preferLz4, defaultParent */
/* harmony import */ var node_child_process__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1421);
/* harmony import */ var node_child_process__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_child_process__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__webpack_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var node_events__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(8474);
/* harmony import */ var node_events__WEBPACK_IMPORTED_MODULE_2___default = /*#__PURE__*/__webpack_require__.n(node_events__WEBPACK_IMPORTED_MODULE_2__);
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(1455);
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_3___default = /*#__PURE__*/__webpack_require__.n(node_fs_promises__WEBPACK_IMPORTED_MODULE_3__);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(8161);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_4___default = /*#__PURE__*/__webpack_require__.n(node_os__WEBPACK_IMPORTED_MODULE_4__);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(6760);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_5___default = /*#__PURE__*/__webpack_require__.n(node_path__WEBPACK_IMPORTED_MODULE_5__);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(8500);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_6___default = /*#__PURE__*/__webpack_require__.n(node_timers_promises__WEBPACK_IMPORTED_MODULE_6__);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(3916);
/* harmony import */ var _stream_child_js__WEBPACK_IMPORTED_MODULE_8__ = __webpack_require__(2723);









/** Folders of throwaway clusters begin so; what a killed run left is found by it. */
const PREFIX = 'lifeboat-scratch-';
const OWNER_FILE = 'owner.json';
/** Milliseconds. */
const START_WITHIN = 60_000;
/** The kernel's limit for a socket's path is 107 bytes (unix(7)); PostgreSQL adds `/.s.PGSQL.5432.lock`. */
const MAX_FOLDER = 85;
/**
 * Starts a private cluster in a new 0700 folder below `parent`. It listens on a socket in that folder alone, keeps
 * nothing of our environment, and its superuser has a name that no source uses.
 */
async function startCluster(parent, toolset, context) {
    await sweepClusters(parent);
    const user = await serverUser();
    const folder = await makeFolder(parent);
    const forgetFolder = context.track({ kind: 'folder', path: folder });
    let server = null;
    const close = async () => {
        if (server)
            await endServer(server);
        await rm(folder, { recursive: true, force: true, maxRetries: 5 });
        forgetFolder();
    };
    try {
        if (Buffer.byteLength(folder) > MAX_FOLDER)
            throw tooLong(folder);
        await writeFile(join(folder, OWNER_FILE), JSON.stringify(identify(process.pid)));
        const superuser = `lifeboat_${randomBytes(4).toString('hex')}`;
        await makeCluster(folder, superuser, toolset, user, context);
        server = await startServer(folder, toolset, user, context);
        const connection = { PGHOST: folder, PGPORT: '5432', PGUSER: superuser, PGDATABASE: 'postgres' };
        return { connection, folder, close };
    }
    catch (error) {
        await close();
        throw error;
    }
}
async function makeFolder(parent) {
    try {
        return await mkdtemp(join(parent, PREFIX));
    }
    catch (error) {
        throw new LifeboatError(`scratch-dir: no folder can be made in ${JSON.stringify(parent)}: ${messageOf(error)}. Name a folder that is there and that this user may write to.`, { cause: error });
    }
}
/** PostgreSQL refuses to run as root: then it is the user that its packages make, else `nobody`. */
async function serverUser() {
    if (process.getuid?.() !== 0)
        return null;
    const passwd = await readFile('/etc/passwd', 'utf8');
    for (const name of ['postgres', 'nobody']) {
        const entry = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(passwd);
        if (entry)
            return { uid: Number(entry[1]), gid: Number(entry[2]) };
    }
    throw new LifeboatError('PostgreSQL does not run as root, and this machine has no user postgres or nobody to run it as. Run the job as an ordinary user, or give scratch-url.');
}
function tooLong(folder) {
    return new LifeboatError(`scratch-dir: ${JSON.stringify(folder)} is too long for a socket, which may have ${MAX_FOLDER} bytes. Name a shorter folder.`);
}
async function makeCluster(folder, superuser, toolset, user, context) {
    const data = join(folder, 'data');
    await mkdir(data, { mode: 0o700 });
    if (user)
        for (const path of [folder, data])
            await chown(path, user.uid, user.gid);
    const args = ['--encoding=UTF8', '--locale=C', '--auth=trust', '--no-sync', '--no-instructions'];
    // On by default since PostgreSQL 18, when the option came.
    if (toolset.major >= 18)
        args.push('--no-data-checksums');
    await runTool({
        name: 'initdb',
        command: toolset.path('initdb'),
        args: [`--pgdata=${data}`, `--username=${superuser}`, ...args],
        env: environment(),
        ...(user ? { user } : {}),
    }, { signal: context.signal, track: context.track });
}
/** Nothing of ours: what a restore runs (functions in indexes, event triggers) is the source's code. */
function environment() {
    return { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' };
}
/** It is thrown away, so nothing is kept safe; and it waits for nobody. */
function settings(folder) {
    const cores = availableParallelism();
    const quarter = Math.floor(totalmem() / 4 / 1024 ** 2);
    return {
        listen_addresses: '',
        unix_socket_directories: folder,
        fsync: 'off',
        synchronous_commit: 'off',
        full_page_writes: 'off',
        wal_level: 'minimal',
        // A new file of the log is not written twice: a seventh of the server's time in a restore.
        wal_init_zero: 'off',
        wal_recycle: 'off',
        max_wal_senders: '0',
        max_wal_size: '8GB',
        checkpoint_timeout: '1d',
        autovacuum: 'off',
        jit: 'off',
        shared_buffers: `${Math.max(32, Math.min(512, quarter))}MB`,
        maintenance_work_mem: `${Math.max(32, Math.min(256, quarter))}MB`,
        max_parallel_maintenance_workers: String(Math.min(4, cores)),
        // A restore in one transaction, and the comparison, lock thousands of tables.
        max_locks_per_transaction: '4096',
        // /dev/shm is small in containers.
        dynamic_shared_memory_type: 'mmap',
        logging_collector: 'off',
    };
}
/**
 * Long values are compressed by lz4 where the server was built with it: another seventh of its time. How they are stored
 * is not part of what is compared; a column for which the source demands a method keeps that.
 */
async function preferLz4(session) {
    const able = await session.query("select 1 as yes from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)");
    if (able.length === 0)
        return;
    await session.run("alter system set default_toast_compression = 'lz4'");
    await session.run('select pg_reload_conf()');
}
async function startServer(folder, toolset, user, context) {
    const data = join(folder, 'data');
    const logFile = join(folder, 'log');
    const options = Object.entries(settings(folder)).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const log = await open(logFile, 'w', 0o600);
    const server = spawn(toolset.path('postgres'), ['-D', data, ...options], {
        ...user,
        cwd: data,
        env: environment(),
        stdio: ['ignore', log.fd, log.fd],
    });
    const failed = once(server, 'error').then(([error]) => Promise.reject(error));
    failed.catch(() => { });
    if (server.pid !== undefined) {
        const forget = context.track({ kind: 'process', ...identify(server.pid) });
        server.once('exit', forget);
    }
    const stop = () => server.kill('SIGQUIT');
    context.signal.addEventListener('abort', stop, { once: true });
    server.once('exit', () => context.signal.removeEventListener('abort', stop));
    await log.close(); // Not before somebody listens: the server may be gone meanwhile.
    try {
        await Promise.race([failed, untilReady(server, data)]);
        return server;
    }
    catch (error) {
        await endServer(server);
        const said = (await readFile(logFile, 'utf8').catch(() => '')).trim().slice(-2_000);
        throw new LifeboatError(`The throwaway PostgreSQL did not start (${toolset.path('postgres')}): ${error.message} It said: ${said}`, { cause: error });
    }
}
/** pg_ctl waits in the same way: the eighth line of postmaster.pid says `ready` (pg_ctl.c, wait_for_postmaster_start). */
async function untilReady(server, data) {
    for (const end = Date.now() + START_WITHIN; Date.now() < end; await sleep(50)) {
        if (server.exitCode !== null || server.signalCode !== null)
            throw new Error('it ended at once.');
        const status = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
        if (status.split('\n')[7]?.trim() === 'ready')
            return;
    }
    throw new Error(`it was not ready within ${START_WITHIN / 1000} s.`);
}
/** SIGQUIT is PostgreSQL's immediate shutdown: nothing is written any more. */
async function endServer(server) {
    if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null)
        return;
    const ended = once(server, 'exit');
    server.kill('SIGQUIT');
    const late = setTimeout(() => server.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(late);
}
/** Where clusters go when nobody says it. As root the server's user must reach it, so not below root's home. */
function defaultParent() {
    const runnerTemp = process.env.RUNNER_TEMP;
    return process.getuid?.() === 0 || !runnerTemp || Buffer.byteLength(runnerTemp) > MAX_FOLDER - 30
        ? tmpdir()
        : runnerTemp;
}
/** Removes the clusters of runs that were killed, and ends their servers. */
async function sweepClusters(parent) {
    for (const name of await readdir(parent).catch(() => [])) {
        if (!name.startsWith(PREFIX))
            continue;
        const folder = join(parent, name);
        try {
            const owner = JSON.parse(await readFile(join(folder, OWNER_FILE), 'utf8'));
            if (owner.started !== '' && identify(owner.pid).started === owner.started)
                continue;
            await removeCluster(folder);
        }
        catch {
            // Another user's, or one that is being made: not ours to touch.
        }
    }
}
/**
 * Removes a cluster whose owner is gone. Its server is asked to end, not killed: backends that compute do not notice
 * that their postmaster has gone, so it must end them itself.
 */
async function removeCluster(folder) {
    await endOrphan((0,node_path__WEBPACK_IMPORTED_MODULE_5__.join)(folder, 'data'));
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_3__.rm)(folder, { recursive: true, force: true, maxRetries: 5 });
}
async function endOrphan(data) {
    const status = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_3__.readFile)((0,node_path__WEBPACK_IMPORTED_MODULE_5__.join)(data, 'postmaster.pid'), 'utf8').catch(() => '');
    const [pid, folder] = status.split('\n');
    if (folder !== data || !/^\d+$/.test(pid ?? ''))
        return;
    const command = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_3__.readFile)(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    // A pid is used again: it must be the server of this very folder.
    if (command.split('\0').includes(data))
        process.kill(Number(pid), 'SIGQUIT');
    for (let waited = 0; waited < 50 && (await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_3__.readFile)(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) !== ''; waited++) {
        await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_6__.setTimeout)(100);
    }
}


/***/ })

};
