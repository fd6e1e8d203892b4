/** Operations on buckets. There is one owner, so ownership and access lists have nothing to tell apart. */
import { bucketOf, type Call, type Context, type Reply } from '../context.ts';
import { S3Error } from '../errors.ts';
import { receiveText } from '../receive.ts';
import { xmlDocument } from '../xml.ts';
import { childText, parseXml } from '../xml-parse.ts';

export function listBuckets({ store, region }: Context, { signature }: Call): Reply {
  const id = signature.accessKeyId;
  return {
    status: 200,
    xml: xmlDocument('ListAllMyBucketsResult', [
      [
        'Owner',
        [
          ['ID', id],
          ['DisplayName', id],
        ],
      ],
      [
        'Buckets',
        store.buckets().map(({ name, createdMs }) => [
          'Bucket',
          [
            ['Name', name],
            ['CreationDate', new Date(createdMs).toISOString()],
            ['BucketRegion', region],
          ],
        ]),
      ],
    ]),
  };
}

export async function createBucket({ store, region }: Context, { request, signature, openBody }: Call): Promise<Reply> {
  const name = bucketOf(request);
  if (!isBucketName(name)) throw new S3Error('InvalidBucketName');
  if (Number(request.headers.get('content-length') ?? 0) > 0) {
    const { text } = await receiveText(request, signature, openBody, CONFIGURATION_BYTES_MAX);
    const wanted = childText(parseXml(text, 'CreateBucketConfiguration'), 'LocationConstraint') ?? region;
    if (wanted !== region) throw new S3Error('IllegalLocationConstraintException');
  }
  store.createBucket(name);
  return { status: 200, headers: { location: `/${name}` } };
}

export function headBucket({ store, region }: Context, { request }: Call): Reply {
  store.requireBucket(bucketOf(request));
  return { status: 200, headers: { 'x-amz-bucket-region': region } };
}

export function deleteBucket({ store }: Context, { request }: Call): Reply {
  store.deleteBucket(bucketOf(request));
  return { status: 204 };
}

export function bucketLocation({ store, region }: Context, { request }: Call): Reply {
  store.requireBucket(bucketOf(request));
  // The first region has no name in this one document.
  const name = region === 'us-east-1' ? '' : region;
  return { status: 200, xml: xmlDocument('LocationConstraint', name) };
}

/** A bucket that never had versioning answers an empty document. */
export function bucketVersioning({ store }: Context, { request }: Call): Reply {
  store.requireBucket(bucketOf(request));
  return { status: 200, xml: xmlDocument('VersioningConfiguration', []) };
}

/** 3 to 63 characters, as S3 has it, so that every name can be a host name. */
function isBucketName(name: string): boolean {
  return /^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name);
}

const CONFIGURATION_BYTES_MAX = 64 * 1024;
