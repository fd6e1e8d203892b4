/** The body of a store's answer as a web stream. */
import { Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { pulledBody } from '#clients/pulled-body.ts';
import { Fault } from '#core/fault.ts';
import { stagingFault } from './faults.ts';

/** As `pulledBody` says; a connection cut before the end is a Fault. */
export function webBody(body: GetObjectCommandOutput['Body'], signal: AbortSignal): ReadableStream<Uint8Array> {
  if (body instanceof Readable) return pulledBody(body, { signal, failed: stagingFault });
  // Where there is no Node, the SDK fetches: that body already is a web stream and obeys the signal of the request.
  if (body instanceof ReadableStream) return body;
  throw new Fault('bug', 'staging.no_body', 'the bucket answered a read without a body');
}
