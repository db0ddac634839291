export const id = 324;
export const ids = [324];
export const modules = {

/***/ 8324:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  runCli: () => (/* binding */ runCli)
});

// EXTERNAL MODULE: external "node:readline/promises"
var promises_ = __webpack_require__(6848);
// EXTERNAL MODULE: ./src/app/run-command.ts + 13 modules
var run_command = __webpack_require__(1942);
// EXTERNAL MODULE: ./src/errors.ts
var errors = __webpack_require__(3916);
// EXTERNAL MODULE: ./src/version.ts
var version = __webpack_require__(311);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: ./src/commands/index.ts + 310 modules
var src_commands = __webpack_require__(6991);
// EXTERNAL MODULE: ./src/inputs/secrets.ts
var secrets = __webpack_require__(3332);
// EXTERNAL MODULE: ./src/inputs/values/words.ts
var values_words = __webpack_require__(3805);
;// CONCATENATED MODULE: ./src/cli/arguments.ts





/** Ends a flag that names a file in which the text is. */
const FILE = '-file';
/** What makes sense in a workflow alone. */
const NO_FLAGS = ['command', 'cache'];
/** The names of a command's inputs that can be given on the command line. */
function inputsOf(command) {
    return Object.keys(command.inputs).filter((name) => !NO_FLAGS.includes(name));
}
/** The variable that gives an input, where no flag does. */
function variableOf(name) {
    return `LIFEBOAT_${name.toUpperCase().replaceAll('-', '_')}`;
}
/**
 * Reads `COMMAND --input value …`. A flag that stands several times has a line for each. Throws a LifeboatError that names
 * the flag, and never shows its value: it may be a secret that somebody has written in the wrong place.
 */
function readCommandLine(words, env) {
    const [first = '', ...rest] = words;
    const command = (0,src_commands/* findCommand */.Zv)(first);
    if (command === undefined) {
        throw new errors/* LifeboatError */.H3(`${JSON.stringify(first)} is not a command. Write ${(0,values_words/* alternatives */.Vo)(src_commands/* COMMAND_NAMES */.nZ)}; lifeboat --help says what each is for.`);
    }
    const flags = new Map();
    for (let index = 0; index < rest.length; index++) {
        const word = rest[index] ?? '';
        const { name, text } = flagOf(word, command);
        // A flag for yes or no needs no word after it.
        const taken = text ?? (isYesOrNo(name, command) ? 'true' : rest[++index]);
        if (taken === undefined)
            throw new errors/* LifeboatError */.H3(`--${name}: what comes after it is missing.`);
        flags.set(name, [...(flags.get(name) ?? []), taken]);
    }
    const has = (name) => flags.get(name)?.at(-1) === 'true';
    const given = new Map(inputsOf(command).map((name) => [name, textOf(name, flags, env)]));
    given.set('command', command.name);
    return { command, help: has('help'), json: has('json'), get: (name) => given.get(name) ?? '' };
}
function flagOf(word, command) {
    const [, name = '', , text = null] = /^--([a-z][a-z0-9-]*)(=(.*))?$/s.exec(word) ?? [];
    if (name === '') {
        // What is no flag may be a secret.
        throw new errors/* LifeboatError */.H3('a word that belongs to no flag. Write --INPUT=TEXT or --INPUT TEXT; quote what has blanks.');
    }
    const known = [...inputsOf(command).flatMap((input) => [input, `${input}${FILE}`]), 'help', 'json'];
    if (!known.includes(name)) {
        const near = known.toSorted((a, b) => distance(a, name) - distance(b, name))[0] ?? 'help';
        throw new errors/* LifeboatError */.H3(`Unknown flag --${name} for ${command.name}. Did you mean --${near}? "lifeboat ${command.name} --help" lists all flags.`);
    }
    return { name, text };
}
function isYesOrNo(name, command) {
    return name === 'help' || name === 'json' || ['true', 'false'].includes(command.inputs[name]?.default ?? '');
}
function textOf(name, flags, env) {
    const [texts, files] = [flags.get(name), flags.get(`${name}${FILE}`)];
    if (texts !== undefined && files !== undefined)
        throw new errors/* LifeboatError */.H3(`--${name} and --${name}${FILE} are both given. Remove one of the two.`);
    const text = texts?.join('\n') ?? '';
    if ((0,secrets/* holdsSecret */.hK)(name, text)) {
        throw new errors/* LifeboatError */.H3(`--${name}: a secret on a command line can be read by everybody on this machine (not shown). Give it in the variable ${variableOf(name)}, or by --${name}${FILE} PATH, or - for standard input. Change it, for it was seen.`);
    }
    if (texts !== undefined)
        return text;
    return files === undefined ? (env[variableOf(name)] ?? '') : files.map((file) => readFile(name, file)).join('\n');
}
function readFile(name, file) {
    try {
        // The line end that editors leave is not meant.
        return (0,external_node_fs_.readFileSync)(file === '-' ? 0 : file, 'utf8').replace(/\r?\n$/, '');
    }
    catch (error) {
        throw new errors/* LifeboatError */.H3(`--${name}${FILE}: ${(0,errors/* messageOf */.bD)(error)}. Name a file that can be read.`);
    }
}
/** How many letters are added, left out or changed (Levenshtein). */
function distance(a, b) {
    let row = Array.from({ length: b.length + 1 }, (_, index) => index);
    for (let i = 1; i <= a.length; i++) {
        const next = [i];
        for (let j = 1; j <= b.length; j++) {
            const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
            next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, changed));
        }
        row = next;
    }
    return row.at(-1) ?? 0;
}

;// CONCATENATED MODULE: ./src/cli/descriptions.ts
// Made of action.yml by `npm run docs`.
// biome-ignore format: as it is made.
const DESCRIPTIONS = {
    command: 'What to do. `backup`: dump a database, compress, encrypt and store it as one stream. `restore-test`: restore a backup into a throwaway PostgreSQL and demand that it equals what was dumped. `restore`: restore a backup into a new database beside the live one, verify it, and put it in the live one\'s place when asked to. `list`: show which backups there are. `check`: say whether they are as new, as proven, as large and as whole as is demanded. `prune`: delete the backups that no keep-* rule keeps. `hold` and `release`: keep one backup from being deleted by them, and end that.',
    'database-url': 'The database to back up or to restore, as a libpq connection string: `postgresql://user:password@host:5432/database`, or keywords such as `host=db.example.com dbname=shop`. Left out, the environment\'s PG* variables (PGHOST, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE and so on) say it, and they fill in what the string does not name. A service or a password file is read when PGSERVICE or PGPASSFILE names it. Unless sslmode says otherwise, connections to another machine are encrypted (`require`), and verified when sslrootcert is given (`verify-full`).',
    databases: 'backup: several databases of the server in one run, each into the set of its own name: `all`, or one name a line; `*` and `?` are wildcards, `!` before one leaves it out, and what is not plain stands in double quotes. database-url names the server, and a database from which to list them. Default: the one in database-url.',
    name: 'The name of the set that the backup belongs to: its folder in every store. Letters, digits, dots, underscores and hyphens, at most 63. Left out: backup takes the database\'s name, list and check all sets, and every other command the only set of the store.',
    store: 'Where the backup is kept, one URL a line: `s3://bucket/prefix`, `ssh://user@host:port/path`, `rclone:remote:path` or `file:///srv/backups`. With several, each gets the whole backup in one pass. Lines that begin with # are comments.',
    's3-endpoint': 'The address of an S3-compatible server, such as `https://minio.example.com:9000`. Left out: AWS, or AWS_ENDPOINT_URL_S3. Keys come from the AWS SDK\'s own environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, or aws-actions/configure-aws-credentials).',
    'ssh-key': 'For an `ssh:` store: the private key that logs in there, whole, from BEGIN to END, without a passphrase. A secret; make one for this job alone, and let the server allow it nothing else.',
    'ssh-known-hosts': 'For an `ssh:` store, required: the server\'s lines of a known_hosts file. `ssh-keyscan -p PORT HOST` prints them; compare the key with what the server\'s owner says before you paste it. No other server is spoken to.',
    toolset: 'Where pg_dump and its companions come from: `local`, the version that fits the server among those installed here; `container:NAME`, a running container, such as the database\'s own, where database-url and scratch-url are as seen in it; `image:REFERENCE`, an image of PostgreSQL; `auto`, which is `local`, and where nothing fits the container whose published port database-url or scratch-url names, or an image `postgres` that was fetched before.',
    passphrase: 'Encrypts with this passphrase (OpenPGP, AES-256). 20 characters or more are advised. Either this or public-key is needed: nothing is stored unencrypted.',
    'public-key': 'Encrypts to these armored OpenPGP certificates, one or more, so that the job holds no secret that decrypts its backups. The output of `gpg --armor --export KEY`. check: warns 30 days before one of them expires, and when the newest proven backup was not made for all of them.',
    'signing-key': 'An armored OpenPGP private key that signs each backup\'s manifest, and the records of restore tests and prunes, so that nobody who can write the store can forge them. Use a key of its own for this, not the one that decrypts.',
    'signing-key-passphrase': 'The passphrase of signing-key, when it is locked.',
    before: 'restore: commands that are run just before the restored database takes the live one\'s place, one a line, such as `docker compose stop app`. No shell reads them: quotes and backslashes keep words together, and that is all.',
    after: 'restore: commands that are run just after it, also when it failed or was cancelled, such as `docker compose start app`.',
    jobs: 'restore-test: how many processes build indexes and constraints side by side. backup: only 1 in this version.',
    globals: '`true`: also keep roles and tablespaces as SQL for people to read (without password hashes), when the database user may read them.',
    paths: 'Folders with files that belong to the database, such as uploads, `label=path` a line. Each is stored as a tar archive of its own, compressed and encrypted like the database. A relative path starts in the workspace. restore-test checks the archives; restore unpacks them with files-to.',
    'paths-exclude': 'What of these folders is left out: globs on the path in the folder, one a line, such as `cache` or `**/*.tmp`. A folder that fits is left out with all that is in it.',
    'dump-args': 'Further options for pg_dump, one a line, to leave things out: --schema, --exclude-schema, --table, --exclude-table, --exclude-table-data, --extension (each with =PATTERN), --no-comments, --no-security-labels, --large-objects, --no-large-objects. No shell reads them, so they need no quoting. Such a backup is marked as partial.',
    fingerprint: 'What is recorded of the rows, for a restore to be compared with: `rows` counts them exactly; `content` also makes a digest of every row, which takes longer.',
    'lock-wait-timeout': 'How long to go on trying for the locks that a consistent dump needs, in all, such as `90s`, `15m` or `2h` (1s to 24h). While something else waits for a table, the backup gives way and tries again.',
    'store-timeout': 'How long a store may take for an answer, or for the next bytes that it reads or takes, such as `90s` or `5m` (1s to 24h). After that Lifeboat stops using the store; so it does with one that sends less than 16 KiB/s for that long. A listing may take twelve times as long.',
    'allow-empty': '`true`: a database without any table, or a folder of paths without any file, is backed up too. Otherwise that is an error.',
    'allow-new-source': '`true`: accept that the set\'s earlier backups came from another database or server, after a migration. Otherwise that is an error.',
    'compression-level': 'The zstd level, from 1 (fastest) to 19 (smallest).',
    'read-back': '`auto`: ask each store afterwards what it holds, when the credentials may read. `required`: credentials that may not are an error.',
    's3-storage-class': 'The storage class of the objects, such as STANDARD_IA. Left out, the bucket\'s default.',
    's3-object-lock': 'Locks the objects against deletion, `governance:30d` or `compliance:30d`. The bucket must have object lock enabled.',
    's3-sse': 'Encryption by the S3 server, on top of Lifeboat\'s own: `AES256` or `aws:kms`. Left out, the bucket\'s default.',
    's3-kms-key': 'The KMS key for `aws:kms` (id, ARN or alias).',
    's3-create-bucket': '`true`: create the bucket when it is missing.',
    'keep-last': 'backup and prune, as all keep-* inputs: which backups stay; the others are deleted, after a backup or by the command prune. Without any of them nothing is deleted. This one keeps so many of the newest. A number, or `unlimited`.',
    'keep-within': 'Keeps all that were made within so long before the newest good backup, in days or hours: `30d`, `26h`.',
    'keep-hourly': 'Keeps the newest backup of each of so many hours that have one.',
    'keep-daily': 'Keeps the newest backup of each of so many days (UTC) that have one.',
    'keep-weekly': 'Keeps the newest backup of each of so many weeks (ISO 8601, from Monday on) that have one.',
    'keep-monthly': 'Keeps the newest backup of each of so many months that have one.',
    'keep-yearly': 'Keeps the newest backup of each of so many years that have one.',
    force: 'prune: `true` applies a plan that a guard has refused: it deletes more than half of the backups, or the clocks of this machine and of the store differ. Look at the plan with dry-run first.',
    'dry-run': '`true`: check everything and say what would be done; nothing is stored or deleted.',
    backup: 'restore-test, restore, hold, release: which backup. An id such as `20261121T020000Z-7f3a91c2`, `latest`, or `latest-proven`: the newest whose last restore test passed. release takes an id only.',
    'previous-passphrases': 'restore-test: older passphrases, one a line, tried after `passphrase`.',
    'private-key': 'restore-test: armored OpenPGP private keys, one or more, of which one opens the backups that were made with public-key. Give it where restores run, never to the backup job. check: with it, or with passphrase, the rows of each table are compared with those of the backup before.',
    'private-key-passphrase': 'restore-test: the passphrase of private-key, when it is locked.',
    'verification-key': 'restore-test and restore: armored OpenPGP certificates. The manifest must then have a signature by one of them, valid at its own time; a backup without one fails. Also there, and for hold, prune, backup and check: what is not signed by one of them does not count, neither as a backup nor as a proof. backup uses the certificate of signing-key when this is left out. check warns 30 days before the key that signs expires.',
    'scratch-url': 'restore-test: a throwaway PostgreSQL to restore into, as a superuser\'s connection string: a service container\'s. Left out, a private cluster is made from this machine\'s own server binaries, and is gone afterwards.',
    'scratch-image': 'restore-test: restores into a throwaway container of this image, such as `postgres:17` or `postgis/postgis:17-3.5`, by docker or podman, which fetch it when it is missing (podman wants the full name, `docker.io/library/postgres:17`). It has no network and few rights, and brings its own programs and extensions. Recommended on GitHub\'s runners.',
    'scratch-dir': 'restore-test: where the private cluster lives while the test runs, best on tmpfs or an encrypted disk. It needs room for the whole database. Left out, the runner\'s temporary folder (as root, /var/lib/lifeboat).',
    'keep-database': 'restore-test: `true` leaves the restored database on the server of scratch-url for later steps, such as a rehearsal of a migration on real data; output `restored-url`.',
    'after-restore': 'restore-test: the path of an SQL file that masks the restored database before restored-url is published. It runs in one transaction, with the database\'s own triggers, rules and event triggers disabled. Afterwards materialized views are refreshed, tables and statistics rewritten, and assertions run once more.',
    cache: 'restore-test: `true` keeps the encrypted parts in the Actions cache, so that checks of pull requests do not fetch them from the store each time. They are checked like those of a store. A cache that is not there, or fails, is said and changes nothing. A test that has read the cache says nothing of the store\'s own copy, and keeps no record. Not for public repositories, where everybody can read the cache.',
    assertions: 'restore-test: what you know about your data, as YAML or as the path of a YAML file: a list of `name`, `sql` (one query) and `expect` (`true`, `not-empty`, `{equals: VALUE}`, `{at-least: NUMBER}`, `{at-most: NUMBER}`). The first column of the first row counts. Queries run read-only in the restored database.',
    'file-references': 'restore-test: which files the database names, as YAML or as the path of a YAML file: `label: query`, one a line, such as `uploads: select path from attachments`. The label is one of paths at the backup. The first column of each row is a path in that folder, and must be in its archive; null and empty ones name no file. Queries run read-only in the restored database.',
    confirm: 'restore: the name of the database that is to be restored, once more, so that nobody restores by mistake.',
    replace: 'restore: `false` restores into the new database `NAME_restored_ID`; `true` gives that the live one\'s name when it is proven, and keeps the old one as `NAME_before_ID`.',
    tables: 'restore: only these tables, one name a line: `schema.table`, or `table` when it is in one schema alone; double quotes around what is not plain, as in SQL. With their partitions, indexes, constraints, triggers, policies, sequences, grants and comments. Views and sequences can be named too. Not together with replace.',
    schemas: 'restore: only what is in these schemas, one name a line, as in tables.',
    'files-to': 'restore: a folder, new or empty, into which the file trees of the backup are unpacked, each in a folder of its label. Left out: they are left alone.',
    'create-roles': 'restore: `true` makes the owners and grantees that the server lacks, and the roles that are their members, without passwords; the summary lists them. For an empty server.',
    'accept-unverified': 'restore: `true` also swaps in a database of which something could not be verified on this server.',
    'swap-timeout': 'restore: how long connections are ended and the swap is tried while the application connects again and again, such as `1m` (1s to 24h).',
    'restore-timeout': 'restore-test, restore: ends a restore that has not finished after this time, such as `2h` (1s to 24h), and removes what it restored. Default: no limit. A swap that has begun is not interrupted.',
    'max-restore-time': 'restore-test: fails when the restore took longer (your recovery time objective), such as `30m`. The comparison is not counted.',
    'max-age': 'restore-test: fails when the backup is older (your recovery point objective), such as `26h`. check: fails when the newest backup is. restore: warns when the backup is older, because newer ones may have been deleted or hidden.',
    'max-restore-test-age': 'check: fails when the newest restore test was longer ago, such as `8d`, or when there was none. One that did not pass fails always.',
    'max-shrink': 'check: fails when the newest backup is smaller than the median of the ten before it by more than this share, such as `40%`, or a table has lost more of its rows (with private-key or passphrase). Growth by as much is a warning.',
    'min-free-space': 'check: fails when the disk of a store that is a folder (`file:`) has less space left, such as `500MB` or `20GiB`.',
    'report-html': 'list and check: the path of a page to write, such as `backups.html`: history, restore tests, and the RPO and RTO that were measured, in one file without scripts or anything from elsewhere, to be kept and printed. Its folder must be there. list then reads the newest manifests and records too, which it does not otherwise.',
    'on-could-not-verify': 'restore-test: what it means that the scratch server lacks something (an extension, say), so that the backup could not be compared: `fail`, or `warn`. It never counts as proven.',
    'webhook-url': 'Told by POST when the run fails, and when one succeeds after it is known to have failed: JSON with `text`, as Slack, Mattermost and their like take it, and the same facts for programs. A secret.',
    'smtp-url': 'A mail server that sends what webhook-url would be told, to the addresses of mail-to: `smtps://user:password@host:465`, or `smtp://user:password@host:587`, where STARTTLS is demanded unless the host is this machine. Percent-encode characters such as @ in user and password. A secret.',
    'mail-to': 'Who gets mail when a run fails, and when one succeeds after it is known to have failed: addresses, by commas or one a line.',
    'mail-from': 'The sender\'s address. Left out, the user of smtp-url, when that is an address.',
    'heartbeat-url': 'Pinged by GET when the run succeeds, so that a service such as healthchecks.io alarms when it does not come; at its start with `/start` at the end of the path, when it fails with `/fail`. A secret.',
    'metrics-file': 'A file ending in .prom in the folder of node_exporter\'s textfile collector. What Prometheus is to know of this run is written there; what the file tells of earlier runs, and this one does not, stays.',
    'pushgateway-url': 'The address of a Prometheus Pushgateway, such as `http://pushgateway.example.com:9091`, which gets the same.',
};

;// CONCATENATED MODULE: ./src/cli/help.ts



const WIDTH = 100;
const EXIT_CODES = `Exit codes: 0 good; 1 failed, or a check is not passed; 2 usage error, nothing was started; 3 could not verify;
130 cancelled.`;
/** `lifeboat --help`. */
function overallHelp(version) {
    const commands = src_commands/* COMMANDS */.Lo.map(({ name, summary }) => `  ${name.padEnd(14)}${summary}`);
    return `Lifeboat ${version}: PostgreSQL backups that are proven by restoring them.

  lifeboat COMMAND [--input text …]      lifeboat COMMAND --help

${commands.join('\n')}

Every input of the Action is a flag, a variable (${variableOf('store')}), or a file (--store-file PATH, - is
standard input). Secrets are never flags: give them in a variable or a file. A flag may stand several
times, a line for each. PG* and AWS_* variables are read as everywhere.

  --json    the JSON report on standard output, words for people on standard error

${EXIT_CODES}
`;
}
/** `lifeboat COMMAND --help`. */
function commandHelp(command) {
    const inputs = inputsOf(command).map((name) => {
        const byDefault = command.inputs[name]?.default ?? '';
        const head = `  --${name}${byDefault === '' ? '' : `   (default: ${byDefault})`}`;
        return [head, ...wrapped(DESCRIPTIONS[name] ?? '', WIDTH - 6).map((line) => `      ${line}`)].join('\n');
    });
    return `lifeboat ${command.name}: ${command.summary}.\n\n${inputs.join('\n')}\n\n${EXIT_CODES}\n`;
}
function wrapped(text, width) {
    const lines = [];
    let line = '';
    for (const word of text.split(' ')) {
        if (line !== '' && line.length + 1 + word.length > width) {
            lines.push(line);
            line = word;
        }
        else
            line = line === '' ? word : `${line} ${word}`;
    }
    return [...lines, line];
}

// EXTERNAL MODULE: ./src/report/escape.ts
var report_escape = __webpack_require__(6412);
;// CONCATENATED MODULE: ./src/cli/terminal.ts


/** Clears the line on which progress stands. */
const CLEAR = '\r\x1b[K';
/** How long a bar is that tells how far long work has come. Characters. */
const BAR = 20;
/** A person at a terminal, or what a script reads of us. */
class Terminal {
    log;
    #json;
    #secrets = [];
    #debug;
    /** Progress stands on the last line, and will be written over. */
    #status = false;
    #restoredUrl = null;
    constructor({ json, debug }) {
        this.#json = json;
        this.#debug = debug;
        const say = (text) => this.#say(json ? process.stderr : process.stdout, text);
        this.log = {
            info: say,
            notice: (line) => say(`Note: ${line}`),
            warning: (line) => this.#say(process.stderr, `Warning: ${line}`),
            debug: (line) => {
                if (this.#debug)
                    this.#say(process.stderr, line);
            },
            group: (title, work) => {
                say(title);
                return work();
            },
            ...(process.stderr.isTTY ? { status: (line, share) => this.#showStatus(line, share) } : {}),
        };
    }
    mask(secret) {
        this.#secrets.push(secret);
    }
    output(name, value) {
        if (name === 'restored-url')
            this.#restoredUrl = String(value);
    }
    error(title, message) {
        this.#say(process.stderr, `${title}: ${message}`);
    }
    warning(title, message) {
        this.#say(process.stderr, `${title}: ${message}`);
    }
    async summary() { }
    report(file) {
        if (this.#json)
            process.stdout.write((0,external_node_fs_.readFileSync)(file));
        (0,external_node_fs_.rmSync)(file, { force: true });
    }
    /** What is left to be said when all is over. */
    end() {
        this.#clear();
        if (this.#restoredUrl === null)
            return;
        // It holds the password, and is what was asked for.
        (this.#json ? process.stderr : process.stdout).write(`Restored: ${this.#restoredUrl}\n`);
        process.stderr.write(`Remove it when you are done: ${dropCommand(this.#restoredUrl)}\n`);
    }
    #say(stream, text) {
        this.#clear();
        const hidden = (0,report_escape/* hideSecrets */.s0)(text, this.#secrets);
        stream.write(`${hidden.split(/\r?\n/).map(report_escape/* oneLine */.TN).join('\n')}\n`);
    }
    /** One line that is written over. */
    #showStatus(line, share) {
        this.#clear();
        const shown = `${share === null ? '' : `${bar(share)}  `}${(0,report_escape/* oneLine */.TN)(line)}`;
        process.stderr.write(shown.slice(0, (process.stderr.columns || 80) - 1));
        this.#status = true;
    }
    #clear() {
        if (this.#status)
            process.stderr.write(CLEAR);
        this.#status = false;
    }
}
/** `[########............]  42 %`. */
function bar(share) {
    const full = Math.round(share * BAR);
    return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}] ${Math.round(share * 100)
        .toString()
        .padStart(3)} %`;
}
/** Without the password, which dropdb asks for. */
function dropCommand(url) {
    const { hostname, port, username, pathname, searchParams } = new URL(url);
    const host = searchParams.get('host') ?? hostname.replace(/^\[|\]$/g, '');
    const word = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
    const [user, name] = [decodeURIComponent(username), decodeURIComponent(pathname.slice(1))];
    const flags = [`--host=${host}`, `--port=${port || '5432'}`, `--username=${user}`].map(word);
    return `dropdb --force ${flags.join(' ')} ${word(name)}`;
}

;// CONCATENATED MODULE: ./src/cli/main.ts







/** 130 is what a shell says of a program that SIGINT has ended. */
const main_EXIT_CODES = { good: 0, failed: 1, usage: 2, 'could-not-verify': 3, cancelled: 130 };
/** The command line, for the day GitHub is down: `lifeboat COMMAND --input text`. Resolves with the exit code. */
async function runCli(words) {
    if (words.length === 0 || words[0] === '--help' || words[0] === 'help') {
        process.stdout.write(overallHelp(version/* VERSION */.x));
        return words.length === 0 ? main_EXIT_CODES.usage : main_EXIT_CODES.good;
    }
    if (words[0] === '--version') {
        process.stdout.write(`${version/* VERSION */.x}\n`);
        return main_EXIT_CODES.good;
    }
    let line;
    try {
        line = readCommandLine(words, process.env);
    }
    catch (error) {
        if (!(error instanceof errors/* LifeboatError */.H3))
            throw error;
        process.stderr.write(`lifeboat: ${error.message}\n`);
        return main_EXIT_CODES.usage;
    }
    if (line.help) {
        process.stdout.write(commandHelp(line.command));
        return main_EXIT_CODES.good;
    }
    return run(line);
}
async function run({ command, json, get }) {
    const reporter = new Terminal({ json, debug: process.env.LIFEBOAT_DEBUG === '1' });
    const confirmed = command.name === 'restore' ? await main_confirm(get) : get;
    // What a run begins that must not outlive it, ends with it; there is no step after it that could.
    const track = () => () => { };
    const mask = (secret) => reporter.mask(secret);
    const outcome = await (0,run_command/* runCommand */.d)({ get: confirmed, env: process.env, reporter, mask, track });
    reporter.end();
    return main_EXIT_CODES[outcome];
}
/** Asks a person at a terminal for what `confirm` wants; a script gives it as a flag. */
async function main_confirm(get) {
    const isAsked = get('confirm') === '' && !['true', 'True', 'TRUE'].includes(get('dry-run').trim());
    if (!isAsked || !process.stdin.isTTY || !process.stderr.isTTY)
        return get;
    const what = get('replace').trim().toLowerCase() === 'true' ? 'and puts it in the place of the live one' : 'beside the live one';
    process.stderr.write(`This restores backup ${get('backup') || 'latest'} into a new database, ${what}. With --dry-run it would print the plan only.\n`);
    const terminal = (0,promises_.createInterface)({ input: process.stdin, output: process.stderr });
    try {
        const typed = await terminal.question('Type the name of the database that is to be restored: ');
        return (name) => (name === 'confirm' ? typed.trim() : get(name));
    }
    finally {
        terminal.close();
    }
}


/***/ })

};
