/** The S3 operation that a path-style request is for, by its name in Amazon's API reference; `other` when unknown. */
export function s3OperationOf(method: string, path: string, query: URLSearchParams): string {
  const level = /^\/[^/]+\/./.test(path) ? 'object' : /^\/[^/]+\/?$/.test(path) ? 'bucket' : 'service';
  const key = SUBRESOURCES.find((name) => query.has(name));
  const parameters = key === undefined ? '' : ` ${key}`;
  return OPERATIONS[`${method} ${level}${parameters}`] ?? 'other';
}

/** Query parameters that change what a request is. */
const SUBRESOURCES = [
  'partNumber',
  'uploadId',
  'uploads',
  'delete',
  'retention',
  'versions',
  'versioning',
  'object-lock',
  'lifecycle',
];

const OPERATIONS: Record<string, string> = {
  'GET service': 'ListBuckets',
  'PUT bucket': 'CreateBucket',
  'HEAD bucket': 'HeadBucket',
  'GET bucket': 'ListObjects',
  'GET bucket uploads': 'ListMultipartUploads',
  'GET bucket versions': 'ListObjectVersions',
  'GET bucket versioning': 'GetBucketVersioning',
  'GET bucket object-lock': 'GetObjectLockConfiguration',
  'POST bucket delete': 'DeleteObjects',
  'PUT object': 'PutObject',
  'GET object': 'GetObject',
  'HEAD object': 'HeadObject',
  'DELETE object': 'DeleteObject',
  'GET object retention': 'GetObjectRetention',
  'PUT object retention': 'PutObjectRetention',
  'POST object uploads': 'CreateMultipartUpload',
  'PUT object partNumber': 'UploadPart',
  'GET object uploadId': 'ListParts',
  'POST object uploadId': 'CompleteMultipartUpload',
  'DELETE object uploadId': 'AbortMultipartUpload',
};
