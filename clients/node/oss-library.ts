/** ali-oss, loaded with the first request, because that takes a tenth of a second. */
import type { Carrier, Library, LibraryWith } from '../oss/library.ts';

type LibraryOptions = Readonly<Record<string, unknown>> & { readonly urllib: Carrier };

export const libraryWith: LibraryWith = async (place, keys, carrier) => {
  const { default: Oss } = await import('ali-oss');
  const options: LibraryOptions = {
    endpoint: place.endpoint,
    region: place.region,
    bucket: place.bucket,
    accessKeyId: keys.accessKeyId,
    accessKeySecret: keys.accessKeySecret,
    stsToken: keys.stsToken,
    authorizationV4: true,
    sldEnable: place.forcePathStyle === true,
    // Without it the library prints advice about temporary keys.
    refreshSTSTokenInterval: 1,
    urllib: carrier,
  };
  // Through unknown, because its types know neither what it offers nor what it takes of this.
  return new (Oss as unknown as new (options: LibraryOptions) => Library)(options);
};
