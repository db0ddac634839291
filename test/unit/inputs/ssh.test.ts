import { expect, test } from '@jest/globals';
import { parseSshKey } from '../../../src/inputs/stores/ssh.ts';
import { linesFor, parseKnownHosts } from '../../../src/store/ssh/known-hosts.ts';
import { makeTestKeys } from '../../support/data/test-keys.ts';

const { sshKey, sshPublicKey } = await makeTestKeys();

test.each<[string, string]>([
  ['no line end at its end', sshKey.trimEnd()],
  ['CRLF', sshKey.replaceAll('\n', '\r\n')],
  ['line ends as \\n', sshKey.replaceAll('\n', '\\n')],
  ['quotes around it', `"${sshKey.replaceAll('\n', '\\n')}"`],
  ['blanks before each line', sshKey.replaceAll(/^/gm, '    ')],
])('T3: a key is mended: %s', async (_, text) => {
  expect(await parseSshKey(text)).toBe(sshKey.endsWith('\n') ? sshKey : `${sshKey}\n`);
});

test('known hosts: comments, several kinds of keys of which one is not used, several hosts', () => {
  const known = parseKnownHosts(
    [
      '# box.example.com:23 SSH-2.0-OpenSSH_9.2',
      `[box.example.com]:23,[203.0.113.7]:23 ${sshPublicKey}`,
      `box.example.com ssh-dss ${sshPublicKey.split(' ')[1]}`,
      '',
      `*.example.com,!old.example.com ${sshPublicKey} a comment`,
    ].join('\n'),
  );
  const lines = (host: string, port = 22) => linesFor(known, { host, port }).map(({ hosts }) => hosts);
  expect(lines('box.example.com', 23)).toEqual([
    '[box.example.com]:23,[203.0.113.7]:23',
    '*.example.com,!old.example.com',
  ]);
  expect(lines('203.0.113.7', 23)).toEqual(['[box.example.com]:23,[203.0.113.7]:23']);
  expect(lines('203.0.113.7')).toEqual([]);
  expect(lines('old.example.com')).toEqual([]);
});
