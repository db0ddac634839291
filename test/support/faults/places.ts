import { existsSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
} from '@aws-sdk/client-s3';
import type { ActionInputs } from '../action/harness.ts';
import { runFolder } from '../servers/run.ts';
import { s3ClientOf } from '../servers/s3-client.ts';
import { awsEnvironment, type S3Server } from '../servers/s3-server.ts';
import type { SshServer } from '../servers/sshd.ts';

/** Where the backups of a test go, and a look into it that does not use the code under test. */
export interface Place {
  /** As the input `store` names it. */
  url: string;
  inputs: ActionInputs;
  env: Record<string, string>;
  /** Everything that is there, whole or not: files and folders, objects and open multipart uploads, each with its size. */
  contents(): Promise<string[]>;
  /** How many bytes are there, whole or not. */
  bytes(): Promise<number>;
}

/** A folder for a `file:` store; the default is new and empty. */
export function filePlace(folder = mkdtempSync(join(runFolder(), 'store-'))): Place & { folder: string } {
  const entries = () =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
          const path = join(entry.parentPath, entry.name);
          return { name: relative(folder, path), size: entry.isDirectory() ? 0 : sizeOf(path) };
        })
      : [];
  return {
    folder,
    url: `file://${folder}`,
    inputs: {},
    env: {},
    contents: async () => entries().map(lineOf).sort(),
    bytes: async () => totalOf(entries()),
  };
}

/** A new folder of an OpenSSH server, for an `ssh:` store. */
export function sshPlace(server: SshServer): Place & { folder: string } {
  const folder = mkdtempSync(join(server.folder, 'store-'));
  return {
    ...filePlace(folder),
    url: `ssh://${server.user}@127.0.0.1:${server.port}${server.root}/${relative(server.folder, folder)}`,
    inputs: { 'ssh-key': server.key, 'ssh-known-hosts': server.knownHosts },
  };
}

/** A new folder of this machine, for an `rclone:` store: rclone goes about it as about any other remote. */
export function rcloneFolder(): Place & { folder: string } {
  const place = filePlace();
  const config = join(mkdtempSync(join(runFolder(), 'rclone-')), 'rclone.conf');
  writeFileSync(config, `[disk]\ntype = alias\nremote = ${place.folder}\n`);
  return { ...place, url: 'rclone:disk:backups', env: { RCLONE_CONFIG: config } };
}

/** A new folder of an OpenSSH server, for an `rclone:` store with a remote of the kind `sftp`. */
export function rclonePlace(server: SshServer): Place & { folder: string } {
  const folder = mkdtempSync(join(server.folder, 'store-'));
  const config = join(mkdtempSync(join(runFolder(), 'rclone-')), 'rclone.conf');
  const key = join(server.folder, '..', 'key');
  writeFileSync(
    config,
    `[box]\ntype = sftp\nhost = 127.0.0.1\nport = ${server.port}\nuser = ${server.user}\nkey_file = ${key}\nshell_type = none\n`,
  );
  return {
    ...filePlace(folder),
    url: `rclone:box:${server.root}/${relative(server.folder, folder)}`,
    env: { RCLONE_CONFIG: config },
  };
}

/** A new bucket; the action is given `endpoint`, a proxy's say, and the looks go to the server itself. */
export async function s3Place(server: S3Server, endpoint = server.endpoint): Promise<Place & { bucket: string }> {
  const client = s3ClientOf(server);
  const bucket = `faults-${crypto.randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const objects = async () => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.map(({ Key = '', Size = 0 }) => ({ name: Key, size: Size }));
  };
  const uploads = async () => {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return Promise.all(
      Uploads.map(async ({ Key, UploadId }) => {
        // An upload may end between the two looks.
        const { Parts = [] } = await client
          .send(new ListPartsCommand({ Bucket: bucket, Key, UploadId }))
          .catch(() => ({ Parts: [] }));
        return { name: `upload of ${Key}`, size: totalOf(Parts.map(({ Size = 0 }) => ({ size: Size }))) };
      }),
    );
  };
  const entries = async () => (await Promise.all([objects(), uploads()])).flat();
  return {
    bucket,
    url: `s3://${bucket}/backups`,
    inputs: { 's3-endpoint': endpoint },
    env: awsEnvironment(server),
    contents: async () => (await entries()).map(lineOf).sort(),
    bytes: async () => totalOf(await entries()),
  };
}

/** A file may go between two looks. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function lineOf({ name, size }: { name: string; size: number }): string {
  return `${name} ${size}`;
}

function totalOf(entries: { size: number }[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0);
}
