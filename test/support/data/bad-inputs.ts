import { KEY_PASSPHRASE, makeTestKeys } from './test-keys.ts';

/** What a user gets wrong, and what the error must tell. */
export interface BadInput {
  title: string;
  /** Over {@link goodInputs}. */
  inputs: Record<string, string>;
  env?: Record<string, string>;
  /** Each must be found in the error: the input's name, what is wrong with it, the mend. */
  says: RegExp[];
  /** None of these may be in the error or the log. */
  hides?: string[];
}

/** Complete and right: each bad input changes one thing. Nothing listens at this address. */
export const goodInputs = {
  command: 'backup',
  'database-url': 'postgresql://backup:correct-horse@127.0.0.1:1/shop',
  store: 'file:///srv/lifeboat-test-that-does-not-exist',
  passphrase: 'a passphrase for tests, long enough',
};

const keys = await makeTestKeys();
const S3 = { store: 's3://bucket/prefix' };
const SSH = {
  store: 'ssh://u123@box.example.com:23/backups',
  'ssh-key': keys.sshKey,
  'ssh-known-hosts': `[box.example.com]:23 ${keys.sshPublicKey}`,
};
const NO_URL = { 'database-url': '' };
const PRUNE = { command: 'prune', 'database-url': '', passphrase: '' };
const RESTORE_TEST = { command: 'restore-test', 'database-url': '' };
const RESTORE = { command: 'restore', confirm: 'shop' };
const CHECK = { command: 'check', 'database-url': '', passphrase: '' };

export const badInputs: BadInput[] = [
  // command
  {
    title: 'a word that is no command',
    inputs: { command: 'bakcup' },
    says: [/^command: "bakcup" is not a command/, /Write backup/, /restore-test/],
  },
  {
    title: 'a command of a later version',
    inputs: { command: 'self-test' },
    says: [/^command: "self-test" is not a command/, /Write backup/],
  },
  {
    title: 'a command in capitals',
    inputs: { command: 'Backup' },
    says: [/^command: "Backup" is not a command/, /Write backup/],
  },

  // file trees
  {
    title: 'a line of paths without a label',
    inputs: { paths: '/srv/uploads' },
    says: [/^paths: "\/srv\/uploads" names no folder\. Write label=path, such as uploads=/],
  },
  {
    title: 'a label in capitals',
    inputs: { paths: 'Uploads=/tmp' },
    says: [/^paths: "Uploads" is no label\. Write 1 to 32 small letters/],
  },
  {
    title: 'a label that leads out of the folder',
    inputs: { paths: '../up=/tmp' },
    says: [/^paths: "\.\.\/up" is no label/],
  },
  {
    title: 'the same label twice',
    inputs: { paths: 'a=/tmp\na=/usr' },
    says: [/^paths: the label "a" stands twice/],
  },
  {
    title: 'a folder of paths that is not there',
    inputs: { paths: 'uploads=/srv/lifeboat-test-that-does-not-exist' },
    says: [/^paths: uploads: "\/srv\/lifeboat-test-that-does-not-exist" is no folder on this machine\. Write the path/],
  },
  {
    title: 'a file in the place of a folder of paths',
    inputs: { paths: 'uploads=/etc/passwd' },
    says: [/^paths: uploads: "\/etc\/passwd" is no folder/],
  },
  {
    title: 'a store in a folder that is backed up',
    inputs: { paths: 'all=/usr', store: 'file:///usr/lib' },
    says: [/^paths: all: the store "\/usr\/lib" lies in it.*Move the store/],
  },
  {
    title: 'paths-exclude without paths',
    inputs: { 'paths-exclude': '*.tmp' },
    says: [/^paths-exclude: there is nothing to leave out of\. Name the folders in paths/],
  },
  {
    title: 'an absolute glob',
    inputs: { paths: 'all=/usr', 'paths-exclude': '/share/**' },
    says: [/^paths-exclude: "\/share\/\*\*" would fit nothing: paths start in the tree\. Write "share\/\*\*"/],
  },
  {
    title: 'a glob that is to bring something back',
    inputs: { paths: 'all=/usr', 'paths-exclude': '**\n!keep' },
    says: [/^paths-exclude: line 2: "!keep": what is left out cannot be brought back/],
  },
  {
    title: 'file-references without a label',
    inputs: { ...RESTORE_TEST, 'file-references': 'select path from files' },
    says: [/^file-references: it is no map of labels to queries\. Write label: query, one a line/],
  },
  {
    title: 'files-to into a folder that is not empty',
    inputs: { ...RESTORE, 'files-to': '/usr' },
    says: [/^files-to: "\/usr" exists and is not an empty folder\. Name a new one/],
  },
  {
    title: 'files-to into a folder that is not there',
    inputs: { ...RESTORE, 'files-to': '/srv/lifeboat-test-that-does-not-exist/files' },
    says: [/^files-to: "\/srv\/lifeboat-test-that-does-not-exist" does not exist\. Write a folder in one that does/],
  },
  {
    title: 'files-to that is a file',
    inputs: { ...RESTORE, 'files-to': '/etc/passwd' },
    says: [/^files-to: "\/etc\/passwd" exists and is not an empty folder/],
  },

  // retention
  {
    title: 'a prune without a rule',
    inputs: PRUNE,
    says: [
      /^keep-last: no rule says what is kept, so nothing would be deleted\. Give one or more of keep-last, keep-within/,
    ],
  },
  {
    title: 'keep-last: 0',
    inputs: { ...PRUNE, 'keep-last': '0' },
    says: [/^keep-last: "0" is no number of backups to keep\. Write a whole number from 1/],
  },
  {
    title: 'keep-daily in words, after a backup too',
    inputs: { 'keep-daily': 'seven' },
    says: [/^keep-daily: "seven" is no number of backups to keep/, /unlimited/],
  },
  {
    title: 'keep-monthly: -1, which restic takes for unlimited',
    inputs: { 'keep-monthly': '-1' },
    says: [/^keep-monthly: "-1" is no number/, /or unlimited/],
  },
  {
    title: 'keep-within in months, which would be minutes here',
    inputs: { ...PRUNE, 'keep-within': '6m' },
    says: [/^keep-within: "6m" does not say how far back/, /Write days or hours, such as 30d or 26h/],
  },
  {
    title: "keep-within with restic's years and months",
    inputs: { 'keep-within': '1y6m' },
    says: [/^keep-within: "1y6m" does not say how far back/],
  },
  {
    title: 'keep-within: 0d',
    inputs: { 'keep-within': '0d' },
    says: [/^keep-within: "0d" does not say how far back/],
  },
  {
    title: 'force that is neither true nor false',
    inputs: { ...PRUNE, 'keep-last': '7', force: 'yes' },
    says: [/^force: "yes" is neither true nor false/],
  },
  {
    title: 'prune: a passphrase without a key that it unlocks',
    inputs: { ...PRUNE, 'keep-last': '7', 'signing-key-passphrase': KEY_PASSPHRASE },
    says: [/^signing-key-passphrase: there is no signing-key/],
    hides: [KEY_PASSPHRASE],
  },
  {
    title: 'prune: a private key where a certificate belongs',
    inputs: { ...PRUNE, 'keep-last': '7', 'verification-key': keys.private },
    says: [/^verification-key: this is a private key/],
  },
  {
    title: 'hold: a word that is not a backup',
    inputs: { command: 'hold', backup: 'newest' },
    says: [/^backup: "newest" is not a backup\. Write latest/],
  },
  {
    title: 'release of the latest, which may be another one by now',
    inputs: { command: 'release' },
    says: [/^backup: "latest" does not say which backup is released\. Write its id/],
  },

  // restore-test
  {
    title: 'nothing that opens the backup',
    inputs: { ...RESTORE_TEST, passphrase: '' },
    says: [/^passphrase: neither passphrase nor private-key is given/, /Give the one that opens it/],
  },
  {
    title: 'A7: nothing that opens the backup, in a pull request',
    inputs: { ...RESTORE_TEST, passphrase: '' },
    env: { GITHUB_EVENT_NAME: 'pull_request' },
    says: [/^passphrase: .*Secrets are empty for pull requests from forks/],
  },
  {
    title: 'two ways to open the backup',
    inputs: { ...RESTORE_TEST, 'private-key': keys.private },
    says: [/^passphrase: private-key is given as well/],
  },
  {
    title: 'a public key to decrypt with',
    inputs: { ...RESTORE_TEST, passphrase: '', 'private-key': keys.public },
    says: [/^private-key: it is a public key, which cannot decrypt/, /--export-secret-keys/],
  },
  {
    title: 'a private key that is locked',
    inputs: { ...RESTORE_TEST, passphrase: '', 'private-key': keys.locked },
    says: [/^private-key: key [0-9A-F]{40} is locked/, /private-key-passphrase/],
  },
  {
    title: 'a private key with another passphrase',
    inputs: { ...RESTORE_TEST, passphrase: '', 'private-key': keys.locked, 'private-key-passphrase': 'wrong-one' },
    says: [/^private-key: key [0-9A-F]{40} cannot be unlocked/, /Correct private-key-passphrase/],
    hides: ['wrong-one'],
  },
  {
    title: 'a private key to verify with',
    inputs: { ...RESTORE_TEST, 'verification-key': keys.private },
    says: [/^verification-key: this is a private key/],
  },
  {
    title: 'a backup that is no id',
    inputs: { ...RESTORE_TEST, backup: 'yesterday' },
    says: [/^backup: "yesterday" is not a backup/, /latest-proven/, /20261121T020000Z/],
  },
  {
    title: 'two scratch servers',
    inputs: { ...RESTORE_TEST, 'scratch-url': 'postgresql://u:s3cretpw@127.0.0.1/postgres', 'scratch-dir': '/tmp' },
    says: [/^scratch-dir: scratch-url names a server that is there already/],
    hides: ['s3cretpw'],
  },
  {
    title: 'a scratch image and a scratch server',
    inputs: {
      ...RESTORE_TEST,
      'scratch-url': 'postgresql://u:s3cretpw@127.0.0.1/postgres',
      'scratch-image': 'postgres:17',
    },
    says: [/^scratch-image: scratch-url names an existing server.*Remove one of the two/],
    hides: ['s3cretpw'],
  },
  {
    title: 'a scratch image and a folder',
    inputs: { ...RESTORE_TEST, 'scratch-image': 'postgres:17', 'scratch-dir': '/tmp' },
    says: [/^scratch-dir: the data of scratch-image is in the storage of docker or podman/],
  },
  {
    title: 'a scratch image and the programs of a container',
    inputs: { ...RESTORE_TEST, 'scratch-image': 'postgres:17', toolset: 'container:db' },
    says: [/^toolset: scratch-image brings its own programs/],
  },
  {
    title: 'a scratch image that an engine would take for an option',
    inputs: { ...RESTORE_TEST, 'scratch-image': '--privileged' },
    says: [/^scratch-image: "--privileged" is not the name of an image.*postgres:17/],
  },
  {
    title: 'a scratch folder that depends on where one is',
    inputs: { ...RESTORE_TEST, 'scratch-dir': 'scratch' },
    says: [/^scratch-dir: "scratch" is not an absolute path/],
  },
  {
    title: 'a database kept on a server that goes away',
    inputs: { ...RESTORE_TEST, 'keep-database': 'true' },
    says: [/^keep-database: a private cluster is gone when the step ends/, /scratch-url/],
  },
  {
    title: 'a mask for nobody',
    inputs: { ...RESTORE_TEST, 'after-restore': 'package.json' },
    says: [/^after-restore: nothing is handed out/m, /keep-database: true/],
  },
  {
    title: 'a mask that is not there',
    inputs: { ...RESTORE_TEST, 'after-restore': 'nowhere/mask.sql' },
    says: [/^after-restore: the file "nowhere\/mask\.sql" is not there/, /actions\/checkout/],
  },
  {
    title: 'a cache that is named instead of switched on',
    inputs: { ...RESTORE_TEST, cache: 'actions' },
    says: [/^cache: "actions" is neither true nor false/],
  },
  {
    title: 'a restore that has less than a second',
    inputs: { ...RESTORE_TEST, 'restore-timeout': '0s', 'store-timeout': '2d' },
    says: [/^restore-timeout: "0s" is out of range/m, /^store-timeout: "2d" is out of range.*1s to 24h/m],
  },
  {
    title: 'an objective that is no duration',
    inputs: { ...RESTORE_TEST, 'max-restore-time': 'an hour', 'max-age': '26' },
    says: [/^max-restore-time: "an hour" is not a duration/, /^max-age: "26" is not a duration/m],
  },
  {
    title: 'jobs beyond reason',
    inputs: { ...RESTORE_TEST, jobs: '1000' },
    says: [/^jobs: "1000" is not a whole number from 1 to 64/],
  },

  // check
  {
    title: 'demands of a check without their units',
    inputs: {
      ...CHECK,
      'max-shrink': '0.4',
      'min-free-space': '20',
      'max-age': '26',
      'max-restore-test-age': 'a week',
    },
    says: [
      /^max-shrink: "0\.4" is not a share\. .* such as 40%/m,
      /^min-free-space: "20" is not a size\. .* such as 500MB/m,
      /^max-age: "26" is not a duration/m,
      /^max-restore-test-age: "a week" is not a duration/m,
    ],
  },
  {
    title: 'free space of no disk',
    inputs: { ...CHECK, ...S3, 'min-free-space': '20GB' },
    says: [/^min-free-space: no store is a folder \(file:\).*Remove it/],
  },
  ...(
    [
      ['a page without the ending of one', 'backups', /is not the path of a page\. Write one that ends in \.html/],
      ['a page in a folder that does not exist', '/none/such/backups.html', /folder of .* does not exist\. Create it/],
      ['a page on two lines', 'a\nb.html', /is not the path of a page/],
    ] as const
  ).map(([title, page, says]) => ({
    title,
    inputs: { ...CHECK, 'report-html': page },
    says: [/^report-html: /, says],
  })),
  {
    title: 'two ways to open inventories',
    inputs: { ...CHECK, passphrase: goodInputs.passphrase, 'private-key': keys.private },
    says: [/^passphrase: private-key is given as well/],
  },
  {
    title: 'a restore with older passphrases beside a private key',
    inputs: {
      command: 'restore',
      confirm: 'shop',
      passphrase: '',
      'private-key': keys.private,
      'previous-passphrases': 'the former passphrase',
    },
    says: [/^previous-passphrases: there is no passphrase/],
    hides: ['the former passphrase'],
  },
  {
    title: 'a restore with the passphrase of no private key',
    inputs: { command: 'restore', confirm: 'shop', 'private-key-passphrase': 'of a key that is not there' },
    says: [/^private-key-passphrase: there is no private-key/],
    hides: ['of a key that is not there'],
  },
  {
    title: 'older passphrases, and no present one',
    inputs: { ...CHECK, 'previous-passphrases': 'the former passphrase' },
    says: [/^previous-passphrases: there is no passphrase/],
    hides: ['the former passphrase'],
  },
  {
    title: 'a private key to watch over',
    inputs: { ...CHECK, 'public-key': keys.private },
    says: [/^public-key: this is a private key/],
    hides: bodyOf(keys.private),
  },

  // restore
  {
    title: 'a restore that nobody has confirmed',
    inputs: { command: 'restore' },
    says: [/^confirm: "" is not the database that database-url names \("shop"\)/, /dry-run: true/],
  },
  {
    title: 'a restore confirmed for another database',
    inputs: { command: 'restore', confirm: 'shop2' },
    says: [/^confirm: "shop2" is not the database that database-url names \("shop"\)/],
  },
  {
    title: 'a swap without patience',
    inputs: { command: 'restore', confirm: 'shop', 'swap-timeout': '0s', 'restore-timeout': 'soon' },
    says: [/^swap-timeout: "0s" is out of range/m, /^restore-timeout: "soon" is not a duration/m],
  },

  {
    title: 'a part in place of the whole database',
    inputs: { command: 'restore', confirm: 'shop', tables: 'public.orders', replace: 'true' },
    says: [/^replace: tables restores a part of the backup, which must not take the place of the whole database/],
  },
  {
    title: 'tables by patterns, schemas by tables',
    inputs: {
      command: 'restore',
      confirm: 'shop',
      tables: 'public.order_*\norders, customers',
      schemas: 'public.orders',
    },
    says: [
      /^tables: "public\.order_\*" is not the name of a table\. Patterns are not known here\. Write schema\.table, one a line/,
      /^tables: "orders, customers" is not the name of a table/m,
      /^schemas: "public\.orders" is not the name of a schema/m,
    ],
  },
  {
    title: 'tables that name none',
    inputs: { command: 'restore', confirm: 'shop', tables: '# public.orders' },
    says: [/^tables: it names nothing\. Write one name a line, or leave it out/],
  },

  // Who is told: nothing of a URL is shown.
  {
    title: 'a webhook without https://',
    inputs: { 'webhook-url': 'our-chat.example.com/hooks/k3y-of-the-chat' },
    says: [/^webhook-url: it is not a URL that begins with https:\/\/ or http:\/\//, /Write one such as https:/],
    hides: ['our-chat', 'k3y-of-the-chat'],
  },
  {
    title: 'a mail server without a scheme',
    inputs: { 'smtp-url': 'me:m41lpassword@smtp.example.com', 'mail-to': 'ops@example.com' },
    says: [/^smtp-url: it is not a URL that begins with smtps:\/\/ or smtp:\/\/\. Write one such as smtps:/],
    hides: ['m41lpassword'],
  },
  {
    title: 'a mail server with a password that is not encoded',
    inputs: { 'smtp-url': 'smtps://me@example.com:m41l/password?@smtp.example.com', 'mail-to': 'ops@example.com' },
    says: [/^smtp-url: .*(percent-encode them|begins with)/],
    hides: ['m41l/password', 'password?'],
  },
  {
    title: 'a mail server with a user alone',
    inputs: { 'smtp-url': 'smtps://postmaster@smtp.example.com', 'mail-to': 'ops@example.com' },
    says: [/^smtp-url: it has a user without a password/],
  },
  {
    title: 'mail to a name',
    inputs: { 'smtp-url': 'smtps://smtp.example.com', 'mail-to': 'ops@example.com, Ada <ada@example.com>' },
    says: [/^mail-to: "Ada <ada@example\.com>" is not an e-mail address\. Write one such as ops@example\.com/],
  },
  {
    title: 'mail to nobody',
    inputs: { 'smtp-url': 'smtps://smtp.example.com' },
    says: [/^mail-to: smtp-url is given, and nobody to write to\. Add addresses/],
  },
  {
    title: 'mail by no server',
    inputs: { 'mail-to': 'ops@example.com' },
    says: [/^mail-to: given, but smtp-url names no server that sends the mail\. Add it/],
  },
  {
    title: 'mail from nobody',
    inputs: { 'smtp-url': 'smtps://apikey:m41lpassword@smtp.example.com', 'mail-to': 'ops@example.com' },
    says: [/^mail-from: the user in smtp-url is no address that could be the sender/],
    hides: ['m41lpassword'],
  },
  {
    title: 'two webhooks',
    inputs: { 'webhook-url': 'https://chat.example.com/k3y-of-one\nhttps://chat.example.com/k3y-of-two' },
    says: [/^webhook-url: there is a blank or a line break in it: it is one URL/],
    hides: ['k3y-of-one', 'k3y-of-two'],
  },
  {
    title: 'a heartbeat that is no web address',
    inputs: { command: 'list', 'heartbeat-url': 'ftp://user:s3cretpw@ping.example.com/k3y-of-the-heart' },
    says: [/^heartbeat-url: it is not a URL that begins with/],
    hides: ['s3cretpw', 'k3y-of-the-heart'],
  },
  {
    title: 'a password of the Pushgateway that is not encoded',
    inputs: { 'pushgateway-url': 'https://me:s3cret%pw@gateway.example.com' },
    says: [/^pushgateway-url: there is a % in the user or the password. Write it as %25/],
    hides: ['s3cret%pw'],
  },
  {
    title: 'a metrics file that depends on where one is',
    inputs: { ...RESTORE_TEST, 'metrics-file': 'lifeboat.prom' },
    says: [/^metrics-file: "lifeboat\.prom" is not an absolute path/, /\/var\/lib\/node_exporter/],
  },
  {
    title: 'a metrics file that node_exporter would not read',
    inputs: { 'metrics-file': '/var/lib/node_exporter/lifeboat.txt' },
    says: [/^metrics-file: "\/var\/lib\/node_exporter\/lifeboat\.txt" does not end in \.prom/],
  },

  // list: it needs a store, and no more.
  {
    title: 'list without a store',
    inputs: { command: 'list', store: '' },
    says: [/^store: no store is given/],
  },
  {
    title: 'list of a name with a slash',
    inputs: { command: 'list', name: 'shop/20261121T020000Z-7f3a91c2' },
    says: [/^name: "shop\/20261121T020000Z-7f3a91c2" is not a name of a set/],
  },
  {
    title: 'list of a store inside another, at a server that is none',
    inputs: { command: 'list', store: 's3://bucket/a\ns3://bucket/a/b', 's3-endpoint': 'minio:9000' },
    says: [/^store: "s3:\/\/bucket\/a\/b" lies inside/m, /^s3-endpoint: "minio:9000" is not an address/m],
  },

  // database-url
  {
    title: 'no database at all',
    inputs: NO_URL,
    says: [/^database-url: it is empty, and PGDATABASE is not set/, /postgresql:\/\/user:password@host:5432\/database/],
  },
  {
    title: 'P5: a URL without a database',
    inputs: { 'database-url': 'postgresql://backup:s3cretpw@db.example.com' },
    says: [/^database-url: it names no database, and neither does PGDATABASE/, /postgresql:\/\/host\/database/],
    hides: ['s3cretpw', 'example.com'],
  },
  {
    title: 'P5: keywords without a database',
    inputs: { 'database-url': 'host=127.0.0.1 user=backup' },
    says: [/^database-url: it names no database/, /dbname=shop/],
  },
  {
    title: 'a URL of another database',
    inputs: { 'database-url': 'mysql://mysqladmin:s3cretpw@127.0.0.1/shop' },
    says: [/^database-url: the URL begins with neither postgresql:\/\/ nor postgres:\/\//, /Write postgresql:\/\//],
    hides: ['s3cretpw', 'mysqladmin'],
  },
  {
    title: 'a URL of SQLAlchemy',
    inputs: { 'database-url': 'postgresql+psycopg2://u:s3cretpw@127.0.0.1/shop' },
    says: [/^database-url: the URL begins with neither/],
    hides: ['s3cretpw'],
  },
  {
    title: 'a bare word',
    inputs: { 'database-url': 'bareword7' },
    says: [/^database-url: it is neither a URL nor keywords/, /Write postgresql:\/\//],
    hides: ['bareword7'],
  },
  {
    title: 'quotes around the URL',
    inputs: { 'database-url': '"postgresql://u:s3cretpw@127.0.0.1/shop"' },
    says: [/^database-url: /, /Remove the quotes/],
    hides: ['s3cretpw'],
  },
  {
    title: 'L2: an @ in the password',
    inputs: { 'database-url': 'postgresql://backup:S3@cretpw@127.0.0.1/shop' },
    says: [/^database-url: /, /percent-encode/, /@ is %40/],
    hides: ['cretpw', 'S3@'],
  },
  {
    title: 'L2: a slash in the password',
    inputs: { 'database-url': 'postgresql://backup:S3/cretpw@127.0.0.1/shop' },
    says: [/^database-url: /, /percent-encode/, /\/ is %2F/],
    hides: ['cretpw', 'S3/'],
  },
  {
    title: 'L2: a slash after digits in the password, which libpq would take for a port',
    inputs: { 'database-url': 'postgresql://backup:77/cretpw@127.0.0.1/shop' },
    says: [/^database-url: /, /percent-encode/],
    hides: ['cretpw', '77/'],
  },
  {
    title: 'L2: a % in the password',
    inputs: { 'database-url': 'postgresql://backup:S3%cretpw@127.0.0.1/shop' },
    says: [/^database-url: the URL holds a % that is not followed by two hex digits/, /% is %25/],
    hides: ['cretpw', 'S3%'],
  },
  {
    title: 'a ? in the password',
    inputs: { 'database-url': 'postgresql://backup:S3?cretpw@127.0.0.1/shop' },
    says: [/^database-url: the URL holds a \? before an @/, /percent-encode/],
    hides: ['cretpw'],
  },
  {
    title: 'a ? and a / in the password',
    inputs: { 'database-url': 'postgresql://backup:55?key=cret/pw@127.0.0.1/shop' },
    says: [/^database-url: /, /percent-encode/],
    hides: ['cret', 'key='],
  },
  {
    title: 'a space in the URL',
    inputs: { 'database-url': 'postgresql://backup:my s3cretpw@127.0.0.1/shop' },
    says: [/^database-url: the URL holds a space/, /percent-encode/],
    hides: ['s3cretpw'],
  },
  {
    title: 'bytes that are not UTF-8 in the password',
    inputs: { 'database-url': 'postgresql://backup:s3cretpw%E9@127.0.0.1/shop' },
    says: [/^database-url: .*not UTF-8/, /percent-encode/],
    hides: ['s3cretpw'],
  },
  {
    title: '%00 in the URL',
    inputs: { 'database-url': 'postgresql://backup:s3cretpw%00@127.0.0.1/shop' },
    says: [/^database-url: the URL holds %00/, /Remove it/],
    hides: ['s3cretpw'],
  },
  {
    title: 'a port that is a word',
    inputs: { 'database-url': 'postgresql://backup@127.0.0.1:s3cretpw/shop' },
    says: [/^database-url: its port is not a port/, /1 to 65535/, /percent-encode/],
    hides: ['s3cretpw'],
  },
  {
    title: 'a port out of range',
    inputs: { 'database-url': 'postgresql://backup@127.0.0.1:65536/shop' },
    says: [/^database-url: its port is not a port/, /1 to 65535/],
  },
  {
    title: 'port 0',
    inputs: { 'database-url': 'host=127.0.0.1 port=0 dbname=shop' },
    says: [/^database-url: its port is not a port/],
  },
  {
    title: 'fewer ports than hosts',
    inputs: { 'database-url': 'host=127.0.0.1,127.0.0.2,127.0.0.3 port=1,2 dbname=shop' },
    says: [/^database-url: its port has 2 entries for 3 hosts/, /one for each/],
  },
  {
    title: 'an IPv6 address without its second bracket',
    inputs: { 'database-url': 'postgresql://backup@[::1/shop' },
    says: [/^database-url: the part of the URL that names the host/, /\[address\]:port/],
  },
  {
    title: 'an unknown parameter',
    inputs: { 'database-url': 'postgresql://backup@127.0.0.1/shop?sslmod=require' },
    says: [/^database-url: it has a parameter that libpq does not know/, /sslmode/],
    hides: ['sslmod='],
  },
  {
    title: 'a parameter named like a property of objects',
    inputs: { 'database-url': 'host=127.0.0.1 dbname=shop constructor=x' },
    says: [/^database-url: it has a parameter that libpq does not know/],
  },
  {
    title: 'a parameter without a value',
    inputs: { 'database-url': 'postgresql://backup@127.0.0.1/shop?sslmode' },
    says: [/^database-url: a parameter after the \? of the URL is not name=value/, /%3D/],
  },
  {
    title: 'an unknown sslmode',
    inputs: { 'database-url': 'postgresql://backup@127.0.0.1/shop?sslmode=no-verify' },
    says: [/^database-url: its sslmode is not known/, /verify-full/],
  },
  {
    title: 'ssl instead of sslmode',
    inputs: { 'database-url': 'postgresql://backup@127.0.0.1/shop?ssl=no-verify' },
    says: [/^database-url: the parameter ssl cannot be used/, /sslmode=require/],
  },
  {
    title: 'sslrootcert=system with a weak sslmode',
    inputs: { 'database-url': 'postgresql://backup@127.0.0.1/shop?sslrootcert=system&sslmode=require' },
    says: [/^database-url: its sslmode is too weak/, /verify-full/],
  },
  {
    title: 'a timeout that is a duration',
    inputs: { 'database-url': 'host=127.0.0.1 dbname=shop connect_timeout=10s' },
    says: [/^database-url: its connect_timeout is not a whole number of seconds/, /such as 30/],
  },
  {
    title: 'an address that is a name',
    inputs: { 'database-url': 'hostaddr=localhost dbname=shop' },
    says: [/^database-url: its hostaddr is not an IP address/, /use host/],
  },
  {
    title: 'fewer addresses than hosts',
    inputs: { 'database-url': 'host=a,b hostaddr=127.0.0.1 dbname=shop' },
    says: [/^database-url: its hostaddr has 1 entries and host has 2/, /as many of each/],
  },
  {
    title: 'direct TLS that may be plain text',
    inputs: { 'database-url': 'host=127.0.0.1 dbname=shop sslnegotiation=direct sslmode=prefer' },
    says: [/^database-url: its sslmode is too weak for sslnegotiation=direct/, /Write require/],
  },
  {
    title: 'channel binding without TLS',
    inputs: { 'database-url': 'host=127.0.0.1 dbname=shop channel_binding=require sslmode=disable' },
    says: [/^database-url: its sslmode contradicts channel_binding=require/, /Change one/],
  },
  {
    title: 'a replication connection',
    inputs: { 'database-url': 'host=127.0.0.1 dbname=shop replication=database' },
    says: [/^database-url: the parameter replication cannot be used/, /Remove it/],
  },
  {
    title: 'a client key with a password',
    inputs: { 'database-url': 'host=127.0.0.1 dbname=shop sslpassword=s3cretpw' },
    says: [/^database-url: the parameter sslpassword cannot be used/, /without a password/],
    hides: ['s3cretpw'],
  },
  {
    title: 'an unterminated quote',
    inputs: { 'database-url': "host=127.0.0.1 dbname=shop password='s3cretpw" },
    says: [/^database-url: the keywords cannot be read to the end/, /single quotes/],
    hides: ['s3cretpw'],
  },
  {
    title: 'a keyword without a value',
    inputs: { 'database-url': 'host=127.0.0.1 s3cretpw dbname=shop' },
    says: [/^database-url: the keywords cannot be read to the end/, /name=value/],
    hides: ['s3cretpw'],
  },
  {
    title: 'PGPORT that is no port',
    inputs: NO_URL,
    env: { PGHOST: '127.0.0.1', PGDATABASE: 'shop', PGPORT: 'five' },
    says: [/^database-url: PGPORT, "five" in the environment, is not a port/, /1 to 65535/],
  },
  {
    title: 'PGSSLMODE that is not known',
    inputs: NO_URL,
    env: { PGHOST: '127.0.0.1', PGDATABASE: 'shop', PGSSLMODE: 'on' },
    says: [/^database-url: PGSSLMODE, "on" in the environment, is not known/, /require/],
  },
  {
    title: 'PGPASSWORD with a line break',
    inputs: NO_URL,
    env: { PGHOST: '127.0.0.1', PGDATABASE: 'shop', PGPASSWORD: 's3cretpw\n' },
    says: [/^database-url: PGPASSWORD in the environment holds a line break/, /Remove it/],
    hides: ['s3cretpw'],
  },
  {
    title: 'PGHOSTADDR past the host of the URL',
    inputs: {},
    env: { PGHOSTADDR: '127.0.0.9' },
    says: [/^database-url: PGHOSTADDR, "127.0.0.9" in the environment, would lead past the host/, /Remove one/],
  },
  {
    title: 'PGHOST without PGDATABASE',
    inputs: NO_URL,
    env: { PGHOST: '127.0.0.1', PGUSER: 'postgres' },
    says: [/^database-url: it is empty, and PGDATABASE is not set/],
  },
  {
    title: 'a service that is nowhere',
    inputs: NO_URL,
    env: { PGSERVICE: 'nosuchservice', PGSERVICEFILE: '/nonexistent/pg_service.conf' },
    says: [
      /^database-url: the service file "\/nonexistent\/pg_service.conf" cannot be read \(ENOENT\)/,
      /Correct PGSERVICEFILE/,
    ],
  },
  {
    title: 'a password file that is not there',
    inputs: NO_URL,
    env: { PGHOST: '127.0.0.1', PGDATABASE: 'shop', PGPASSFILE: '/nonexistent/pgpass' },
    says: [/^database-url: the password file "\/nonexistent\/pgpass" cannot be read \(ENOENT\)/, /Correct PGPASSFILE/],
  },

  // name
  {
    title: 'a name with a slash',
    inputs: { name: 'shop/production' },
    says: [/^name: "shop\/production" is not a name of a set/, /such as shop-production/],
  },
  { title: 'a name that begins with a dot', inputs: { name: '..' }, says: [/^name: "\.\." is not a name/] },
  {
    title: 'a name of 64 characters',
    inputs: { name: 'x'.repeat(64) },
    says: [/^name: "x+" is not a name/, /1 to 63/],
  },
  {
    title: 'a name with a line that is a command of the runner',
    inputs: { name: 'shop\n::error::x' },
    says: [/^name: "shop\\n::error::x" is not a name/],
  },

  // store
  {
    title: 'no store',
    inputs: { store: '' },
    says: [/^store: no store is given/, /s3:\/\/bucket\/prefix, .* or file:\/\/\/srv\/backups/],
  },
  { title: 'only comments for a store', inputs: { store: '# later\n\n' }, says: [/^store: no store is given/] },
  {
    title: 'a path',
    inputs: { store: '/srv/backups' },
    says: [/^store: "\/srv\/backups" is a path, not a URL/, /Write "file:\/\/\/srv\/backups"/],
  },
  {
    title: 'a relative path',
    inputs: { store: 'backups/today' },
    says: [/^store: "backups\/today" is not a URL/, /file:\/\/\/srv\/backups/],
  },
  {
    title: 'file:// with two slashes',
    inputs: { store: 'file://srv/backups' },
    says: [/^store: "file:\/\/srv\/backups" is not an absolute path/, /file:\/\/\/srv\/backups/],
  },
  {
    title: 'file: without slashes',
    inputs: { store: 'file:backups' },
    says: [/^store: "file:backups" is not an absolute path/],
  },
  {
    title: 'the root of the file system',
    inputs: { store: 'file:///' },
    says: [/^store: "file:\/\/\/" is the root/, /file:\/\/\/srv\/backups/],
  },
  {
    title: 'a path with ..',
    inputs: { store: 'file:///srv/../etc' },
    says: [/^store: "file:\/\/\/srv\/\.\.\/etc" has an empty part, "\." or "\.\."/],
  },
  {
    title: 'a variable of the shell',
    inputs: { store: 'file:///$HOME/backups' },
    says: [/^store: "file:\/\/\/\$HOME\/backups": no shell reads this/, /runner\.temp/],
  },
  {
    title: 'a Windows path',
    inputs: { store: 'C:\\backups' },
    says: [/^store: "C:\\\\backups" looks like a Windows path/, /file:\/\/\/srv\/backups/],
  },
  {
    title: 'a Windows path as a URL',
    inputs: { store: 'file:///C:/backups' },
    says: [/^store: .*looks like a Windows path/],
  },
  {
    title: 'ssh: without a user',
    inputs: { ...SSH, store: 'ssh://box.example.com/backups' },
    says: [/^store: "ssh:.*" does not say as which user to log in/, /Write ssh:\/\/user@host\/path/],
  },
  {
    title: 'ssh: as scp writes it',
    inputs: { ...SSH, store: 'ssh://u123@box.example.com:backups' },
    says: [/^store: "ssh:.*" (has no path|has "backups" for a port)/, /Write ssh:\/\/user@host\/path/],
  },
  {
    title: 'ssh: with a path that is no port',
    inputs: { ...SSH, store: 'ssh://u123@box.example.com:backups/shop' },
    says: [/^store: "ssh:.*" has "backups" for a port/, /after a colon no path can stand/],
  },
  {
    title: 'ssh: the root of the file system',
    inputs: { ...SSH, store: 'ssh://u123@box.example.com/' },
    says: [/^store: "ssh:.*" has no path/],
  },
  {
    title: 'ssh: with a password',
    inputs: { ...SSH, store: 'ssh://u123:s3cr3t-pass@box.example.com/backups' },
    says: [/^store: a URL with a user, a password or a port in it \(not shown\)/, /ssh-key/],
    hides: ['s3cr3t-pass'],
  },
  {
    title: 'ssh: with a query',
    inputs: { ...SSH, store: 'ssh://u123@box.example.com/backups?via=scp' },
    says: [/^store: .*is followed by \? or #/],
  },
  {
    title: 'ssh: with .. in its path',
    inputs: { ...SSH, store: 'ssh://u123@box.example.com/backups/../x' },
    says: [/^store: .*has an empty part, "\.", "\.\."/],
  },
  {
    title: 'sftp: for ssh:',
    inputs: { store: 'sftp://u123@box.example.com/backups' },
    says: [/^store: .*write ssh:\/\/user@host\/path/],
  },
  {
    title: 'the same folder of a server twice',
    inputs: { ...SSH, store: `${SSH.store}\n${SSH.store}/shop` },
    says: [/^store: "ssh:.*" lies inside "ssh:/, /Give each store a folder beside the other/],
  },
  {
    title: 'an ssh: store without a key',
    inputs: { ...SSH, 'ssh-key': '' },
    says: [/^ssh-key: "ssh:.*" needs a private key/, /ssh-keygen -t ed25519/],
  },
  {
    title: 'an ssh: store without known hosts',
    inputs: { ...SSH, 'ssh-known-hosts': '' },
    says: [/^ssh-known-hosts: is not given/, /Run `ssh-keyscan -p 23 box\.example\.com`, compare the key/],
  },
  {
    title: 'known hosts without the server',
    inputs: { ...SSH, 'ssh-known-hosts': SSH['ssh-known-hosts'].replace('box.', 'other.') },
    says: [/^ssh-known-hosts: has no line for it/, /ssh-keyscan -p 23 box\.example\.com/],
  },
  {
    title: 'a public key without its host for known hosts',
    inputs: { ...SSH, 'ssh-known-hosts': SSH['ssh-known-hosts'].replace(/^\S+ /, '') },
    says: [/^ssh-known-hosts: ".*" begins with the key: the server's name is missing before it/],
  },
  {
    title: 'a fingerprint for known hosts',
    inputs: { ...SSH, 'ssh-known-hosts': '256 SHA256:abcdefghijklmnopqrstuvwxyz box.example.com (ED25519)' },
    says: [/^ssh-known-hosts: ".*" is (a fingerprint|not a line of known_hosts)/, /ssh-keyscan/],
  },
  {
    title: 'a cut key in known hosts',
    inputs: { ...SSH, 'ssh-known-hosts': SSH['ssh-known-hosts'].slice(0, 60) },
    says: [/^ssh-known-hosts: ".*": the key is cut off|^ssh-known-hosts: ".*" is not a line/],
  },
  {
    title: 'the private key for known hosts',
    inputs: { ...SSH, 'ssh-known-hosts': SSH['ssh-key'] },
    says: [/^ssh-known-hosts: it holds a private key \(not shown\), which belongs in ssh-key/],
    hides: [SSH['ssh-key'].split('\n')[2] ?? ''],
  },
  {
    title: 'a public key for ssh-key',
    inputs: { ...SSH, 'ssh-key': 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGdH backup@runner' },
    says: [/^ssh-key: it is the public key, which belongs into the server's authorized_keys/],
    hides: ['AAAAC3NzaC1lZDI1NTE5AAAAIGdH'],
  },
  {
    title: 'an ssh-key on one line',
    inputs: { ...SSH, 'ssh-key': SSH['ssh-key'].replaceAll('\n', ' ') },
    says: [/^ssh-key: it is not a private key, or its line breaks were lost/, /BEGIN to -----END/],
    hides: [SSH['ssh-key'].split('\n')[2] ?? ''],
  },
  {
    title: 'half an ssh-key',
    inputs: {
      ...SSH,
      'ssh-key': `${SSH['ssh-key'].split('\n').slice(0, 2).join('\n')}\n-----END OPENSSH PRIVATE KEY-----`,
    },
    says: [/^ssh-key: it cannot be read/],
  },
  {
    title: 'an ssh-key with a passphrase',
    inputs: { ...SSH, 'ssh-key': keys.lockedSshKey },
    says: [/^ssh-key: it is locked with a passphrase/, /ssh-keygen -t ed25519 -N ""/],
  },
  {
    title: 'an OpenPGP key for ssh-key',
    inputs: { ...SSH, 'ssh-key': '-----BEGIN PGP PRIVATE KEY BLOCK-----\nxxx\n-----END PGP PRIVATE KEY BLOCK-----' },
    says: [/^ssh-key: it is an OpenPGP key, not an SSH key/],
  },
  {
    title: 'an ssh-key, and no ssh: store',
    inputs: { 'ssh-key': SSH['ssh-key'] },
    says: [/^ssh-key: given, but no store is ssh:\/\/user@host\/path/],
  },
  {
    title: 'known hosts, and no ssh: store, for another command',
    inputs: { ...CHECK, 'ssh-known-hosts': SSH['ssh-known-hosts'] },
    says: [/^ssh-known-hosts: given, but no store is ssh:/],
  },
  {
    title: 'rclone: without a remote',
    inputs: { store: 'rclone:backups' },
    says: [/^store: "rclone:backups" has no colon behind the remote/, /Write rclone:remote:path/],
  },
  {
    title: 'rclone: a remote with its keys in the URL',
    inputs: { store: 'rclone::s3,access_key_id=KEY,secret_access_key=s3cr3t-value:bucket' },
    says: [/^store: a remote without a name \(not shown\)/, /rclone's configuration/],
    hides: ['s3cr3t-value'],
  },
  {
    title: 'rclone: options behind the remote',
    inputs: { store: 'rclone:box,pass=s3cr3t-value:backups' },
    says: [/^store: a remote with options behind its name \(not shown\)/],
    hides: ['s3cr3t-value'],
  },
  {
    title: 'rclone: a path with ..',
    inputs: { store: 'rclone:box:backups/../x' },
    says: [/^store: "rclone:box:backups\/\.\.\/x" has an empty part/],
  },
  {
    title: 'a kind of store that nobody knows',
    inputs: { store: 'gs://bucket/prefix' },
    says: [/^store: "gs:\/\/bucket\/prefix": stores of the kind "gs" are not known/, /s3:\/\/bucket\/prefix/],
  },
  {
    title: 'the web address of a bucket',
    inputs: { store: 'https://bucket.s3.amazonaws.com/prefix' },
    says: [/^store: "https:.*" is a web address/, /s3-endpoint/],
  },
  {
    title: 'keys in the URL of a bucket',
    inputs: { store: 's3://AKIAEXAMPLE:s3cret/key@bucket/prefix' },
    says: [/^store: a URL with a user, a password or a port in it \(not shown\)/, /AWS_SECRET_ACCESS_KEY/],
    hides: ['AKIAEXAMPLE', 's3cret', 'key@'],
  },
  {
    title: 'a password in the URL of a later kind of store',
    inputs: { store: 'ssh://u123:s3cretpw@box.example.com/backups' },
    says: [/^store: a URL with a user, a password/],
    hides: ['s3cretpw'],
  },
  {
    title: 'keys in the query of a bucket',
    inputs: { store: 's3://bucket/prefix?secret=s3cretpw' },
    says: [/^store: "s3:\/\/bucket\/prefix\?…" is followed by \? or #/, /s3-endpoint/],
    hides: ['s3cretpw'],
  },
  {
    title: 'no bucket',
    inputs: { store: 's3:///prefix' },
    says: [/^store: "" in "s3:\/\/\/prefix" is not a bucket/, /s3:\/\/bucket\/prefix/],
  },
  {
    title: 'a bucket in capitals',
    inputs: { store: 's3://Backups/shop' },
    says: [/^store: "Backups" in "s3:\/\/Backups\/shop" is not a bucket/, /small letters/],
  },
  {
    title: 'a bucket that is an address',
    inputs: { store: 's3://127.0.0.1/shop' },
    says: [/^store: "127.0.0.1" in .* is not a bucket/],
  },
  {
    title: 'an empty part in the prefix',
    inputs: { store: 's3://bucket/a//b' },
    says: [/^store: "s3:\/\/bucket\/a\/\/b" has an empty part/],
  },
  {
    title: 'a store twice',
    inputs: { store: 'file:///srv/a\ns3://bucket/x\nfile:///srv/a/' },
    says: [/^store: "file:\/\/\/srv\/a" is listed twice/, /Remove one/],
  },
  {
    title: 'a store inside another',
    inputs: { store: 's3://bucket/x/y\ns3://bucket/x' },
    says: [/^store: "s3:\/\/bucket\/x\/y" lies inside "s3:\/\/bucket\/x"/, /beside/],
  },
  {
    title: 'two bad stores of three',
    inputs: { store: 'srv\ns3://bucket/x\ngs://y' },
    says: [/^store: line 1: "srv" is not a URL/m, /^store: line 3: "gs:\/\/y": stores/m],
  },

  // s3-*
  {
    title: 'an endpoint without a scheme',
    inputs: { ...S3, 's3-endpoint': 'minio:9000' },
    says: [/^s3-endpoint: "minio:9000" is not an address/, /https:\/\/minio/],
  },
  {
    title: 'an endpoint with keys',
    inputs: { ...S3, 's3-endpoint': 'https://key:s3cretpw@minio:9000' },
    says: [/^s3-endpoint: the URL carries a user or a password \(not shown\)/, /AWS_ACCESS_KEY_ID/],
    hides: ['s3cretpw'],
  },
  {
    title: 'an endpoint with a query',
    inputs: { ...S3, 's3-endpoint': 'https://minio:9000/?token=s3cretpw' },
    says: [/^s3-endpoint: "https:\/\/minio:9000\/" is followed by \? or #/],
    hides: ['s3cretpw'],
  },
  {
    title: 'an endpoint, but no such store',
    inputs: { 's3-endpoint': 'https://minio:9000', 's3-create-bucket': 'true' },
    says: [/^s3-endpoint: s3-endpoint, s3-create-bucket given, but no store is s3:/, /Add such a store/],
  },
  {
    title: 'an object lock without a mode',
    inputs: { ...S3, 's3-object-lock': '30d' },
    says: [/^s3-object-lock: "30d" is not an object lock/, /governance:30d/],
  },
  {
    title: 'an object lock without a unit',
    inputs: { ...S3, 's3-object-lock': 'governance:30' },
    says: [/^s3-object-lock: "30" is not a duration/, /30d/],
  },
  {
    title: 'an object lock for no time',
    inputs: { ...S3, 's3-object-lock': 'compliance:0d' },
    says: [/^s3-object-lock: "compliance:0d" locks for no time/],
  },
  {
    title: 'an unknown encryption of the server',
    inputs: { ...S3, 's3-sse': 'AES-256' },
    says: [/^s3-sse: "AES-256" is not known/, /AES256 or aws:kms/],
  },
  {
    title: 'a KMS key without aws:kms',
    inputs: { ...S3, 's3-sse': 'AES256', 's3-kms-key': 'alias/backups' },
    says: [/^s3-kms-key: /, /s3-sse: aws:kms/],
  },
  {
    title: 'a KMS key with blanks',
    inputs: { ...S3, 's3-sse': 'aws:kms', 's3-kms-key': 'my key' },
    says: [/^s3-kms-key: "my key" is not a KMS key/, /ARN/],
  },
  {
    title: 'a storage class in small letters',
    inputs: { ...S3, 's3-storage-class': 'standard_ia' },
    says: [/^s3-storage-class: "standard_ia" is not a storage class/, /STANDARD_IA/],
  },

  // databases, before and after
  {
    title: 'databases, and the name of one set',
    inputs: { databases: 'all', name: 'shop' },
    says: [/^name: with databases each is backed up into a set/],
  },
  {
    title: 'file trees of several databases',
    inputs: { databases: 'all', paths: 'uploads=/tmp' },
    says: [/^paths: with databases each set would hold the same files/],
  },
  { title: 'databases that only leave out', inputs: { databases: '!shop' }, says: [/^databases: it only leaves out/] },
  {
    title: 'a database with a blank, unquoted',
    inputs: { databases: 'my shop' },
    says: [/^databases: "my shop" is not the name of a database/, /double quotes/],
  },
  {
    title: 'a command for a shell',
    inputs: { ...RESTORE, before: 'docker compose stop app && sleep 1' },
    says: [/^before: .*has something in it that only a shell would act on/, /single quotes/],
  },
  {
    title: 'a variable in a command',
    inputs: { ...RESTORE, after: 'echo "$HOME"' },
    says: [/^after: .*only a shell would act on/],
  },
  {
    title: 'a quote that is not closed',
    inputs: { ...RESTORE, before: "sh -c 'true" },
    says: [/^before: .*ends within quotes/],
  },
  {
    title: 'a variable before a program',
    inputs: { ...RESTORE, before: 'A=1 env' },
    says: [/^before: .*begins with a variable/],
  },

  // toolset, jobs, plain words and numbers
  {
    title: 'a container whose name is an option',
    inputs: { toolset: 'container:--privileged' },
    says: [/^toolset: "container:--privileged" names no container/, /container:shop-db-1/],
  },
  {
    title: 'an image whose name is a command',
    inputs: { toolset: 'image:postgres:17 sh -c id' },
    says: [/^toolset: "image:postgres:17 sh -c id" names no image/, /image:postgres:17/],
  },
  {
    title: 'an image, and a socket of this machine',
    inputs: { toolset: 'image:postgres:17', 'database-url': 'postgresql:///shop?host=/run/postgresql' },
    says: [/^database-url: it leads to a socket of this machine/, /127\.0\.0\.1/],
  },
  {
    title: 'a restore test in a container without a scratch server',
    inputs: { ...RESTORE_TEST, toolset: 'container:db' },
    says: [/^toolset: a private cluster is made of this machine’s own PostgreSQL/, /scratch-url/],
  },
  {
    title: 'parallel index builds in a container',
    inputs: { ...RESTORE_TEST, toolset: 'container:db', 'scratch-url': 'postgresql:///postgres', jobs: '2' },
    says: [/^jobs: PostgreSQL's programs read files for it/, /toolset: local/],
  },
  {
    title: 'an unknown toolset',
    inputs: { toolset: 'docker' },
    says: [/^toolset: "docker" is not known/, /auto, local, container:NAME or image:REFERENCE/],
  },
  {
    title: 'several jobs',
    inputs: { jobs: '4' },
    says: [/^jobs: "4": a parallel dump is not in this version yet/, /Write 1/],
  },
  { title: 'no number of jobs', inputs: { jobs: 'many' }, says: [/^jobs: "many" is not a number of jobs/, /Write 1/] },
  { title: 'a boolean that is a number', inputs: { globals: '1' }, says: [/^globals: "1" is neither true nor false/] },
  {
    title: 'a boolean that is a word of YAML 1.1',
    inputs: { 'dry-run': 'yes' },
    says: [/^dry-run: "yes" is neither true nor false/],
  },
  {
    title: 'a fingerprint that is not known',
    inputs: { fingerprint: 'none' },
    says: [/^fingerprint: "none" is not known/, /rows or content/],
  },
  {
    title: 'a duration without a unit',
    inputs: { 'lock-wait-timeout': '300' },
    says: [/^lock-wait-timeout: "300" is not a duration/, /90s, 15m, 26h or 30d/],
  },
  {
    title: 'a duration in words',
    inputs: { 'store-timeout': '5 minutes' },
    says: [/^store-timeout: "5 minutes" is not a duration/, /15m/],
  },
  {
    title: 'a timeout of nothing',
    inputs: { 'store-timeout': '0s' },
    says: [/^store-timeout: "0s" is out of range/, /1s to 24h/],
  },
  {
    title: 'a timeout that overflows timers',
    inputs: { 'lock-wait-timeout': '30d' },
    says: [/^lock-wait-timeout: "30d" is out of range/, /1s to 24h/],
  },
  {
    title: 'a compression level out of range',
    inputs: { 'compression-level': '22' },
    says: [/^compression-level: "22" is not a whole number from 1 to 19/],
  },
  {
    title: 'a compression level that is a word',
    inputs: { 'compression-level': 'best' },
    says: [/^compression-level: "best" is not a whole number/],
  },
  {
    title: 'an unknown read-back',
    inputs: { 'read-back': 'true' },
    says: [/^read-back: "true" is not known/, /auto or required/],
  },

  // dump-args
  ...refusedDumpArgs(),
  {
    title: 'a short option of the list',
    inputs: { 'dump-args': '-t public.orders' },
    says: [/^dump-args: "-t public.orders": write the long name, --table=PATTERN/],
  },
  {
    title: 'an option of newer pg_dump under its old name',
    inputs: { 'dump-args': '--no-blobs' },
    says: [/^dump-args: "--no-blobs": write the long name, --no-large-objects/],
  },
  {
    title: 'an abbreviated option',
    inputs: { 'dump-args': '--exclude-table-d=x' },
    says: [/^dump-args: "--exclude-table-d=x" is not allowed/, /--exclude-table-data=PATTERN/],
  },
  {
    title: 'an option without a pattern',
    inputs: { 'dump-args': '--table=' },
    says: [/^dump-args: --table needs a pattern/],
  },
  {
    title: 'a flag with a value',
    inputs: { 'dump-args': '--no-comments=yes' },
    says: [/^dump-args: "--no-comments=yes": --no-comments stands alone/],
  },
  {
    title: 'two options on a line',
    inputs: { 'dump-args': '--table=a --table=b' },
    says: [/^dump-args: .*holds a second option/, /line of its own/],
  },
  {
    title: 'a control character in a pattern',
    inputs: { 'dump-args': '--table=a\u001bb' },
    says: [/^dump-args: "a\\u001bb" holds a control character/, /wildcard/],
  },
  {
    title: 'quotes for a shell',
    inputs: { 'dump-args': "--table='public.orders'" },
    says: [/^dump-args: .*no shell reads this/, /Remove them/],
  },
  {
    title: 'a database name',
    inputs: { 'dump-args': 'shop' },
    says: [/^dump-args: "shop" is not an option; the database is named by database-url/],
  },
  {
    title: 'large objects with and without',
    inputs: { 'dump-args': '--large-objects\n--no-large-objects' },
    says: [/^dump-args: .*contradict/],
  },

  // passphrase
  {
    title: 'no encryption',
    inputs: { passphrase: '' },
    says: [/^passphrase: neither passphrase nor public-key is given/, /Give one of the two/],
  },
  {
    title: 'two encryptions',
    inputs: { 'public-key': keys.public },
    says: [/^passphrase: public-key is given as well/, /Remove one/],
  },
  {
    title: 'a passphrase of blanks',
    inputs: { passphrase: '   \n' },
    says: [/^passphrase: it holds nothing but blanks/],
  },
  {
    title: 'a short passphrase',
    inputs: { passphrase: 'hunt3r!' },
    says: [/^passphrase: it has fewer than 8 characters/, /20 or more/],
    hides: ['hunt3r!'],
  },
  {
    title: 'a passphrase of two lines',
    inputs: { passphrase: 'northern light\nsouthern cross' },
    says: [/^passphrase: it holds a line break/, /one line/],
    hides: ['northern light', 'southern cross'],
  },
  {
    title: 'a passphrase that ends in two line breaks',
    inputs: { passphrase: 'first and only line\n\n' },
    says: [/^passphrase: it holds a line break/],
    hides: ['first and only'],
  },
  {
    title: 'A7: secrets are empty in a pull request from a fork',
    inputs: { passphrase: '', 'database-url': '' },
    env: { GITHUB_EVENT_NAME: 'pull_request' },
    says: [
      /^passphrase: neither/m,
      /^database-url: it is empty/m,
      /^passphrase: this is a pull request, and secrets are empty for pull requests from forks/m,
      /schedule/,
    ],
  },

  // public-key
  ...badPublicKeys(),

  // signing-key
  {
    title: 'a public key to sign with',
    inputs: { 'signing-key': keys.public },
    says: [/^signing-key: it is a public key, which cannot sign/, /--export-secret-keys/],
  },
  {
    title: 'a locked key without its passphrase',
    inputs: { 'signing-key': keys.locked },
    says: [/^signing-key: key [0-9A-F]{40} is locked/, /signing-key-passphrase/],
    hides: bodyOf(keys.locked),
  },
  {
    title: 'a locked key with a wrong passphrase',
    inputs: { 'signing-key': keys.locked, 'signing-key-passphrase': `not ${KEY_PASSPHRASE}` },
    says: [/^signing-key: key [0-9A-F]{40} cannot be unlocked/, /Correct signing-key-passphrase/],
    hides: [KEY_PASSPHRASE, ...bodyOf(keys.locked)],
  },
  {
    title: 'a passphrase of no key',
    inputs: { 'signing-key-passphrase': KEY_PASSPHRASE },
    says: [/^signing-key-passphrase: there is no signing-key/],
    hides: [KEY_PASSPHRASE],
  },
  {
    title: 'two keys to sign with',
    inputs: { 'signing-key': `${keys.private}\n${keys.expiredPrivate}` },
    says: [/^signing-key: it holds several keys/, /the one that signs/],
  },
  {
    title: 'an expired key to sign with',
    inputs: { 'signing-key': keys.expiredPrivate },
    says: [/^signing-key: key [0-9A-F]{40} expired on 2020-01-31/],
  },
  {
    title: 'a version 6 key to sign with',
    inputs: { 'signing-key': keys.version6Private },
    says: [/^signing-key: key [0-9A-F]{64} is of a kind that GnuPG 2.2 cannot read/],
  },
  {
    title: 'an SSH key to sign with',
    inputs: {
      'signing-key': '-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0c2VjcmV0\n-----END OPENSSH PRIVATE KEY-----',
    },
    says: [/^signing-key: it is an SSH key/],
    hides: ['c2VjcmV0c2VjcmV0'],
  },
  {
    title: 'the path of a key to sign with',
    inputs: { 'signing-key': '/etc/keys/signing.asc' },
    says: [/^signing-key: it looks like a path/, /--export-secret-keys/],
  },
  {
    title: 'half of a key to sign with',
    inputs: { 'signing-key': keys.private.slice(0, 300) },
    says: [/^signing-key: its armor is broken/, /\| keeps them/],
    hides: bodyOf(keys.private),
  },

  // several at once
  {
    title: 'everything at once is told at once',
    inputs: { 'database-url': 'nothing', store: 'srv', passphrase: '', jobs: '2', 'dry-run': 'maybe', name: '-' },
    says: [/^database-url: /m, /^store: /m, /^passphrase: /m, /^jobs: /m, /^dry-run: /m, /^name: /m],
  },
];

/** Options that would break the format or the proof. */
function refusedDumpArgs(): BadInput[] {
  const options: [arg: string, why: RegExp][] = [
    ['-f /tmp/plain.dump', /one stream/],
    ['--file=/tmp/plain.dump', /one stream/],
    ['-Fp', /custom format/],
    ['--format=directory', /custom format/],
    ['-Z9', /compresses/],
    ['--compress=zstd', /compresses/],
    ['--no-sync', /one stream/],
    ['-j4', /input jobs/],
    ['--jobs=4', /input jobs/],
    ['-d postgresql://other', /database-url/],
    ['-h other', /database-url/],
    ['--dbname=other', /database-url/],
    ['--role=other', /snapshot/],
    ['--snapshot=00000003-1', /sets it itself/],
    ['--schema-only', /rows/],
    ['-s', /rows/],
    ['--data-only', /definitions/],
    ['--section=data', /restored or proven/],
    ['--clean', /choice for a restore/],
    ['-c', /choice for a restore/],
    ['--no-owner', /choice for a restore/],
    ['--inserts', /COPY/],
    ['--rows-per-insert=10', /COPY/],
    ['--lock-wait-timeout=1s', /lock-wait-timeout/],
    ['--enable-row-security', /row-level security/],
    ['--load-via-partition-root', /other tables/],
    ['--extra-float-digits=0', /digits/],
    ['--encoding=LATIN1', /characters/],
  ];
  return options.map(([arg, why]) => ({
    title: `dump-args ${arg}`,
    inputs: { 'dump-args': arg },
    says: [/^dump-args: ".*" is refused: /, why, /Remove it/],
  }));
}

function badPublicKeys(): BadInput[] {
  const bad: [title: string, key: string, ...says: RegExp[]][] = [
    ['a private key', keys.private, /this is a private key; the backup job must not have it/, /gpg --armor --export/],
    ['a private key beside a public one', `${keys.public}\n${keys.locked}`, /this is a private key/],
    ['an expired key', keys.expired, /key [0-9A-F]{40} expired on 2020-01-31/, /quick-set-expire/],
    ['an expired subkey', keys.expiredSubkey, /has an encryption subkey that expired on 2020-01-31/],
    ['a good key and an expired one', `${keys.public}\n${keys.expired}`, /key [0-9A-F]{40} expired on 2020-01-31/],
    ['a revoked key', keys.revoked, /key [0-9A-F]{40} is revoked/, /took its place/],
    ['a key that can only sign', keys.signOnly, /has no subkey that can encrypt/, /quick-add-key/],
    [
      'a key of RFC 9580 in version 4',
      keys.x25519,
      /is of a kind that GnuPG 2.2 cannot read/,
      /gpg --quick-generate-key/,
    ],
    ['a key of version 6', keys.version6, /is of a kind that GnuPG 2.2 cannot read/],
    ['an SSH key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJq me@example.com', /it is an SSH key, not an OpenPGP key/],
    ['a TLS key', '-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----', /it is a PEM key or certificate/],
    ['an age key', `age1${'q'.repeat(58)}`, /it is an age key/],
    ['a secret age key', `AGE-SECRET-KEY-1${'Q'.repeat(58)}`, /this is a private key/],
    ['a path', '/home/me/backup.asc', /it looks like a path; the text of the key itself is wanted/],
    ['a name of a file', 'backup.asc', /it looks like a path/],
    ['a fingerprint', 'D6A1 4F2B 9C3E 8A7D 5B60 1122 3344 5566 7788 99AA', /it is a fingerprint/],
    ['an address', 'backup@example.com', /it is an address/],
    ['base64 without armor', keys.public.split('\n').slice(3, -3).join('\n'), /base64 without an armor/],
    ['a key in base64 once more', Buffer.from(keys.public).toString('base64'), /decode it first/],
    ['a key without its line breaks', keys.public.replaceAll('\n', ' '), /line breaks were lost/],
    [
      'an encrypted message',
      '-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----',
      /it is an OpenPGP message, not a key/,
    ],
    [
      'an armor around junk',
      '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\naGVsbG8gd29ybGQ=\n-----END PGP PUBLIC KEY BLOCK-----',
      /it cannot be read as an OpenPGP key/,
    ],
    ['junk', 'Grüße aus dem Keller', /it cannot be read as an OpenPGP key/],
  ];
  return bad.map(([title, key, ...says]) => ({
    title: `public-key: ${title}`,
    inputs: { passphrase: '', 'public-key': key },
    says: [/^public-key: /, ...says],
    hides: bodyOf(key),
  }));
}

/** The lines of a private key that only the key has. */
function bodyOf(key: string): string[] {
  if (!key.includes('PRIVATE')) return [];
  return key.split('\n').filter((line) => /^[A-Za-z0-9+/]{40,}/.test(line));
}
