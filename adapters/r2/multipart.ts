/** Parts of clients that were not made for us, on R2: by its S3 API, but for forms, which R2 takes from nobody. */
import { Fault } from '#core/fault.ts';
import type { MultipartIntake } from '#core/ports/multipart.ts';

/** `s3` is of the same bucket. A form is Fault `rejected` `staging.no_forms`: a URL for one would only fail later, in a browser. */
export function r2MultipartIntake(s3: MultipartIntake): MultipartIntake {
  return {
    ...s3,
    presignForm: async () => {
      throw new Fault('rejected', 'staging.no_forms', 'this store takes no forms: send the file in parts');
    },
  };
}
