/** What of an input's text must not be seen: it is masked in logs, and refused on a command line. */
export type Secrecy =
  /** Nothing. */
  | 'none'
  /** All of it. */
  | 'whole'
  /** All of it, because anybody who knows such a URL can use it; the password in it also by itself. */
  | 'whole-url'
  /** The password in it. Logs show nothing of it; a command line may show it when it has no password. */
  | 'connection-string'
  /** The passwords in its URLs. */
  | 'password-in-url'
  /** All of it when it holds a private key: it takes public keys, and a user may paste the wrong half. */
  | 'if-private-key';

/** An input of the Action, the same to every command that has it. */
export interface InputDeclaration {
  /** Its text when the user gives none; empty: no default. */
  default: string;
  secret: Secrecy;
  /** What the user reads in action.yml, in docs/inputs.md and in `--help`: one paragraph, code in backticks. */
  help: string;
  /** Blanks at its ends count: the parser gets the text untrimmed. */
  verbatim?: true;
}

/**
 * Every input, in the order in which action.yml and docs/inputs.md list them; `npm run docs` writes both. A command has
 * those that its schema in src/commands/<name>/inputs.ts gives a parser. Plain data: the post step reads `secret` here
 * without the parsers and their libraries.
 */
export const INPUTS = {
  command: {
    default: 'backup',
    secret: 'none',
    help:
      'What to do. `backup`: dump a database, compress, encrypt and store it as one stream. `restore-test`: restore ' +
      'a backup into a throwaway PostgreSQL and require it to equal what was dumped. `restore`: restore a backup ' +
      "into a new database beside the live one, verify it, and put it in the live one's place when asked to. " +
      '`list`: show which backups exist. `check`: check that they are recent, proven, large enough and complete. ' +
      '`prune`: delete the backups that no keep-* rule keeps. `hold` and `release`: keep one backup ' +
      'from being deleted by them, and end that.',
  },
  'database-url': {
    default: '',
    secret: 'connection-string',
    help:
      'The database to back up or to restore, as a libpq connection string: ' +
      '`postgresql://user:password@host:5432/database`, or keywords such as `host=db.example.com dbname=shop`. Left ' +
      "out, the environment's PG* variables (PGHOST, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE and so on) say it, " +
      'and they fill in what the string does not name. A service or a password file is read when PGSERVICE or ' +
      'PGPASSFILE names it. Unless sslmode says otherwise, connections to another machine are encrypted ' +
      '(`require`), and verified when sslrootcert is given (`verify-full`).',
  },
  databases: {
    default: '',
    secret: 'none',
    help:
      'backup: several databases of the server in one run, each into the set of its own name: `all`, or one name a ' +
      'line; `*` and `?` are wildcards, `!` before one leaves it out, and what is not plain stands in double ' +
      'quotes. database-url names the server, and a database from which to list them. Default: the one in ' +
      'database-url.',
  },
  name: {
    default: '',
    secret: 'none',
    help:
      'The name of the set that the backup belongs to: its folder in every store. Letters, digits, dots, ' +
      "underscores and hyphens, at most 63. Left out: backup takes the database's name, list and check all sets, " +
      'and every other command the only set of the store.',
  },
  store: {
    default: '',
    secret: 'password-in-url',
    help:
      'Where the backup is kept, one URL a line: `s3://bucket/prefix`, `ssh://user@host:port/path`, ' +
      '`rclone:remote:path` or `file:///srv/backups`. With several, each gets the whole backup in one pass. Lines ' +
      'that begin with # are comments.',
  },
  's3-endpoint': {
    default: '',
    secret: 'password-in-url',
    help:
      'The address of an S3-compatible server, such as `https://minio.example.com:9000`. Left out: AWS, or ' +
      "AWS_ENDPOINT_URL_S3. Keys come from the AWS SDK's own environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, " +
      'AWS_REGION, or aws-actions/configure-aws-credentials).',
  },
  'ssh-key': {
    default: '',
    secret: 'whole',
    help:
      'For an `ssh:` store: the private key that logs in there, whole, from BEGIN to END, without a passphrase. A ' +
      'secret; make one for this job alone, and let the server allow it nothing else.',
  },
  'ssh-known-hosts': {
    default: '',
    secret: 'if-private-key',
    help:
      "For an `ssh:` store, required: the server's lines of a known_hosts file. `ssh-keyscan -p PORT HOST` prints " +
      "them; compare the key with what the server's owner says before you paste it. No other server is spoken to.",
  },
  toolset: {
    default: 'auto',
    secret: 'none',
    help:
      'Where pg_dump and its companions come from: `local`, the version that fits the server among those installed ' +
      "here; `container:NAME`, a running container, such as the database's own, where database-url and scratch-url " +
      'are as seen in it; `image:REFERENCE`, an image of PostgreSQL; `auto`, which is `local`, and where nothing ' +
      'fits the container whose published port database-url or scratch-url names, or an image `postgres` that was ' +
      'fetched before.',
  },
  passphrase: {
    default: '',
    secret: 'whole',
    verbatim: true,
    help:
      'Encrypts with this passphrase (OpenPGP, AES-256). 20 characters or more are advised. Either this or ' +
      'public-key is needed: nothing is stored unencrypted.',
  },
  'public-key': {
    default: '',
    secret: 'if-private-key',
    help:
      'Encrypts to these armored OpenPGP certificates, one or more, so that the job holds no secret that decrypts ' +
      'its backups. The output of `gpg --armor --export KEY`. check: warns 30 days before one of them expires, and ' +
      'when the newest proven backup was not made for all of them.',
  },
  'signing-key': {
    default: '',
    secret: 'whole',
    help:
      "An armored OpenPGP private key that signs each backup's manifest, and the records of restore tests and " +
      'prunes, so that an attacker who can write the store cannot forge them. Use a key of its own for this, not the one ' +
      'that decrypts.',
  },
  'signing-key-passphrase': {
    default: '',
    secret: 'whole',
    verbatim: true,
    help: 'The passphrase of signing-key, when it is locked.',
  },
  before: {
    default: '',
    secret: 'none',
    help:
      "restore: commands that are run just before the restored database takes the live one's place, one a line, " +
      'such as `docker compose stop app`. No shell reads them: quotes and backslashes keep words together, and that ' +
      'is all.',
  },
  after: {
    default: '',
    secret: 'none',
    help:
      'restore: commands that are run just after it, also when it failed or was cancelled, such as `docker compose ' +
      'start app`.',
  },
  jobs: {
    default: '1',
    secret: 'none',
    help: 'restore-test: how many processes build indexes and constraints side by side. backup: only 1 in this version.',
  },
  globals: {
    default: 'true',
    secret: 'none',
    help:
      '`true`: also keep roles and tablespaces as SQL for people to read (without password hashes), when the ' +
      'database user may read them.',
  },
  paths: {
    default: '',
    secret: 'none',
    help:
      'Folders with files that belong to the database, such as uploads, `label=path` a line. Each is stored as a ' +
      'tar archive of its own, compressed and encrypted like the database. A relative path starts in the workspace. ' +
      'restore-test checks the archives; restore unpacks them with files-to.',
  },
  'paths-exclude': {
    default: '',
    secret: 'none',
    help:
      'What of these folders is left out: globs on the path in the folder, one a line, such as `cache` or ' +
      '`**/*.tmp`. A folder that fits is left out with all that is in it.',
  },
  'dump-args': {
    default: '',
    secret: 'none',
    help:
      'Further options for pg_dump, one a line, to leave things out: --schema, --exclude-schema, --table, ' +
      '--exclude-table, --exclude-table-data, --extension (each with =PATTERN), --no-comments, ' +
      '--no-security-labels, --large-objects, --no-large-objects. No shell reads them, so they need no quoting. ' +
      'Such a backup is marked as partial.',
  },
  fingerprint: {
    default: 'rows',
    secret: 'none',
    help:
      'What is recorded of the rows, for a restore to be compared with: `rows` counts them exactly; `content` also ' +
      'makes a digest of every row, which takes longer.',
  },
  'lock-wait-timeout': {
    default: '5m',
    secret: 'none',
    help:
      'How long to go on trying for the locks that a consistent dump needs, in all, such as `90s`, `15m` or `2h` ' +
      '(1s to 24h). While something else waits for a table, the backup backs off and tries again.',
  },
  'store-timeout': {
    default: '5m',
    secret: 'none',
    help:
      'How long a store may take for an answer, or for the next bytes that it reads or takes, such as `90s` or `5m` ' +
      '(1s to 24h). After that Lifeboat stops using the store; so it does with one that sends less than 16 KiB/s ' +
      'for that long. A listing may take twelve times as long.',
  },
  'allow-empty': {
    default: 'false',
    secret: 'none',
    help:
      '`true`: a database without any table, or a folder of paths without any file, is backed up too. Otherwise ' +
      'that is an error.',
  },
  'allow-new-source': {
    default: 'false',
    secret: 'none',
    help:
      "`true`: accept that the set's earlier backups came from another database or server, after a migration. " +
      'Otherwise that is an error.',
  },
  'compression-level': {
    default: '1',
    secret: 'none',
    help: 'The zstd level, from 1 (fastest) to 19 (smallest).',
  },
  'read-back': {
    default: 'auto',
    secret: 'none',
    help:
      '`auto`: ask each store afterwards what it holds, when the credentials may read. `required`: credentials that ' +
      'may not are an error.',
  },
  's3-storage-class': {
    default: '',
    secret: 'none',
    help: "The storage class of the objects, such as STANDARD_IA. Left out, the bucket's default.",
  },
  's3-object-lock': {
    default: '',
    secret: 'none',
    help:
      'Locks the objects against deletion, `governance:30d` or `compliance:30d`. The bucket must have object lock ' +
      'enabled.',
  },
  's3-sse': {
    default: '',
    secret: 'none',
    help:
      "Encryption by the S3 server, on top of Lifeboat's own: `AES256` or `aws:kms`. Left out, the bucket's " +
      'default.',
  },
  's3-kms-key': {
    default: '',
    secret: 'none',
    help: 'The KMS key for `aws:kms` (id, ARN or alias).',
  },
  's3-create-bucket': {
    default: 'false',
    secret: 'none',
    help: '`true`: create the bucket when it is missing.',
  },
  'keep-last': {
    default: '',
    secret: 'none',
    help:
      'backup and prune, as all keep-* inputs: which backups stay; the others are deleted, after a backup or by the ' +
      'command prune. Without any of them nothing is deleted. This one keeps so many of the newest. A number, or ' +
      '`unlimited`.',
  },
  'keep-within': {
    default: '',
    secret: 'none',
    help: 'Keeps all that were made within so long before the newest good backup, in days or hours: `30d`, `26h`.',
  },
  'keep-hourly': {
    default: '',
    secret: 'none',
    help: 'Keeps the newest backup of each of so many hours that have one.',
  },
  'keep-daily': {
    default: '',
    secret: 'none',
    help: 'Keeps the newest backup of each of so many days (UTC) that have one.',
  },
  'keep-weekly': {
    default: '',
    secret: 'none',
    help: 'Keeps the newest backup of each of so many weeks (ISO 8601, from Monday on) that have one.',
  },
  'keep-monthly': {
    default: '',
    secret: 'none',
    help: 'Keeps the newest backup of each of so many months that have one.',
  },
  'keep-yearly': {
    default: '',
    secret: 'none',
    help: 'Keeps the newest backup of each of so many years that have one.',
  },
  force: {
    default: 'false',
    secret: 'none',
    help:
      'prune: `true` applies a plan that a guard has refused: it deletes more than half of the backups, or the ' +
      'clocks of this machine and of the store differ. Look at the plan with dry-run first.',
  },
  'dry-run': {
    default: 'false',
    secret: 'none',
    help: '`true`: check everything and say what would be done; nothing is stored or deleted.',
  },
  backup: {
    default: 'latest',
    secret: 'none',
    help:
      'restore-test, restore, hold, release: which backup. An id such as `20261121T020000Z-7f3a91c2`, `latest`, or ' +
      '`latest-proven`: the newest whose last restore test passed. release takes an id only.',
  },
  'previous-passphrases': {
    default: '',
    secret: 'whole',
    verbatim: true,
    help: 'restore-test: older passphrases, one a line, tried after `passphrase`.',
  },
  'private-key': {
    default: '',
    secret: 'whole',
    help:
      'restore-test: armored OpenPGP private keys, one or more, of which one opens the backups that were made with ' +
      'public-key. Give it where restores run, never to the backup job. check: with it, or with passphrase, the ' +
      'rows of each table are compared with those of the backup before.',
  },
  'private-key-passphrase': {
    default: '',
    secret: 'whole',
    verbatim: true,
    help: 'restore-test: the passphrase of private-key, when it is locked.',
  },
  'verification-key': {
    default: '',
    secret: 'if-private-key',
    help:
      'restore-test and restore: armored OpenPGP certificates. The manifest must then have a signature by one of ' +
      'them, valid at its own time; a backup without one fails. Also there, and for hold, prune, backup and check: ' +
      'what is not signed by one of them does not count, neither as a backup nor as a proof. backup uses the ' +
      'certificate of signing-key when this is left out. check warns 30 days before the key that signs expires.',
  },
  'scratch-url': {
    default: '',
    secret: 'connection-string',
    help:
      "restore-test: a throwaway PostgreSQL to restore into, as a superuser's connection string: a service " +
      "container's. Left out, a private cluster is made from this machine's own server binaries, and is gone " +
      'afterwards.',
  },
  'scratch-image': {
    default: '',
    secret: 'none',
    help:
      'restore-test: restores into a throwaway container of this image, such as `postgres:17` or ' +
      '`postgis/postgis:17-3.5`, by docker or podman, which fetch it when it is missing (podman wants the full ' +
      'name, `docker.io/library/postgres:17`). It has no network and few rights, and brings its own programs and ' +
      "extensions. Recommended on GitHub's runners.",
  },
  'scratch-dir': {
    default: '',
    secret: 'none',
    help:
      'restore-test: where the private cluster lives while the test runs, best on tmpfs or an encrypted disk. It ' +
      "needs room for the whole database. Left out, the runner's temporary folder (as root, /var/lib/lifeboat).",
  },
  'keep-database': {
    default: 'false',
    secret: 'none',
    help:
      'restore-test: `true` leaves the restored database on the server of scratch-url for later steps, such as a ' +
      'rehearsal of a migration on real data; output `restored-url`.',
  },
  'after-restore': {
    default: '',
    secret: 'none',
    help:
      'restore-test: the path of an SQL file that masks the restored database before restored-url is published. It ' +
      "runs in one transaction, with the database's own triggers, rules and event triggers disabled. Afterwards " +
      'materialized views are refreshed, tables and statistics rewritten, and assertions run once more.',
  },
  cache: {
    default: 'false',
    secret: 'none',
    help:
      'restore-test: `true` keeps the encrypted parts in the Actions cache, so that checks of pull requests do not ' +
      'fetch them from the store each time. They are checked like those of a store. A missing or failing ' +
      "cache is reported and changes nothing. A test that has read the cache says nothing of the store's own copy, and " +
      'keeps no record. Not for public repositories, where everybody can read the cache.',
  },
  'accept-missing-rows': {
    default: '',
    secret: 'none',
    help:
      'restore-test and restore: tables of extensions whose rows no dump can hold, and that come from elsewhere: ' +
      '`schema.table # reason`, one a line; `*` stands for any characters. Without it a restore that lacks these rows ' +
      'has failed. The reason stays in every report, under *not verified*.',
  },
  assertions: {
    default: '',
    secret: 'none',
    help:
      'restore-test: what you know about your data, as YAML or as the path of a YAML file: a list of `name`, `sql` ' +
      '(one query) and `expect` (`true`, `not-empty`, `{equals: VALUE}`, `{at-least: NUMBER}`, `{at-most: ' +
      'NUMBER}`). The first column of the first row counts. Queries run read-only in the restored database.',
  },
  'file-references': {
    default: '',
    secret: 'none',
    help:
      'restore-test: which files the database names, as YAML or as the path of a YAML file: `label: query`, one a ' +
      'line, such as `uploads: select path from attachments`. The label is one of paths at the backup. The first ' +
      'column of each row is a path in that folder, and must be in its archive; null and empty ones name no file. ' +
      'Queries run read-only in the restored database.',
  },
  confirm: {
    default: '',
    secret: 'none',
    help: 'restore: the name of the database that is to be restored, once more, which prevents a restore by mistake.',
  },
  replace: {
    default: 'false',
    secret: 'none',
    help:
      "restore: `false` restores into the new database `NAME_restored_ID`; `true` gives that the live one's name " +
      'when it is proven, and keeps the old one as `NAME_before_ID`.',
  },
  tables: {
    default: '',
    secret: 'none',
    help:
      'restore: only these tables, one name a line: `schema.table`, or `table` when it is in one schema alone; ' +
      'double quotes around what is not plain, as in SQL. With their partitions, indexes, constraints, triggers, ' +
      'policies, sequences, grants and comments. Views and sequences can be named too. Not together with replace.',
  },
  schemas: {
    default: '',
    secret: 'none',
    help: 'restore: only what is in these schemas, one name a line, as in tables.',
  },
  'files-to': {
    default: '',
    secret: 'none',
    help:
      'restore: a folder, new or empty, into which the file trees of the backup are unpacked, each in a folder of ' +
      'its label. Left out: they are left alone.',
  },
  'create-roles': {
    default: 'false',
    secret: 'none',
    help:
      'restore: `true` makes the owners and grantees that the server lacks, and the roles that are their members, ' +
      'without passwords; the summary lists them. For an empty server.',
  },
  'accept-unverified': {
    default: 'false',
    secret: 'none',
    help: 'restore: `true` also swaps in a database of which something could not be verified on this server.',
  },
  'swap-timeout': {
    default: '1m',
    secret: 'none',
    help:
      'restore: how long connections are ended and the swap is tried while the application connects again and ' +
      'again, such as `1m` (1s to 24h).',
  },
  'restore-timeout': {
    default: '',
    secret: 'none',
    help:
      'restore-test, restore: ends a restore that has not finished after this time, such as `2h` (1s to 24h), and ' +
      'removes what it restored. Default: no limit. A swap that has begun is not interrupted.',
  },
  'max-restore-time': {
    default: '',
    secret: 'none',
    help:
      'restore-test: fails when the restore took longer (your recovery time objective), such as `30m`. The ' +
      'comparison is not counted.',
  },
  'max-age': {
    default: '',
    secret: 'none',
    help:
      'restore-test: fails when the backup is older (your recovery point objective), such as `26h`. check: fails ' +
      'when the newest backup is. restore: warns when the backup is older, because newer ones may have been deleted ' +
      'or hidden.',
  },
  'max-restore-test-age': {
    default: '',
    secret: 'none',
    help:
      'check: fails when the newest restore test was longer ago, such as `8d`, or when there was none. One that did ' +
      'not pass fails always.',
  },
  'max-shrink': {
    default: '',
    secret: 'none',
    help:
      'check: fails when the newest backup is smaller than the median of the ten before it by more than this share, ' +
      'such as `40%`, or a table has lost more of its rows (with private-key or passphrase). Growth by as much is a ' +
      'warning.',
  },
  'min-free-space': {
    default: '',
    secret: 'none',
    help:
      'check: fails when the disk of a store that is a folder (`file:`) has less space left, such as `500MB` or ' +
      '`20GiB`.',
  },
  'report-html': {
    default: '',
    secret: 'none',
    help:
      'list and check: the path of a page to write, such as `backups.html`: history, restore tests, and the RPO and ' +
      'RTO that were measured, in one file without scripts or anything from elsewhere, to be kept and printed. Its ' +
      'folder must exist. list then reads the newest manifests and records too, which it does not otherwise.',
  },
  'on-could-not-verify': {
    default: 'fail',
    secret: 'none',
    help:
      'restore-test: what it means that the scratch server lacks something (an extension, say), so that the backup ' +
      'could not be compared: `fail`, or `warn`. It never counts as proven.',
  },
  'webhook-url': {
    default: '',
    secret: 'whole-url',
    help:
      'Gets a POST when the run fails, and when one succeeds after a known failure: JSON with `text`, ' +
      'as Slack, Mattermost and their like take it, and the same facts for programs. A secret.',
  },
  'smtp-url': {
    default: '',
    secret: 'password-in-url',
    help:
      'A mail server that sends what webhook-url would get, to the addresses of mail-to: ' +
      '`smtps://user:password@host:465`, or `smtp://user:password@host:587`, where STARTTLS is required unless the ' +
      'host is this machine. Percent-encode characters such as @ in user and password. A secret.',
  },
  'mail-to': {
    default: '',
    secret: 'none',
    help:
      'Who gets mail when a run fails, and when one succeeds after it is known to have failed: addresses, by commas ' +
      'or one a line.',
  },
  'mail-from': {
    default: '',
    secret: 'none',
    help: "The sender's address. Left out, the user of smtp-url, when that is an address.",
  },
  'heartbeat-url': {
    default: '',
    secret: 'whole-url',
    help:
      'Pinged by GET when the run succeeds, so that a service such as healthchecks.io alarms when it does not come; ' +
      'at its start with `/start` at the end of the path, when it fails with `/fail`. A secret.',
  },
  'metrics-file': {
    default: '',
    secret: 'none',
    help:
      "A file ending in .prom in the folder of node_exporter's textfile collector. What Prometheus is to know of " +
      'this run is written there; what the file tells of earlier runs, and this one does not, stays.',
  },
  'pushgateway-url': {
    default: '',
    secret: 'password-in-url',
    help: 'The address of a Prometheus Pushgateway, such as `http://pushgateway.example.com:9091`, which gets the same.',
  },
} satisfies Record<string, InputDeclaration>;

export type InputName = keyof typeof INPUTS;
