/** Parts of clients that were not made for us, on R2: by its S3 API, with a plain PUT where other stores take a form. */
import type { FormPut, MultipartIntake } from '#core/ports/multipart.ts';
import type { PresignedPut } from '#core/ports/staging.ts';

/** Both are of the same bucket. R2 takes forms from nobody. */
export function r2MultipartIntake(
  s3: MultipartIntake,
  presignWhole: (file: FormPut) => Promise<PresignedPut>,
): MultipartIntake {
  return { ...s3, presignForm: presignWhole };
}
