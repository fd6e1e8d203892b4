/** Makes a bucket ready to be probed, through the store's own API. */
import { CreateBucketCommand, PutBucketCorsCommand } from '@aws-sdk/client-s3';
import { s3Client } from '#clients/s3/client.ts';
import { PAGE, type StoreAddress } from './store.ts';

/** Creates the bucket and lets pages of `PAGE` in. Fine when either is done already. */
export async function setUp(address: StoreAddress): Promise<void> {
  const s3 = s3Client(address);
  const CORSRules = [
    { AllowedOrigins: [PAGE], AllowedMethods: ['PUT', 'GET'], AllowedHeaders: ['*'], ExposeHeaders: ['ETag'] },
  ];
  try {
    await s3.send(new CreateBucketCommand({ Bucket: address.bucket })).catch((error: Error) => {
      if (error.name !== 'BucketAlreadyOwnedByYou') throw error;
    });
    await s3.send(new PutBucketCorsCommand({ Bucket: address.bucket, CORSConfiguration: { CORSRules } }));
  } finally {
    s3.destroy();
  }
}
