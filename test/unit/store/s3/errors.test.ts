import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import { type Request, s3Error } from '../../../../src/store/s3/errors.ts';

const REQUEST: Request = { operation: 'PutObject', bucket: 'b', key: 'a "key"\n', endpoint: 'http://s3.example.com' };

/** What the SDK throws for a server's answer. */
function answered(status: number, Code: string, message: string, more: object = {}): Error {
  const $metadata = { httpStatusCode: status, requestId: 'tx1' };
  return Object.assign(new Error(message), { name: Code, Code, $metadata, ...more });
}

test('S7: code, status and request id stand in for a message that was not sent', () => {
  const { message } = s3Error(answered(400, 'InvalidArgument', 'UnknownError'), REQUEST);
  expect(message).toBe(
    'S3 PutObject of "a \\"key\\"\\n" in bucket "b" failed: InvalidArgument (HTTP 400, request id tx1).',
  );
});

test("the server's words are quoted on one line, and not without end", () => {
  const { message } = s3Error(answered(400, 'Bad', `\n::error::boo\r\u2028\u001b[31m${'x'.repeat(1_000)}`), REQUEST);
  expect(message).toMatch(/Bad \(HTTP 400, request id tx1\): ::error::boo \[31mx{200,300}…\.$/);
});

test('what the server sends back of our request is dropped', () => {
  const secrets = { StringToSign: 'seCr3t', CanonicalRequest: 'x-amz-security-token:seCr3t', AWSAccessKeyId: 'seCr3t' };
  const error = s3Error(answered(403, 'SignatureDoesNotMatch', 'no match', secrets), REQUEST);
  expect(error.code).toBe('denied');
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('seCr3t');
});

test.each([
  [answered(500, 'InternalError', ''), true],
  [answered(503, 'SlowDown', ''), true],
  [answered(501, 'NotImplemented', ''), false],
  [answered(507, 'InsufficientStorage', ''), false],
  [answered(429, 'TooManyRequests', ''), true],
  [answered(200, 'InternalError', ''), true],
  [answered(400, 'RequestTimeout', ''), true],
  [answered(400, 'BadDigest', ''), true],
  [answered(400, 'ExpiredToken', ''), false],
  [answered(400, 'InvalidPart', ''), false],
  [answered(403, 'AccessDenied', ''), false],
  [answered(403, 'RequestTimeTooSkewed', ''), true],
  [answered(404, 'NoSuchBucket', ''), false],
  [Object.assign(new Error('read'), { code: 'ECONNRESET' }), true],
  [Object.assign(new Error('timeout'), { name: 'TimeoutError' }), true],
  [Object.assign(new Error('unknown host'), { code: 'ENOTFOUND' }), false],
  [Object.assign(new Error('bad certificate'), { code: 'CERT_HAS_EXPIRED' }), false],
  [Object.assign(new Error('Request aborted'), { name: 'AbortError' }), false],
  [new Error('something else'), false],
])('worth another attempt or not (%#)', (thrown, transient) => {
  expect(s3Error(thrown, REQUEST).transient).toBe(transient);
});

test.each([
  [answered(404, 'NoSuchKey', ''), 'not-found'],
  [answered(404, 'NoSuchBucket', ''), 'failed'],
  [answered(403, 'AccessDenied', ''), 'denied'],
  [answered(400, 'ExpiredToken', ''), 'denied'],
  [answered(403, 'QuotaExceeded', ''), 'full'],
  [answered(507, 'X', ''), 'full'],
  [answered(403, 'InvalidObjectState', ''), 'failed'],
  [answered(500, 'InternalError', ''), 'failed'],
])('the kind of failure for the caller (%#)', (thrown, code) => {
  expect(s3Error(thrown, REQUEST).code).toBe(code);
});
