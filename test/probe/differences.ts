/** What stores answer otherwise than S3, seen by the probe, and why. Each entry fails when it is no longer so. */
import type { Difference } from './check.ts';

/** None: what S3 answers is what we answer. */
export const ourDifferences: readonly Difference[] = [];

/** Of radosgw 16.2.15, the release of Debian 12. */
export const radosgwDifferences: readonly Difference[] = [
  {
    check: 'a presigned PUT from an hour ahead',
    answers: '200',
    because: 'it looks at the end of a URL only, not at its beginning',
  },
  {
    check: 'a presigned PUT that would live for more than seven days',
    answers: '403 AccessDenied',
    because: 'it refuses it as one whose time is over',
  },
  {
    check: 'a GET signed for another region',
    answers: '200',
    because: 'it verifies a signature with whatever region the signature names',
  },
  {
    check: 'a presigned PUT with an x-amz-* header that is not signed',
    answers: '200',
    because: 'it verifies only the headers that a signature lists, so that the sender of a URL may add metadata',
  },
  {
    check: 'a body that is not the one of its x-amz-checksum-crc32',
    answers: '200',
    because: 'its release is older than these checksums: it ignores them',
  },
  {
    check: 'the checksum of an empty body that a presigner put into the URL of another',
    answers: '200',
    because: 'its release is older than these checksums: it ignores them',
  },
  {
    check: 'a right CRC64NVME comes back with the object',
    answers: '200, and not returned',
    because: 'its release is older than these checksums: it ignores them',
  },
  {
    check: 'a stream of the SDK in aws-chunked framing with a checksum behind it',
    answers: '411 MissingContentLength',
    because: 'it does not know this framing: clients have to say requestChecksumCalculation WHEN_REQUIRED',
  },
  {
    check: 'bytes=4-2 of ten',
    answers: '416 InvalidRange',
    because: 'it refuses what RFC 9110 lets a server ignore',
  },
  {
    check: 'a PUT with If-Match of this version, then of another',
    answers: '412 PreconditionFailed, then 412 PreconditionFailed',
    because: 'it compares the ETag as it is sent, quotes included, with one that has none',
  },
  {
    check: 'a DELETE with If-Match of another version',
    answers: '204, and deleted it',
    because: 'it ignores conditions of a removal',
  },
  {
    check: 'a copy with x-amz-copy-source-if-match of another version',
    answers: '200',
    because: 'it ignores conditions on the source of a copy',
  },
  {
    check: 'a part copied with x-amz-copy-source-if-match of another version',
    answers: '200, then 200: cde',
    because: 'it ignores conditions on the source of a copy',
  },
  {
    check: 'a part copied from an object with a percent sign in its name',
    answers: '404 NoSuchKey',
    because: 'it decodes the name of the source of a part twice, of a whole copy once',
  },
  {
    check: 'a part copied from an object named a%41, beside one named aA',
    answers: '200, then 200: the wrong one',
    because: 'it decodes the name of the source of a part twice, of a whole copy once',
  },
  {
    check: 'a completion with its parts in wrong order',
    answers: '200',
    because: 'it sorts the parts',
  },
  {
    check: 'a completion with some of its parts',
    answers: '400 InvalidPart',
    because: 'it wants every part that was put',
  },
  {
    check: 'a completion with If-None-Match where an object is',
    answers: '200, and replaced it',
    because: 'it ignores conditions of a completion',
  },
  {
    check: 'the parts of an upload that was aborted',
    answers: '204, then 404 NoSuchKey',
    because: 'it gives the error another name',
  },
  {
    check: 'a part number 0, and 10001',
    answers: '200, 200',
    because: 'it takes any number',
  },
  {
    check: 'a page reads why a forged PUT was refused',
    answers: '403, opaque',
    because: 'it looks for CORS rules only after it has taken the signature, so that a page sees a network error',
  },
];

/** Of swift 2.30 with s3api and tempauth, asked by hand. */
export const swiftDifferences: readonly Difference[] = [
  {
    check: 'a GET signed by an unknown key',
    answers: '403 SignatureDoesNotMatch',
    because: 'it does not tell an unknown key from a wrong secret',
  },
  {
    check: 'an anonymous GET',
    answers: '400',
    because: 'it takes a request without an S3 signature for one of its own protocol',
  },
  {
    check: 'an anonymous PUT',
    answers: '400',
    because: 'it takes a request without an S3 signature for one of its own protocol',
  },
  {
    check: 'an anonymous listing',
    answers: '412',
    because: 'it takes a request without an S3 signature for one of its own protocol',
  },
  {
    check: 'a presigned PUT from an hour ahead',
    answers: '200',
    because: 'it looks at the end of a URL only, not at its beginning',
  },
  {
    check: 'a write-once presigned PUT, used again',
    answers: '501 NotImplemented, then 501 NotImplemented',
    because: 'it refuses every put with a condition',
  },
  {
    check: 'eight PUTs with If-None-Match at once',
    answers: '0 are taken',
    because: 'it refuses every put with a condition',
  },
  {
    check: 'a PUT with If-Match of this version, then of another',
    answers: '501 NotImplemented, then 501 NotImplemented',
    because: 'it refuses every put with a condition',
  },
  {
    check: 'a body that is not the one whose SHA-256 was signed',
    answers: '400 BadDigest',
    because: 'it gives the error another name',
  },
  {
    check: 'a completion with If-None-Match where an object is',
    answers: '412 InvalidRequest',
    because: 'it gives the error another name',
  },
  {
    check: 'a body that is not the one of its x-amz-checksum-crc32',
    answers: '200',
    because: 'its release is older than these checksums: it ignores them',
  },
  {
    check: 'the checksum of an empty body that a presigner put into the URL of another',
    answers: '200',
    because: 'its release is older than these checksums: it ignores them',
  },
  {
    check: 'a right CRC64NVME comes back with the object',
    answers: '200, and not returned',
    because: 'its release is older than these checksums: it ignores them',
  },
  {
    check: 'a stream of the SDK in aws-chunked framing with a checksum behind it',
    answers: '501 NotImplemented',
    because: 'it does not know this framing',
  },
  {
    check: 'a PUT that does not say its length',
    answers: '200',
    because: 'it takes what comes until the chunks end',
  },
  {
    check: 'a bulk DELETE of two objects and one that is not there',
    answers: '400 InvalidRequest',
    because: 'it wants a Content-MD5, in place of which the SDK sends a CRC32',
  },
  {
    check: 'a page asks whether it may PUT with If-None-Match',
    answers: 'may not',
    because: 'it has no CORS rules, only an origin per container',
  },
  {
    check: 'a page reads the answer of its PUT, and the ETag',
    answers: '501, opaque, without ETag',
    because: 'it refuses every put with a condition',
  },
  {
    check: 'a page of another origin PUTs',
    answers: '501, opaque',
    because: 'it refuses every put with a condition',
  },
  {
    check: 'a page reads why a forged PUT was refused',
    answers: '501, opaque',
    because: 'it refuses every put with a condition',
  },
  {
    check: 'a page reads that its write-once PUT met an object',
    answers: '501, opaque',
    because: 'it refuses every put with a condition',
  },
];
