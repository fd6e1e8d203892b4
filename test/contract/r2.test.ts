import { lawsInWorkerd } from '../support/workerd-laws.ts';

await lawsInWorkerd(
  {
    main: 'test/workerd/r2.ts',
    r2_buckets: [
      {
        binding: 'STAGING',
        bucket_name: 'staging',
        local_dev: { experimental_s3_credentials: { accessKeyId: 'local', secretAccessKey: 'localsecret' } },
      },
    ],
  },
  60_000,
);
