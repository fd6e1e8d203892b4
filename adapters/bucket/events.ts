/**
 * Event notifications, in the shape that S3 sends to a queue or a function. One change, one body with one record.
 * `responseElements` and the identities are filled with what a single-user server can say truthfully.
 */
import type { S3Request } from './request.ts';

export interface ObjectEvent {
  readonly name:
    | 'ObjectCreated:Put'
    | 'ObjectCreated:Post'
    | 'ObjectCreated:Copy'
    | 'ObjectCreated:CompleteMultipartUpload'
    | 'ObjectRemoved:Delete';
  readonly bucket: string;
  readonly key: string;
  /** Of the change; later changes of a key have larger ones. */
  readonly sequence: number;
  readonly atMs: number;
  /** Absent for a removal. */
  readonly object?: { readonly sizeBytes: number; readonly etag: string };
}

/** The body of a notification: `{ Records: [ … ] }`. */
export function notification(event: ObjectEvent, request: S3Request, accessKeyId: string, region: string): unknown {
  const { object } = event;
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: region,
        eventTime: new Date(event.atMs).toISOString(),
        eventName: event.name,
        userIdentity: { principalId: accessKeyId },
        requestParameters: { sourceIPAddress: request.http.socket.remoteAddress ?? '' },
        responseElements: { 'x-amz-request-id': request.id, 'x-amz-id-2': request.id },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'all',
          bucket: {
            name: event.bucket,
            ownerIdentity: { principalId: accessKeyId },
            arn: `arn:aws:s3:::${event.bucket}`,
          },
          object: {
            key: formEncode(event.key),
            ...(object ? { size: object.sizeBytes, eTag: object.etag } : {}),
            sequencer: event.sequence.toString(16).toUpperCase().padStart(SEQUENCER_DIGITS, '0'),
          },
        },
      },
    ],
  };
}

/** Wide enough for every safe integer, so that equal widths make text order the order of events. */
const SEQUENCER_DIGITS = 16;

/** As in a form: a space is `+`; everything but letters, digits and `*-._` is percent-encoded. Slashes stay. */
function formEncode(key: string): string {
  return encodeURIComponent(key)
    .replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/');
}
