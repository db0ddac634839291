import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answersHttp, type Daemon, startDaemon, waitUntilReady } from './daemon.ts';
import { execute } from './execute.ts';
import { freePort } from './free-port.ts';
import { oncePerRun, runFolder, serverEnvironment } from './run.ts';
import { type S3Server, s3ServerOfEnvironment } from './s3-server.ts';

/** The S3 server that all tests of the run share: Ceph's gateway, or the one that S3_TEST_ENDPOINT names. */
export async function ensureCeph(): Promise<S3Server> {
  return s3ServerOfEnvironment() ?? (await oncePerRun('ceph', startCeph));
}

/**
 * Starts a Ceph of one monitor, one OSD in memory and one S3 gateway, on random ports of 127.0.0.1.
 * No manager: nothing that the gateway does needs it, and it takes 300 MB.
 */
export async function startCeph(): Promise<S3Server> {
  const folder = mkdtempSync(join(runFolder(), 'ceph-'));
  for (const name of ['mon', 'osd', 'run', 'log']) mkdirSync(join(folder, name));
  const monitor = `v2:127.0.0.1:${await freePort()}`;
  const endpoint = `127.0.0.1:${await freePort()}`;
  const clusterId = randomUUID();
  writeFileSync(join(folder, 'ceph.conf'), configuration(folder, clusterId, monitor, endpoint));
  await createKeys(folder);
  await startMonitor(folder, clusterId, monitor);
  await startOsd(folder);
  const gateway = await daemon(folder, 'radosgw', ['-n', 'client.rgw']);
  await waitUntilReady(gateway, () => answersHttp(`http://${endpoint}/`));
  const [owner, guest] = [await createUser(folder, 'test'), await createUser(folder, 'guest')];
  return { endpoint: `http://${endpoint}`, region: 'us-east-1', ...owner, guest: { name: 'guest', ...guest } };
}

function configuration(folder: string, clusterId: string, monitor: string, endpoint: string): string {
  return `[global]
fsid = ${clusterId}
mon_host = [${monitor}]
public_addr = 127.0.0.1
ms_bind_msgr1 = false
# Not "none": the gateway ignores that and waits for ever.
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
keyring = ${folder}/keyring
# The monitor gathers changes for a second before it commits them; making the gateway's pools takes eight.
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_objectstore = memstore
memstore_device_bytes = 4294967296
memstore_page_set = false
osd_memory_target = 1073741824
run_dir = ${folder}/run
log_file = ${folder}/log/$name.log
admin_socket = ${folder}/run/$name.asok
mon_data = ${folder}/mon
osd_data = ${folder}/osd
rgw_frontends = beast endpoint=${endpoint}
rgw_enable_usage_log = false
# What is removed goes at once: by default it stays for two hours, and then all of a run does not fit in the memory.
rgw_gc_obj_min_wait = 5
rgw_gc_processor_period = 5
rgw_gc_processor_max_time = 5
rgw_dynamic_resharding = false
`;
}

async function createKeys(folder: string): Promise<void> {
  const keys: [name: string, ...capabilities: [service: string, capability: string][]][] = [
    ['mon.', ['mon', 'allow *']],
    ['client.admin', ['mon', 'allow *'], ['osd', 'allow *'], ['mgr', 'allow *']],
    ['osd.0', ['mon', 'allow profile osd'], ['mgr', 'allow profile osd'], ['osd', 'allow *']],
    ['client.rgw', ['mon', 'allow rwx'], ['osd', 'allow rwx'], ['mgr', 'allow rwx']],
  ];
  const keyring = join(folder, 'keyring');
  await run(folder, 'ceph-authtool', [keyring, '--create-keyring']);
  for (const [name, ...capabilities] of keys) {
    const caps = capabilities.flatMap(([service, capability]) => ['--cap', service, capability]);
    await run(folder, 'ceph-authtool', [keyring, '--gen-key', '-n', name, ...caps]);
  }
}

async function startMonitor(folder: string, clusterId: string, monitor: string): Promise<void> {
  const map = join(folder, 'monmap');
  await run(folder, 'monmaptool', ['--create', '--fsid', clusterId, '--addv', 'a', `[${monitor}]`, map]);
  await run(folder, 'ceph-mon', ['--mkfs', '-i', 'a', '--monmap', map, '--keyring', join(folder, 'keyring')]);
  await daemon(folder, 'ceph-mon', ['-i', 'a']);
}

/** The id that the monitor is told must be that of the OSD's file system, else the OSD never boots. */
async function startOsd(folder: string): Promise<void> {
  const osdId = randomUUID();
  await run(folder, 'ceph', ['--connect-timeout', '30', 'osd', 'new', osdId, '0']);
  await run(folder, 'ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', osdId]);
  await daemon(folder, 'ceph-osd', ['-i', '0']);
}

async function createUser(folder: string, name: string): Promise<Pick<S3Server, 'accessKeyId' | 'secretAccessKey'>> {
  const accessKeyId = `AKIATEST${randomBytes(6).toString('hex').toUpperCase()}`;
  const secretAccessKey = `secret-${randomBytes(15).toString('hex')}`;
  const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey];
  await run(folder, 'radosgw-admin', ['user', 'create', '--uid', name, '--display-name', name, ...keys]);
  return { accessKeyId, secretAccessKey };
}

function daemon(folder: string, command: string, args: string[]): Promise<Daemon> {
  const logFile = join(folder, 'log', `${command}.out`);
  return startDaemon(command, [...args, '-f', '-c', join(folder, 'ceph.conf')], { cwd: folder, logFile });
}

async function run(folder: string, command: string, args: string[]): Promise<void> {
  await execute(command, [...args, '-c', join(folder, 'ceph.conf')], { cwd: folder, env: serverEnvironment() });
}
