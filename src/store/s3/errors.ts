import { StoreError, type StoreErrorCode } from '../store.ts';

/** The requests that we send, and the right that AWS requires for each. */
const RIGHTS = {
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  CompleteMultipartUpload: 's3:PutObject',
  CreateBucket: 's3:CreateBucket',
  CreateMultipartUpload: 's3:PutObject',
  DeleteObject: 's3:DeleteObject',
  GetObject: 's3:GetObject',
  GetObjectLockConfiguration: 's3:GetBucketObjectLockConfiguration',
  HeadObject: 's3:GetObject',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  ListObjectsV2: 's3:ListBucket',
  PutObject: 's3:PutObject (and s3:PutObjectRetention with s3-object-lock)',
  PutObjectRetention: 's3:PutObjectRetention',
  UploadPart: 's3:PutObject',
} as const;

export type Operation = keyof typeof RIGHTS;

/** What was asked for when the failure came. */
export interface Request {
  operation: Operation;
  bucket: string;
  /** The whole key in the bucket; null when the request is about the bucket. */
  key: string | null;
  endpoint: string | null;
}

/**
 * A failed request. It does not keep what the SDK threw: a SignatureDoesNotMatch carries the signed headers, and with
 * them the session token.
 */
export class S3Error extends StoreError {
  /** `NoSuchBucket`, `SlowDown`, …; for an answer without a body or without an answer, what else names the failure. */
  readonly reason: string;
  /** Of the answer; null when none came. */
  readonly status: number | null;
  /** Whether the same request may succeed a little later. */
  readonly transient: boolean;
  /** What happened, without what to do about it. */
  readonly summary: string;

  constructor(failure: Failure, summary: string, step: string) {
    super(codeOf(failure), step === '' ? `${summary}.` : `${summary}. ${step}.`);
    this.summary = summary;
    this.reason = failure.reason;
    this.status = failure.status;
    this.transient = isTransient(failure);
  }
}

/** Makes an error for the user of whatever the SDK threw. */
export function s3Error(thrown: unknown, request: Request): S3Error {
  if (thrown instanceof S3Error) return thrown;
  const failure = failureOf(thrown);
  const object = request.key === null ? '' : ` of ${JSON.stringify(request.key)}`;
  const what = `S3 ${request.operation}${object} in bucket ${JSON.stringify(request.bucket)} failed`;
  return new S3Error(failure, `${what}: ${describeFailure(failure)}`, nextStep(failure, request));
}

/** The parts of a failure that we judge by. */
interface Failure {
  reason: string;
  status: number | null;
  requestId: string | null;
  /** What the server, or the network, says; on one line, null when it says nothing that `reason` does not. */
  text: string | null;
  /** Of the bucket, as a redirect names it. */
  region: string | null;
}

interface Thrown extends Error {
  /** Of a server's answer. */
  Code?: string;
  /** Of a failed system call. */
  code?: string | number;
  /** Of an AggregateError: connecting failed for every address of the host. */
  errors?: Thrown[];
  Region?: string;
  $metadata?: { httpStatusCode?: number; requestId?: string };
  $response?: { statusCode?: number; headers?: Record<string, string> };
}

/** What the SDK calls failures of which it knows nothing: an answer without a code, as to HEAD; an answer it cannot read. */
const NAMES: Record<string, string> = {
  Unknown: 'UnnamedError',
  UnknownError: 'UnnamedError',
  Error: 'UnexpectedAnswer',
};

function failureOf(value: unknown): Failure {
  const thrown = value as Thrown;
  const error = thrown.errors?.[0] ?? thrown;
  const code = typeof error.code === 'string' ? error.code : undefined; // A number in a DOMException.
  const reason = error.Code ?? code ?? NAMES[error.name] ?? error.name;
  // RGW sends no Message: the SDK then says "UnknownError".
  const text = oneLine(error.message.replace(/Deserialization error: to see .*/s, ''));
  return {
    reason: oneLine(reason),
    status: error.$metadata?.httpStatusCode ?? error.$response?.statusCode ?? null,
    requestId: error.$metadata?.requestId ?? null,
    text: text === '' || text === 'UnknownError' || text === reason ? null : text,
    region: error.Region ?? error.$response?.headers?.['x-amz-bucket-region'] ?? null,
  };
}

function describeFailure({ reason, status, requestId, text }: Failure): string {
  const facts = [status && `HTTP ${status}`, requestId && `request id ${oneLine(requestId)}`].filter(Boolean);
  return `${reason}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}${text === null ? '' : `: ${text}`}`;
}

/** A server's words, fit for a line of a log. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go.
  const line = text.replace(/[\u0000-\u0020\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return (line.length > 300 ? `${line.slice(0, 300)}…` : line).replace(/\.$/, '');
}

const NO_ANSWER = [
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'TimeoutError',
];

/** Answers below 500 after which the same request can succeed. The first three: the body was changed on its way. */
const PASSING = [
  'BadDigest',
  'IncompleteBody',
  'XAmzContentSHA256Mismatch',
  'InternalError',
  'OperationAborted',
  'RequestTimeout',
  'RequestTimeTooSkewed', // The SDK has taken over the server's clock from the answer's Date.
  'ServiceUnavailable',
  'SlowDown',
  'ThrottlingException',
];

function isTransient({ reason, status }: Failure): boolean {
  if (status === null) return NO_ANSWER.includes(reason);
  const refused = status === 501 || status === 507; // Not implemented; no space.
  return PASSING.includes(reason) || status === 429 || (status >= 500 && !refused);
}

const EXPIRED = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'];
const CREDENTIALS = [
  'AuthFailure',
  'InvalidAccessKeyId',
  'InvalidToken',
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
];
const WRONG_REGION = [
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'PermanentRedirect',
  'TemporaryRedirect',
];
const FULL = ['QuotaExceeded', 'InsufficientStorage', 'XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded'];

function codeOf({ reason, status }: Failure): StoreErrorCode {
  if (FULL.includes(reason) || status === 507) return 'full';
  if (EXPIRED.includes(reason) || CREDENTIALS.includes(reason) || reason === 'CredentialsProviderError')
    return 'denied';
  if (reason === 'RequestTimeTooSkewed' || reason === 'InvalidObjectState') return 'failed';
  if (status === 401 || status === 403) return 'denied';
  return reason === 'NoSuchKey' || reason === 'NotFound' ? 'not-found' : 'failed';
}

/** Whether the server does not know these credentials at all; a mere lack of rights is not that. */
export function refusesCredentials({ reason }: S3Error): boolean {
  return [...EXPIRED, ...CREDENTIALS, 'CredentialsProviderError', 'RequestTimeTooSkewed'].includes(reason);
}

/** What the user can do about it; empty when only the server's words say that. */
function nextStep(failure: Failure, { operation, endpoint }: Request): string {
  const { reason, status, region, text } = failure;
  const server = endpoint ?? 'S3 on AWS';
  if (reason === 'AbortError') return 'The run was cancelled';
  if (reason === 'CredentialsProviderError') return noCredentials(text ?? reason);
  if (EXPIRED.includes(reason)) {
    return (
      'The credentials ended before the run did: raise role-duration-seconds of aws-actions/configure-aws-credentials ' +
      "(and the role's maximum session duration), or use credentials that last longer"
    );
  }
  if (reason === 'UnnamedError' && status === 400) {
    return 'Answers of this kind do not say more; expired credentials (role-duration-seconds) are a common reason';
  }
  if (CREDENTIALS.includes(reason)) {
    return `Check that AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN belong to ${server} and hold no blank or line break`;
  }
  if (WRONG_REGION.includes(reason) || status === 301) {
    return `Set AWS_REGION to the bucket's region${region === null ? '' : `, ${oneLine(region)}`}`;
  }
  if (reason === 'RequestTimeTooSkewed') return "Set this machine's clock";
  if (reason === 'NoSuchBucket') return 'Create the bucket, set s3-create-bucket: true, or correct its name in "store"';
  if (reason === 'InvalidObjectState') return 'It lies in an archive storage class: restore it from there first';
  if (reason === 'InvalidStorageClass') return 'Choose an s3-storage-class that the server has';
  if (reason === 'InvalidBucketName') return 'Correct the name of the bucket in "store"';
  if (operation === 'UploadPart' && reason === 'InvalidArgument') {
    return `${server} may allow fewer parts than this object has: store it as smaller volumes`;
  }
  if (codeOf(failure) === 'full') return `Free space on ${server}, or raise the quota`;
  if (status === 501) return `${server} cannot do this: check s3-storage-class, s3-sse, s3-kms-key and s3-object-lock`;
  if (status === 401 || status === 403) return `Give these credentials the right ${RIGHTS[operation]}`;
  if (status === null) return networkStep(reason, server);
  if (isTransient(failure)) return `Run again when ${server} is well`;
  return reason === 'UnexpectedAnswer' ? `Check that ${server} is an S3 server` : '';
}

/** What to say when the SDK's chain of credential providers has ended without credentials. */
export function noCredentials(reason: string): string {
  return (
    `No usable S3 credentials were found (${oneLine(reason)}). Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY ` +
    '(and AWS_SESSION_TOKEN for temporary ones), or run aws-actions/configure-aws-credentials before this step'
  );
}

function networkStep(reason: string, server: string): string {
  if (reason === 'ECONNREFUSED') return `Nothing listens at ${server}: check s3-endpoint, and that the server runs`;
  if (reason === 'ENOTFOUND' || reason === 'EAI_AGAIN') return `The host of ${server} is not known: check s3-endpoint`;
  if (reason === 'EPROTO' || reason.startsWith('ERR_SSL') || reason.startsWith('HPE_')) {
    return `${server} does not speak that protocol: check http:// or https:// and the port in s3-endpoint`;
  }
  if (/CERT|SIGNATURE|ERR_TLS/.test(reason)) {
    return `The certificate of ${server} is not trusted: set NODE_EXTRA_CA_CERTS to the file of its CA, or correct the host name`;
  }
  return NO_ANSWER.includes(reason) ? `The connection to ${server} failed: check the network and the server` : '';
}
