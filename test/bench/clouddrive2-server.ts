/** A fake CloudDrive2 in a process of its own, that keeps no byte. Prints `host:port`. Argument: reads that it asks for at once. */
import { fakeCloudDrive2 } from '../fakes/clouddrive2/server.ts';
import { MIB } from './measure.ts';

const READ_BYTES = 4 * MIB;

const fake = await fakeCloudDrive2({
  rules: {
    readsMax: Number(process.argv[2]),
    sample: (sizeBytes) =>
      Array.from({ length: Math.ceil(sizeBytes / READ_BYTES) }, (_, index) => ({
        start: index * READ_BYTES,
        end: Math.min(sizeBytes, (index + 1) * READ_BYTES),
      })),
  },
});
process.stdout.write(`${fake.host}:${fake.port}\n`);
