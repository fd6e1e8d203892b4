/** Signature Version 4 of a POST to `/`, from the service's own page and not from our bucket's code. */
import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const FORM =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/sqs\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;

/** The name of the error that the service would answer with, or `null` when the request is signed with the keys. */
export function signatureFault(headers: IncomingHttpHeaders, path: string, body: Buffer, keys: Keys): string | null {
  const form = FORM.exec(headers.authorization ?? '');
  if (form === null) return 'MissingAuthenticationTokenException';
  const [, accessKeyId = '', day = '', region = '', names = '', given = ''] = form;
  if (accessKeyId !== keys.accessKeyId) return 'InvalidClientTokenId';
  const signed = names.split(';');
  const date = String(headers['x-amz-date'] ?? '');
  if (!['host', 'x-amz-date'].every((name) => signed.includes(name)) || !date.startsWith(day)) {
    return 'IncompleteSignature';
  }
  const canonical = [
    'POST',
    path,
    '',
    ...signed.map((name) => `${name}:${String(headers[name] ?? '').trim()}`),
    '',
    names,
    createHash('sha256').update(body).digest('hex'),
  ].join('\n');
  const scope = `${day}/${region}/sqs/aws4_request`;
  const hash = createHash('sha256').update(canonical).digest('hex');
  const key = [day, region, 'sqs', 'aws4_request'].reduce<string | Buffer>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    `AWS4${keys.secretAccessKey}`,
  );
  const expected = createHmac('sha256', key).update(`AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash}`).digest('hex');
  return expected === given ? null : 'SignatureDoesNotMatch';
}
