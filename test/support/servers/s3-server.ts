/** An S3 server that the tests use, and credentials that may do everything there. */
export interface S3Server {
  /** Such as `http://127.0.0.1:18080`; path-style addressing. */
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
  /** Another user, who may do what a bucket's policy says and nothing else; not everywhere one can be made. */
  guest?: { name: string; accessKeyId: string; secretAccessKey: string };
}

/** The environment that the AWS SDK and the AWS command line read; the endpoint is an input of ours. */
export function awsEnvironment(server: S3Server): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    AWS_REGION: server.region,
  };
}

/** The server that the environment names by S3_TEST_ENDPOINT and the AWS keys, when it does. */
export function s3ServerOfEnvironment(): S3Server | null {
  const { S3_TEST_ENDPOINT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION = 'us-east-1' } = process.env;
  if (!S3_TEST_ENDPOINT) return null;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new Error('S3_TEST_ENDPOINT is set: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY too');
  }
  return {
    endpoint: S3_TEST_ENDPOINT,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    region: AWS_REGION,
  };
}
