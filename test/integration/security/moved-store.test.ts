import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ActionInputs, type ActionResult, startAction } from '../../support/action/harness.ts';
import { backupInputs, errorsOf } from '../../support/action/run-backup.ts';
import { filesBelow, newStoreFolder, readBackup, type StoreFolder } from '../../support/action/stored-backup.ts';
import { objectsIn } from '../../support/action/stored-objects.ts';
import { HANG_LIMIT } from '../../support/hang-limit.ts';
import { ensureCeph } from '../../support/servers/ceph.ts';
import * as faults from '../../support/servers/http-faults.ts';
import { countOperations, type HttpProxy, startHttpProxy } from '../../support/servers/http-proxy.ts';
import { notRun } from '../../support/servers/not-run.ts';
import { type PostgresServer, sharedPostgres } from '../../support/servers/postgres.ts';
import { localPrograms } from '../../support/servers/postgres-programs.ts';
import { runFolder } from '../../support/servers/run.ts';
import { s3ClientOf } from '../../support/servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../../support/servers/s3-server.ts';

const DATABASE = 'moved_store';
const DATA = 'data.dump.zst.gpg';

let postgres: PostgresServer;
let s3: S3Server;
let proxy: HttpProxy;
/** The store that changes under the run, and one that does not. */
let moved: StoreFolder;
let steady: StoreFolder;
let tool: WaitingTool;

beforeAll(async () => {
  [postgres, s3] = await Promise.all([sharedPostgres(), ensureCeph()]);
  proxy = await startHttpProxy(s3.endpoint);
  await postgres.createDatabase(DATABASE);
  await postgres.psql(DATABASE, 'create table orders as select n from generate_series(1, 1000) n');
});

beforeEach(() => {
  moved = newStoreFolder();
  steady = newStoreFolder();
  tool = waitingTool();
  proxy.reset();
});

interface WaitingTool {
  /** For PATH. */
  folder: string;
  /** Lets it begin. */
  go(): void;
}

/** PostgreSQL's clients, of which pg_dumpall waits: by then the parts `schema` and `data` are stored, and no other begun. */
function waitingTool(): WaitingTool {
  const folder = mkdtempSync(join(runFolder(), 'waiting-'));
  const { binDir = '' } = localPrograms() ?? {};
  const go = join(folder, 'go');
  for (const tool of ['psql', 'pg_restore', 'pg_dump']) symlinkSync(join(binDir, tool), join(folder, tool));
  const wait = `case " $* " in *' --version '*) ;; *) while [ ! -e ${go} ]; do sleep 0.02; done ;; esac`;
  const script = `#!/bin/sh\nPATH=/usr/bin:/bin\n${wait}\nexec ${join(binDir, 'pg_dumpall')} "$@"\n`;
  writeFileSync(join(folder, 'pg_dumpall'), script, { mode: 0o755 });
  return { folder, go: () => writeFileSync(go, '') };
}

/** Runs a backup into these stores; `change` happens when two parts are stored, and before the next. */
async function backUp(
  stores: string[],
  change: (id: string) => void | Promise<void>,
  inputs: ActionInputs = {},
): Promise<ActionResult> {
  const all = { ...backupInputs(postgres, DATABASE, steady), store: stores.join('\n'), ...inputs };
  const run = startAction(all, { env: { ...awsEnvironment(s3), PATH: tool.folder }, cancelAfter: HANG_LIMIT });
  try {
    const stored = () => filesBelow(steady.path).find((file) => file.endsWith(DATA) && !file.includes('.part-'));
    while (stored() === undefined) {
      if (run.printed().includes('::error')) throw new Error(run.printed());
      await sleep(10);
    }
    const id = stored()?.split('/')[1] ?? '';
    // The stores are written side by side: the other one may be a moment behind.
    await sleep(1_000);
    await change(id);
  } finally {
    tool.go();
  }
  return await run.finished;
}

/** Red, names the store; the other one has the whole backup, and this one no manifest. */
function expectFailedAlone(result: ActionResult, says: RegExp, folders: string[]): void {
  expect(result.exitCode).toBe(1);
  expect(errorsOf(result).map(({ message }) => message)).toEqual([expect.stringMatching(says)]);
  const { manifest, files } = readBackup(steady, DATABASE, result.outputs.id ?? '');
  for (const volume of manifest.parts.flatMap((part) => part.volumes)) expect(files).toContain(volume.key);
  for (const folder of folders) expect(filesBelow(folder).filter((file) => file.endsWith('manifest.json'))).toEqual([]);
}

const NOT_THE_SAME = /is not the folder that it was when this run began/;

describe('a folder that changes under the run gets no manifest', () => {
  test('renamed, and created anew', async () => {
    const away = `${moved.path}-away`;
    const result = await backUp([moved.url, steady.url], () => {
      renameSync(moved.path, away);
      mkdirSync(moved.path);
    });
    expectFailedAlone(result, NOT_THE_SAME, [moved.path, away]);
  });

  test('removed, and created anew: the new one may have the same inode number', async () => {
    const result = await backUp([moved.url, steady.url], () => {
      rmSync(moved.path, { recursive: true });
      mkdirSync(moved.path);
    });
    expectFailedAlone(result, NOT_THE_SAME, [moved.path]);
  });

  test('gone', async () => {
    const away = `${moved.path}-away`;
    const result = await backUp([moved.url, steady.url], () => renameSync(moved.path, away));
    expectFailedAlone(result, NOT_THE_SAME, [away]);
    expect(existsSync(moved.path)).toBe(false);
  });

  test('a link that is led to another folder', async () => {
    const link = `${moved.path}-link`;
    const other = newStoreFolder();
    symlinkSync(moved.path, link);
    const result = await backUp([`file://${link}`, steady.url], () => {
      rmSync(link);
      symlinkSync(other.path, link);
    });
    expectFailedAlone(result, NOT_THE_SAME, [moved.path, other.path]);
  });

  describe('another file system', () => {
    const mount = (args: string[]) => execFileSync('mount', [...args, moved.path], { stdio: 'ignore' });
    const umount = (...args: string[]) => execFileSync('umount', [...args, moved.path], { stdio: 'ignore' });
    let mounted = 0;
    afterEach(() => {
      for (; mounted > 0; mounted--) umount('-l');
    });

    function tryToMount(): boolean {
      try {
        mount(['-t', 'tmpfs', 'tmpfs']);
        mounted++;
        return true;
      } catch {
        notRun('a store that something is mounted over', 'it needs the right to mount: run as root');
        return false;
      }
    }

    test('mounted over it', async () => {
      let could = false;
      const result = await backUp([moved.url, steady.url], () => {
        could = tryToMount();
      });
      if (could) expectFailedAlone(result, NOT_THE_SAME, [moved.path]);
    });

    test('unmounted, as by umount -l', async () => {
      if (!tryToMount()) return;
      const result = await backUp([moved.url, steady.url], () => {
        umount('-l');
        mounted--;
      });
      expectFailedAlone(result, NOT_THE_SAME, [moved.path]);
    });
  });
});

describe('what was stored and is gone is in no manifest', () => {
  const gone = /(schema|data)\.dump\.zst\.gpg", \d+ bytes, was stored in this run and does not exist any more/;

  test('the folder of the set, renamed and created anew', async () => {
    const result = await backUp([moved.url, steady.url], () => {
      renameSync(join(moved.path, DATABASE), join(moved.path, 'elsewhere'));
      mkdirSync(join(moved.path, DATABASE));
    });
    expectFailedAlone(result, gone, [moved.path]);
  });

  test('one volume, cut', async () => {
    const result = await backUp([moved.url, steady.url], (id) =>
      truncateSync(join(moved.path, DATABASE, id, DATA), 10),
    );
    expectFailedAlone(result, /was stored in this run and has 10 bytes now/, [moved.path]);
  });

  test('an object of a bucket', async () => {
    const bucket = `moved-${crypto.randomUUID()}`;
    await s3ClientOf(s3).send(new CreateBucketCommand({ Bucket: bucket }));
    const result = await backUp(
      [`s3://${bucket}`, steady.url],
      (id) => void s3ClientOf(s3).send(new DeleteObjectCommand({ Bucket: bucket, Key: `${DATABASE}/${id}/${DATA}` })),
      { 's3-endpoint': proxy.endpoint },
    );
    expectFailedAlone(result, gone, []);
    expect(await objectsIn(s3, bucket, '')).toEqual([]);
  });
});

describe('credentials with fewer rights', () => {
  let bucket: string;
  beforeEach(async () => {
    bucket = `moved-${crypto.randomUUID()}`;
    await s3ClientOf(s3).send(new CreateBucketCommand({ Bucket: bucket }));
  });
  const green = (inputs: ActionInputs = {}) =>
    backUp([`s3://${bucket}`, steady.url], () => {}, { 's3-endpoint': proxy.endpoint, ...inputs });

  test('that may do everything cost one more listing, and no request for each volume', async () => {
    expect((await green()).exitCode).toBe(0);
    const { ListObjects, HeadObject, PutObject } = countOperations(proxy.requests);
    expect(HeadObject).toBe(PutObject);
    expect(ListObjects).toBeLessThanOrEqual(5);
  });

  test('that may not list are asked for each object', async () => {
    proxy.when('ListObjects', faults.accessDenied);
    const result = await green();
    expect({ errors: errorsOf(result), code: result.exitCode }).toEqual({ errors: [], code: 0 });
    const { HeadObject = 0, PutObject = 0 } = countOperations(proxy.requests);
    expect(HeadObject).toBe(2 * PutObject - 1); // Not the manifest a second time.
  });

  test('that may only write say "acknowledged", as before', async () => {
    proxy.when(['ListObjects', 'HeadObject', 'GetObject'], faults.accessDenied);
    const result = await green();
    expect({ errors: errorsOf(result), code: result.exitCode }).toEqual({ errors: [], code: 0 });
    const objects = await objectsIn(s3, bucket, '');
    const manifest = objects.find(({ key }) => key.endsWith('manifest.json'));
    expect(JSON.parse(manifest?.text ?? '')).toMatchObject({ uploaded: 'acknowledged' });
  });
});

test('nothing changes: green in both', async () => {
  const result = await backUp([moved.url, steady.url], () => {});
  expect(result.exitCode).toBe(0);
  for (const { path } of [moved, steady]) {
    expect(readdirSync(join(path, DATABASE, result.outputs.id ?? ''))).toContain('manifest.json');
  }
});
