import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Daemon, startDaemon, stopDaemon, waitUntilReady } from './daemon.ts';
import { freePort } from './free-port.ts';
import { runFolder } from './run.ts';

/** Exim, which takes mail for everybody from whoever logs in, and keeps it. */
export interface MailServer {
  /** TLS from the first byte. */
  smtpsPort: number;
  /** STARTTLS is offered, and without it no login. */
  smtpPort: number;
  user: string;
  password: string;
  /** A file for NODE_EXTRA_CA_CERTS. */
  certificate: string;
  /** Every mail until now, as it lies in the mailbox: Envelope-To, the headers, the text. */
  mails(): string[];
  stop(): Promise<void>;
}

const USER = 'backup@example.com';
const PASSWORD = 'p@ss w0rd/of:mail';

/** Why there is no mail server here; null when there is one. */
export function whyNoMailServer(): string | null {
  return process.getuid?.() === 0 ? null : 'Exim takes a configuration of our own from root alone';
}

/** An address of this machine that is not the loopback interface's; null when it has none. */
export function ownAddress(): string | null {
  const all = Object.values(networkInterfaces()).flat();
  return all.find((one) => one && one.family === 'IPv4' && !one.internal)?.address ?? null;
}

export async function startMailServer(): Promise<MailServer> {
  const folder = mkdtempSync(join(runFolder(), 'mail-'));
  const [smtpPort, smtpsPort] = [await freePort(), await freePort()];
  const names = ['DNS:localhost', 'IP:127.0.0.1', ...(ownAddress() === null ? [] : [`IP:${ownAddress()}`])];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', `subjectAltName=${names.join(',')}`];
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', ...ec, ...files, ...subject], { stdio: 'ignore' });
  const configurationFile = join(folder, 'exim.conf');
  writeFileSync(configurationFile, configuration(folder, smtpPort, smtpsPort));
  for (const name of ['spool', 'log', 'mail']) mkdirSync(join(folder, name));
  chmodSync(folder, 0o755);
  const { uid, gid } = eximUser();
  for (const name of ['spool', 'log', 'mail', 'key.pem']) chownSync(join(folder, name), uid, gid);
  const logFile = join(folder, 'exim.log');
  const daemon: Daemon = await startDaemon('/usr/sbin/exim4', ['-C', configurationFile, '-bdf'], {
    cwd: folder,
    logFile,
  });
  await waitUntilReady(daemon, () => answers(smtpsPort));
  const box = join(folder, 'mail', 'new');
  return {
    smtpPort,
    smtpsPort,
    user: USER,
    password: PASSWORD,
    certificate: join(folder, 'cert.pem'),
    mails: () => readIfThere(box).map((name) => readFileSync(join(box, name), 'utf8')),
    stop: () => stopDaemon(daemon),
  };
}

function readIfThere(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function eximUser(): { uid: number; gid: number } {
  const entry = /^Debian-exim:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  if (entry === null) throw new Error('Exim is not installed as Debian does it: no user Debian-exim');
  return { uid: Number(entry[1]), gid: Number(entry[2]) };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function configuration(folder: string, smtpPort: number, smtpsPort: number): string {
  return `primary_hostname = localhost
spool_directory = ${folder}/spool
log_file_path = ${folder}/log/%slog
pid_file_path = ${folder}/spool/exim.pid
daemon_smtp_ports = ${smtpPort} : ${smtpsPort}
tls_on_connect_ports = ${smtpsPort}
local_interfaces = 0.0.0.0
tls_advertise_hosts = *
tls_certificate = ${folder}/cert.pem
tls_privatekey = ${folder}/key.pem
auth_advertise_hosts = \${if eq{$tls_in_cipher}{}{}{*}}
acl_smtp_rcpt = recipients
acl_smtp_data = everything
deliver_drop_privilege = true
keep_environment =
rfc1413_hosts =
host_lookup =
smtp_accept_max = 0
begin acl
recipients:
  deny local_parts = refused
  accept authenticated = *
  deny message = log in first
everything:
  accept
begin routers
all:
  driver = accept
  transport = keep
begin transports
keep:
  driver = appendfile
  directory = ${folder}/mail
  maildir_format
  envelope_to_add
  batch_max = 100
  user = Debian-exim
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{$auth2}{${USER}}}{eq{$auth3}{${PASSWORD}}}}}
  server_set_id = $auth2
`;
}
