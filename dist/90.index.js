export const id = 90;
export const ids = [90];
export const modules = {

/***/ 2090:
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
// EXTERNAL MODULE: ./src/commands/index.ts + 324 modules
var src_commands = __webpack_require__(1685);
// EXTERNAL MODULE: ./src/inputs/secrets.ts
var secrets = __webpack_require__(3332);
// EXTERNAL MODULE: ./src/inputs/values/words.ts
var values_words = __webpack_require__(3805);
// EXTERNAL MODULE: ./src/text.ts
var src_text = __webpack_require__(8992);
;// CONCATENATED MODULE: ./src/cli/arguments.ts






/** Ends a flag that names a file in which the text is. */
const FILE = '-file';
/** What makes sense in a workflow alone. */
const NO_FLAGS = ['command', 'cache'];
/** The names of a command's inputs that can be given on the command line. */
function inputsOf(command) {
    const names = Object.keys(command.inputs);
    return names.filter((name) => !NO_FLAGS.includes(name));
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
        throw new errors/* LifeboatError */.H3(`${JSON.stringify(first)} is not a command. Write ${(0,values_words/* joinWithOr */.uy)(src_commands/* COMMAND_NAMES */.nZ)}; lifeboat --help says what each is for.`);
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
    const texts = new Map(inputsOf(command).map((name) => [name, textOf(name, flags, env)]));
    texts.set('command', command.name);
    return { command, help: has('help'), json: has('json'), get: (name) => texts.get(name) ?? '' };
}
function flagOf(word, command) {
    const [, name = '', , text = null] = /^--([a-z][a-z0-9-]*)(=(.*))?$/s.exec(word) ?? [];
    if (name === '') {
        // What is no flag may be a secret.
        throw new errors/* LifeboatError */.H3('a word that belongs to no flag. Write --INPUT=TEXT or --INPUT TEXT; quote what has blanks.');
    }
    const known = [...inputsOf(command).flatMap((input) => [input, `${input}${FILE}`]), 'help', 'json'];
    if (!known.includes(name)) {
        const near = known.toSorted((a, b) => (0,src_text/* editDistance */.YC)(a, name) - (0,src_text/* editDistance */.YC)(b, name))[0] ?? 'help';
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

// EXTERNAL MODULE: ./src/inputs/declarations.ts
var declarations = __webpack_require__(8444);
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
        const { default: byDefault, help } = declarations/* INPUTS */.m[name];
        const head = `  --${name}${byDefault === '' ? '' : `   (default: ${byDefault})`}`;
        return [head, ...wrapText(help, WIDTH - 6).map((line) => `      ${line}`)].join('\n');
    });
    return `lifeboat ${command.name}: ${command.summary}.\n\n${inputs.join('\n')}\n\n${EXIT_CODES}\n`;
}
function wrapText(text, width) {
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
    finish() {
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
        const status = `${share === null ? '' : `${progressBar(share)}  `}${(0,report_escape/* oneLine */.TN)(line)}`;
        process.stderr.write(status.slice(0, (process.stderr.columns || 80) - 1));
        this.#status = true;
    }
    #clear() {
        if (this.#status)
            process.stderr.write(CLEAR);
        this.#status = false;
    }
}
/** `[########............]  42 %`. */
function progressBar(share) {
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
    return runCommandLine(line);
}
async function runCommandLine({ command, json, get }) {
    const reporter = new Terminal({ json, debug: process.env.LIFEBOAT_DEBUG === '1' });
    const confirmed = command.name === 'restore' ? await askToConfirm(get) : get;
    // What a run begins that must not outlive it, ends with it; there is no step after it that could.
    const track = () => () => { };
    const mask = (secret) => reporter.mask(secret);
    const outcome = await (0,run_command/* runCommand */.d)({ get: confirmed, env: process.env, reporter, mask, track });
    reporter.finish();
    return main_EXIT_CODES[outcome];
}
/** Asks a person at a terminal for what `confirm` wants; a script gives it as a flag. */
async function askToConfirm(get) {
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
