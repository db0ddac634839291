import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { answersHttp, type Daemon, startDaemon, waitUntilReady } from './daemon.ts';
import { execute } from './execute.ts';
import { freePort } from './free-port.ts';
import { oncePerRun, runFolder, serverEnvironment } from './run.ts';
import type { S3Server } from './s3-server.ts';

/**
 * The OpenStack Swift, with its S3 dialect, that all tests of the run share: at most 1,000 parts, DeleteObjects only
 * with Content-MD5, no aws-chunked bodies, object lock accepted and ignored.
 */
export function ensureSwift(): Promise<S3Server> {
  return oncePerRun('swift', startSwift);
}

/** Starts a Swift of one replica on random ports of 127.0.0.1. Its folder must be on a file system with user xattrs. */
export async function startSwift(): Promise<S3Server> {
  const folder = mkdtempSync(join(runFolder(), 'swift-'));
  for (const name of ['etc', 'devices/d1', 'cache', 'log']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'etc', 'swift.conf'), SWIFT_CONF);

  const cachePort = await freePort();
  const cache = ['-u', userInfo().username, '-l', '127.0.0.1', '-p', String(cachePort), '-m', '32'];
  await daemon(folder, 'memcached', cache);
  const storage = [];
  for (const kind of ['account', 'container', 'object']) storage.push(await startStorage(folder, kind));

  const port = await freePort();
  const secretAccessKey = 'secretsecretsecretsecret';
  writeFileSync(join(folder, 'etc', 'proxy.conf'), proxyConfiguration(folder, port, cachePort, secretAccessKey));
  const proxy = await daemon(folder, 'swift-proxy-server', [join(folder, 'etc', 'proxy.conf')]);
  for (const { daemon, url } of storage) await waitUntilReady(daemon, () => answersHttp(url));
  await waitUntilReady(proxy, () => answersHttp(`http://127.0.0.1:${port}/`));
  return { endpoint: `http://127.0.0.1:${port}`, accessKeyId: 'test:tester', secretAccessKey, region: 'us-east-1' };
}

/** A ring of one device, and the server that keeps accounts, containers or objects there. */
async function startStorage(folder: string, kind: string): Promise<{ daemon: Daemon; url: string }> {
  const port = await freePort();
  const ring = join(folder, 'etc', `${kind}.builder`);
  for (const args of [['create', '4', '1', '1'], ['add', `r1z1-127.0.0.1:${port}/d1`, '1'], ['rebalance']]) {
    await execute('swift-ring-builder', [ring, ...args], { cwd: folder, env: serverEnvironment() });
  }
  const file = join(folder, 'etc', `${kind}.conf`);
  writeFileSync(file, storageConfiguration(folder, kind, port));
  return { daemon: await daemon(folder, `swift-${kind}-server`, [file]), url: `http://127.0.0.1:${port}/healthcheck` };
}

function daemon(folder: string, command: string, args: string[]): Promise<Daemon> {
  return startDaemon(command, args, { cwd: folder, logFile: join(folder, 'log', command) });
}

const SWIFT_CONF = `[swift-hash]
swift_hash_path_suffix = a
swift_hash_path_prefix = b
[swift-constraints]
max_header_size = 16384
`;

function common(folder: string, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
user = ${userInfo().username}
swift_dir = ${folder}/etc
workers = 0
log_level = WARNING
`;
}

function storageConfiguration(folder: string, kind: string, port: number): string {
  return `${common(folder, port)}
devices = ${folder}/devices
mount_check = false
fallocate_reserve = 0
recon_cache_path = ${folder}/cache
[pipeline:main]
pipeline = healthcheck ${kind}-server
[filter:healthcheck]
use = egg:swift#healthcheck
[app:${kind}-server]
use = egg:swift#${kind}
`;
}

/** versioned_writes does not work without the symlink filter before it. */
function proxyConfiguration(folder: string, port: number, cachePort: number, secretAccessKey: string): string {
  return `${common(folder, port)}
[pipeline:main]
pipeline = catch_errors cache bulk s3api tempauth slo symlink versioned_writes proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = ${secretAccessKey} .admin
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
dns_compliant_bucket_names = true
allow_multipart_uploads = true
min_segment_size = 5242880
location = us-east-1
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${cachePort}
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:bulk]
use = egg:swift#bulk
[filter:symlink]
use = egg:swift#symlink
[filter:slo]
use = egg:swift#slo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
`;
}
