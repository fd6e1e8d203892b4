/** `entrepot s3`: how an S3 client reaches the bucket. */
import type { S3Keys } from './address.ts';
import type { Terminal } from './terminal.ts';

type Bucket = Pick<S3Keys, 'endpoint' | 'region' | 'bucket'>;

/** `KEY=value` lines, as shells, Docker and dotenv read them. */
export function printS3Env(terminal: Terminal, keys: S3Keys): void {
  const variables = {
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    ...(keys.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: keys.sessionToken }),
    AWS_REGION: keys.region,
    AWS_ENDPOINT_URL: keys.endpoint,
    ENTREPOT_BUCKET: keys.bucket,
  };
  for (const [name, value] of Object.entries(variables)) terminal.print(`${name}=${value}`);
}

/** For people, without the secret. */
export function printS3Hint(terminal: Terminal, { endpoint, region, bucket }: Bucket): void {
  terminal.print(`endpoint  ${endpoint}  (region ${region})`);
  terminal.print(`bucket    ${bucket}`);
  terminal.print(`what is put under inbox/<destination>/<path> is delivered there`);
  terminal.print('keys      set -a; eval "$(entrepot s3 --env)"; set +a');
}
