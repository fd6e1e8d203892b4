/** Parts as the engine hands them over: from one staged object of the same store, that holds them all. */
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { PartBody, PartReceipt, Span } from '#core/ports/provider.ts';
import { ctx, numbersOf, type Opened, partOf } from '../../contract/push-rig.ts';
import type { S3Rig } from './rig.ts';

export async function makeBucket(rig: S3Rig, bucket: string): Promise<void> {
  await rig.client.send(new CreateBucketCommand({ Bucket: bucket }));
}

export async function stage(
  rig: S3Rig,
  bucket: string,
  key: string,
  content: Uint8Array,
): Promise<Pick<Span, 'key' | 'version'>> {
  const { ETag = '' } = await rig.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content }));
  return { key, version: ETag.replaceAll('"', '') };
}

export async function putFrom(
  opened: Opened,
  number: number,
  from: Pick<Span, 'key' | 'version'>,
): Promise<PartReceipt> {
  const bare = partOf(opened, number);
  const part: PartBody = { ...bare, spans: [{ ...from, range: bare.range }] };
  return opened.provider.put(opened.session, opened.item, part, ctx);
}

/** All parts, from an object with a name that has to be encoded. */
export async function putStaged(rig: S3Rig, bucket: string, opened: Opened): Promise<readonly PartReceipt[]> {
  const from = await stage(rig, bucket, `inbox/${rig.prefix}a b+c/影.mp4`, opened.content);
  const receipts: PartReceipt[] = [];
  for (const number of numbersOf(opened)) receipts.push(await putFrom(opened, number, from));
  return receipts;
}
