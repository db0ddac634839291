export const id = 358;
export const ids = [358];
export const modules = {

/***/ 9358:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  removeCluster: () => (/* binding */ removeCluster)
});

// UNUSED EXPORTS: DATA, PREFIX, SOCKET, removeTree

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./src/errors.ts
var errors = __webpack_require__(3916);
// EXTERNAL MODULE: ./src/process/child.ts + 2 modules
var child = __webpack_require__(2380);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
;// CONCATENATED MODULE: ./src/process/owned-folder.ts




const OWNER_FILE = 'owner.json';
/** Longer than any that is ours. Bytes. */
const MAX_OWNER = 4096;
/** No run lasts that long. Milliseconds. */
const WEEK = (/* unused pure expression or super */ null && (7 * 86_400_000));
function thisProcess() {
    return { ...identifyProcess(process.pid), namespace: namespaceOfProcesses() };
}
/** Creates a 0700 folder that says whose it is. */
async function createOwnedFolder(parent, prefix, owner) {
    const path = await mkdtemp(join(parent, prefix));
    await writeOwner(path, owner);
    return path;
}
async function writeOwner(folder, owner) {
    const file = join(folder, OWNER_FILE);
    await writeFile(`${file}.new`, JSON.stringify(owner), { mode: 0o600 });
    await rename(`${file}.new`, file);
}
/** Calls `remove` with each folder that a run which is gone left below `parent`. */
async function sweepFolders(parent, prefix, remove) {
    if (!(await keepsNames(parent)))
        return;
    for (const name of await readdir(parent).catch(() => [])) {
        if (!name.startsWith(prefix))
            continue;
        const folder = join(parent, name);
        try {
            if (await isAbandoned(folder))
                await remove(folder);
        }
        catch {
            // Another run removes it at this moment, or a process in it still writes: the next run tries again.
        }
    }
}
/**
 * null: it is not a folder of ours. Nothing that another user created is followed, waited for or believed: the file could
 * be a link, or a FIFO that blocks whoever opens it (open(2)).
 */
async function readOwner(folder) {
    const status = await statusOf(folder);
    return status !== null && isOurs(status) ? ((await readOwnerFile(folder))?.owner ?? null) : null;
}
/** A folder that belongs to us and that nobody else may write to. */
function isOurs(status) {
    return status.isDirectory() && status.uid === process.getuid?.() && (status.mode & 0o022) === 0;
}
/** null: it does not exist. */
async function statusOf(path) {
    try {
        return await (0,promises_.lstat)(path);
    }
    catch (error) {
        if (error.code === 'ENOENT')
            return null;
        throw error;
    }
}
/** Whether other users can neither rename nor remove what is ours in the folder. */
async function keepsNames(folder) {
    const status = await statusOf(folder);
    if (!status?.isDirectory())
        return false;
    const trusted = status.uid === 0 || status.uid === process.getuid?.();
    return trusted && ((status.mode & 0o022) === 0 || (status.mode & 0o1000) !== 0);
}
async function isAbandoned(folder) {
    const status = await statusOf(folder);
    const found = status !== null && isOurs(status) ? await readOwnerFile(folder) : null;
    if (found === null)
        return false;
    const { owner, written } = found;
    return hasEnded({ ...owner, isHere: owner.namespace === namespaceOfProcesses() }, written);
}
/**
 * Whether a run has ended that began at `since` (milliseconds). `isHere`: its pid is of our namespace; another's cannot be
 * looked up.
 */
function hasEnded({ pid, started, isHere }, since) {
    if (!isHere)
        return Date.now() - since > WEEK;
    return started === '' || identifyProcess(pid).started !== started;
}
async function readOwnerFile(folder) {
    const flags = external_node_fs_.constants.O_RDONLY | external_node_fs_.constants.O_NOFOLLOW | external_node_fs_.constants.O_NONBLOCK;
    const file = await (0,promises_.open)((0,external_node_path_.join)(folder, OWNER_FILE), flags).catch(() => null);
    if (file === null)
        return null;
    try {
        const status = await file.stat();
        if (!status.isFile() || status.uid !== process.getuid?.() || status.size > MAX_OWNER)
            return null;
        const owner = parseOwner(await file.readFile('utf8'));
        return owner === null ? null : { owner, written: status.mtimeMs };
    }
    finally {
        await file.close();
    }
}
function parseOwner(text) {
    try {
        const owner = JSON.parse(text);
        const { pid, started, namespace } = owner;
        if (typeof pid !== 'number' || typeof started !== 'string' || typeof namespace !== 'string')
            return null;
        return { ...owner, pid, started, namespace };
    }
    catch {
        return null;
    }
}
function namespaceOfProcesses() {
    try {
        return readlinkSync('/proc/self/ns/pid');
    }
    catch {
        return '';
    }
}

// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __webpack_require__(1421);
;// CONCATENATED MODULE: ./src/postgres/scratch/isolation/command-succeeds.ts

/** Milliseconds. */
const TIMEOUT = 10_000;
/** Whether a command exits with 0. One that does not exist or hangs does not. */
function command_succeeds_commandSucceeds({ command, args, env, cwd, user }) {
    const signal = AbortSignal.timeout(TIMEOUT);
    return new Promise((resolve) => {
        const child = (0,external_node_child_process_.spawn)(command, args, { ...user, cwd, env, stdio: 'ignore', signal, killSignal: 'SIGKILL' });
        child.on('error', () => resolve(false)).on('close', (code) => resolve(code === 0));
    });
}

;// CONCATENATED MODULE: ./src/postgres/scratch/isolation/isolation.ts
/** `sudo` resets the environment, so it is given again behind it. No secret is in it. */
function withSudo(sudo, argv, env) {
    const [command = '', ...args] = sudo
        ? ['sudo', '-n', '--', 'env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...argv]
        : argv;
    return { command, args, env };
}
/** Becomes that user, with no groups and no way to more rights: setuid programs such as sudo do not work behind it. */
function switchUser({ uid, gid }, options = []) {
    const rights = ['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs'];
    return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...rights, ...options, '--'];
}

// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
;// CONCATENATED MODULE: ./src/postgres/scratch/server-user.ts


function runsAsRoot() {
    return process.getuid?.() === 0;
}
/**
 * A user of this machine other than ourselves: the one that PostgreSQL's packages create, or `nobody`. Rather one that runs
 * nothing: the files of a production server belong to its user, and the code of a dump must not reach them.
 */
async function otherUser() {
    const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
    const users = ['postgres', 'nobody'].flatMap((name) => {
        const [, uid, gid] = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(passwd) ?? [];
        return uid === undefined || Number(uid) === process.getuid?.() ? [] : [{ uid: Number(uid), gid: Number(gid) }];
    });
    for (const user of users)
        if ((await server_user_tasksOf(user.uid)) === 0)
            return user;
    return users[0] ?? null;
}
/** How many tasks of the user run: processes, and their threads. */
async function server_user_tasksOf(uid) {
    const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
    const counts = pids.map(async (pid) => {
        const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
        const owner = Number(/^Uid:\s*(\d+)/m.exec(status)?.[1] ?? -1);
        return owner === uid ? Number(/^Threads:\s*(\d+)/m.exec(status)?.[1] ?? 1) : 0;
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
/** PostgreSQL refuses to run as root. */
function noUserForServer() {
    return new LifeboatError('PostgreSQL does not run as root, and this machine has no user postgres or nobody to run it as. Run the job as an ordinary user, or give scratch-image or scratch-url.');
}

;// CONCATENATED MODULE: ./src/postgres/scratch/isolation/limits.ts



/** More than a restore with every parallel worker has. */
const PROCESSES = 512;
const GIB = (/* unused pure expression or super */ null && (1024 ** 3));
/**
 * Bounds for each process of the server: three quarters of the memory, and no core files. The kernel counts processes by
 * user, so the bound is above what that user runs now (getrlimit(2)).
 */
async function findLimits(uid) {
    const [prlimit, setpriv] = await Promise.all([
        commandSucceeds({ command: 'prlimit', args: ['--version'], env: plainEnvironment() }),
        commandSucceeds({ command: 'setpriv', args: ['--no-new-privs', 'true'], env: plainEnvironment() }),
    ]);
    if (!prlimit)
        return { prefix: [], setpriv };
    const bounds = [`--as=${memoryBound()}`, '--core=0', `--nproc=${(await tasksOf(uid)) + PROCESSES}`];
    return { prefix: ['prlimit', ...bounds, '--'], setpriv };
}
function memoryBound() {
    return Math.max(2 * GIB, Math.floor((totalmem() * 3) / 4));
}
function plainEnvironment() {
    return { PATH: process.env.PATH ?? '', LC_ALL: 'C' };
}

;// CONCATENATED MODULE: ./src/postgres/scratch/survivors.ts


/** The variable that is in the environment of everything that a throwaway server starts. */
const MARK_VARIABLE = 'LIFEBOAT_SCRATCH';
const ROUNDS = 100;
/**
 * Kills what the code of a dump has started and left, until nothing of it is found. A program that hides all of this is
 * found only where the server has process ids of its own: the kernel ends those.
 */
async function endSurvivors(evidence) {
    for (let round = 0; round < ROUNDS; round++) {
        const found = await findSurvivors(evidence);
        if (found.length === 0)
            return;
        for (const pid of found)
            killProcess(pid);
        await (0,external_node_timers_promises_.setTimeout)(20);
    }
}
/** The sessions that `pid` and all it has started have opened: its own is that of whoever started it, which is us. */
async function sessionsBelow(pid) {
    const processes = await listProcesses();
    const ours = [pid, process.pid].map((id) => processes.find((one) => one.pid === id)?.session);
    const below = withChildren([pid], processes).filter(({ session }) => !ours.includes(session));
    return new Set(below.map(({ session }) => session));
}
async function findSurvivors(evidence) {
    const processes = (await listProcesses()).filter(({ pid }) => pid !== process.pid);
    const known = await Promise.all(processes.map((candidate) => isKnown(candidate, evidence)));
    const roots = processes.filter((_, index) => known[index]).map(({ pid }) => pid);
    return withChildren(roots, processes).map(({ pid }) => pid);
}
async function isKnown({ pid, session }, { mark, folder, sessions }) {
    if (sessions.has(session))
        return true;
    const [environment, place] = await Promise.all([
        (0,promises_.readFile)(`/proc/${pid}/environ`, 'utf8').catch(() => ''),
        (0,promises_.readlink)(`/proc/${pid}/cwd`).catch(() => ''),
    ]);
    return environment.split('\0').includes(`${MARK_VARIABLE}=${mark}`) || place.startsWith(`${folder}/`);
}
function withChildren(roots, processes) {
    const found = new Set(roots);
    for (let before = -1; before !== found.size;) {
        before = found.size;
        for (const { pid, parent } of processes)
            if (found.has(parent))
                found.add(pid);
    }
    return processes.filter(({ pid }) => found.has(pid));
}
async function listProcesses() {
    const pids = (await (0,promises_.readdir)('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
    const found = await Promise.all(pids.map(readProcess));
    return found.filter((one) => one !== null && !one.zombie);
}
/** proc(5): state, ppid, pgrp and session are fields 3 to 6 of stat; the name before them may hold anything. */
async function readProcess(pid) {
    const stat = await (0,promises_.readFile)(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (stat === '')
        return null;
    const [state, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(parent), session: Number(session), zombie: state === 'Z' };
}
function killProcess(pid) {
    try {
        process.kill(pid, 'SIGKILL');
    }
    catch {
        // It has ended meanwhile, or is another user's.
    }
}

;// CONCATENATED MODULE: ./src/postgres/scratch/remove-cluster.ts











/** Folders of throwaway clusters begin so; what a killed run left is found by it. */
const PREFIX = 'lifeboat-scratch-';
/** What is ours in such a folder. */
const OUR_FILES = [OWNER_FILE, `${OWNER_FILE}.new`, 'log'];
/** What the server owns in it. */
const DATA = 'data';
const SOCKET = 's';
/** The server has this long to end its own processes. Milliseconds. */
const STOP_TIMEOUT = 5_000;
/**
 * Removes a folder of a run that is gone. A cluster's server is asked to end, not killed: backends that compute do not
 * notice that their postmaster has gone, so it must end them itself.
 */
async function removeCluster(folder) {
    const status = await statusOf(folder);
    if (status === null)
        return;
    if (!isOurs(status))
        throw new errors/* LifeboatError */.H3('it is not a folder of this user alone');
    const owner = await readOwner(folder);
    if (owner?.mark !== undefined)
        await endServer(owner, owner.mark, folder);
    await removeTree(folder);
}
/**
 * Removes a folder whose processes are gone. Of a cluster's only the known files go by name, for as root a recursive walk
 * could be led elsewhere by whoever may write to the folder above it.
 */
async function removeTree(folder) {
    if (!(0,external_node_path_.basename)(folder).startsWith(PREFIX))
        return (0,promises_.rm)(folder, { recursive: true, force: true, maxRetries: 5 });
    for (const name of [DATA, SOCKET])
        await removeAsOwner((0,external_node_path_.join)(folder, name));
    for (const name of OUR_FILES)
        await (0,promises_.rm)((0,external_node_path_.join)(folder, name), { force: true });
    if ((await statusOf(folder)) !== null)
        await (0,promises_.rmdir)(folder);
}
async function endServer({ server }, mark, folder) {
    const runs = () => server !== undefined && server.started !== '' && (0,child/* identifyProcess */.wO)(server.pid).started === server.started;
    if (server && runs())
        sendSignal(server.pid, 'SIGQUIT');
    for (const end = Date.now() + STOP_TIMEOUT; runs() && Date.now() < end;)
        await (0,external_node_timers_promises_.setTimeout)(50);
    if (server && runs())
        sendSignal(server.pid, 'SIGKILL');
    await endSurvivors({ mark, folder, sessions: new Set() });
}
/** One that sudo runs is root's, and ends by itself when we do. */
function sendSignal(pid, signal) {
    try {
        process.kill(pid, signal);
    }
    catch (error) {
        if (!['ESRCH', 'EPERM'].includes(error.code ?? ''))
            throw error;
    }
}
/**
 * A server's tree is removed as the server's user: in it names change while we walk, so that root could be led to files of
 * others (CVE-2022-21658 is of this kind).
 */
async function removeAsOwner(path) {
    const status = await statusOf(path);
    if (status === null)
        return;
    if (status.uid === process.getuid?.())
        return (0,promises_.rm)(path, { recursive: true, force: true, maxRetries: 5 });
    await command_succeeds_commandSucceeds(runsAsRoot() ? emptyFolderCommand(path, status) : emptyingBySudo(path, status));
    await (0,promises_.rmdir)(path);
}
const EMPTY = ['find', '.', '-mindepth', '1', '-delete'];
/** The folder is entered before the rights are gone: its user may not come through those above it. */
function emptyFolderCommand(path, { uid, gid }) {
    return { ...withSudo(false, EMPTY, plainEnvironment()), cwd: path, user: { uid, gid } };
}
function emptyingBySudo(path, user) {
    const script = 'cd "$0" && exec "$@"';
    return withSudo(true, ['sh', '-c', script, path, ...switchUser(user), ...EMPTY], plainEnvironment());
}


/***/ })

};
