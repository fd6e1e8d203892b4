/** A bucket in a process of its own, to be killed. Prints its URL once it listens. */
import { startBucket } from '#adapters/bucket/server.ts';

const server = await startBucket({
  dataDir: process.argv[2] ?? '',
  host: '127.0.0.1',
  port: 0,
  bucket: 'staging',
  region: 'us-east-1',
  credentials: [{ accessKeyId: 'test-key', secretAccessKey: 'test-secret-of-some-length' }],
  allowedOrigins: [],
});
process.stdout.write(`${server.url}\n`);
