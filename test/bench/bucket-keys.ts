/** Credentials of a bucket that lives as long as a bench. */
export const BENCH_BUCKET = {
  bucket: 'bench',
  region: 'local',
  accessKeyId: 'bench',
  secretAccessKey: 'a-key-that-opens-nothing-else',
} as const;
