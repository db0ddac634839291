import { availableParallelism, totalmem } from 'node:os';

/** It is thrown away, so nothing is kept safe; and it waits for nobody. */
export function clusterSettings(socket: string): Record<string, string> {
  const cores = availableParallelism();
  const quarter = Math.floor(totalmem() / 4 / 1024 ** 2);
  return {
    listen_addresses: '',
    unix_socket_directories: socket,
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

/** `-c name=value` for each. */
export function settingArguments(socket: string): string[] {
  return Object.entries(clusterSettings(socket)).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** On by default since PostgreSQL 18, when the option came. */
export function initdbArguments(data: string, superuser: string, auth: string, major: number): string[] {
  return [
    `--pgdata=${data}`,
    `--username=${superuser}`,
    '--encoding=UTF8',
    '--locale=C',
    `--auth=${auth}`,
    '--no-sync',
    '--no-instructions',
    ...(major >= 18 ? ['--no-data-checksums'] : []),
  ];
}
