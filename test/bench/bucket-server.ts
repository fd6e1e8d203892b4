/** The embedded bucket in a process of its own, with nothing else. Prints its URL. */
import { startBucket } from '#adapters/bucket/server.ts';
import { BENCH_BUCKET } from './bucket-keys.ts';

const { bucket, region, ...credential } = BENCH_BUCKET;
const server = await startBucket({
  dataDir: process.argv[2] ?? '',
  host: '127.0.0.1',
  port: 0,
  bucket,
  region,
  credentials: [credential],
  allowedOrigins: '*',
});
process.stdout.write(`${server.url}\n`);
