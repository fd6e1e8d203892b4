/** The callback of a put or a complete: OSS asks another server, whose JSON becomes the body of the answer. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Answer, Exchange } from './exchange.ts';
import { errorXml, Refusal, refuse } from './refusal.ts';
import type { StoredObject } from './store.ts';

export function isCallback(headers: IncomingHttpHeaders): boolean {
  return headers['x-oss-callback'] !== undefined;
}

/** `bytes`: null where OSS has no SHA-1 of the whole object, which then stays empty in the callback's body. */
export async function callback(
  { bucket, key, headers, settings }: Exchange,
  object: StoredObject,
  bytes: Buffer | null,
): Promise<Answer> {
  const asked = decoded(headers['x-oss-callback']);
  const variables = headers['x-oss-callback-var'] === undefined ? {} : decoded(headers['x-oss-callback-var']);
  if (Object.keys(variables).some((name) => !name.startsWith('x:'))) {
    refuse(400, 'InvalidArgument', 'The names in callback-var must begin with x:.');
  }
  const template = String(asked['callbackBody'] ?? '');
  if (template === '') refuse(400, 'InvalidArgument', 'The callback body is empty.', { EC: '0007-00000011' });
  const known: Record<string, unknown> = {
    bucket,
    object: key,
    etag: object.etag,
    size: object.bytes.length,
    mimeType: object.contentType,
    crc64: object.crc64,
    sha1: bytes === null ? '' : createHash('sha1').update(bytes).digest('hex').toUpperCase(),
    ...variables,
  };
  const body = template.replace(/\$\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(String(known[name] ?? '')));
  try {
    const answer = await fetch(String(asked['callbackUrl']), {
      method: 'POST',
      headers: { 'content-type': String(asked['callbackBodyType'] ?? 'application/x-www-form-urlencoded') },
      body,
      signal: AbortSignal.timeout(settings.callbackTimeoutMs),
    });
    const said = await answer.text();
    if (!answer.ok) return failed(`Error status : ${answer.status}.`);
    return {
      status: 200,
      headers: { 'content-type': 'application/json', etag: `"${object.etag}"`, 'x-oss-hash-crc64ecma': object.crc64 },
      body: said,
    };
  } catch (error) {
    return failed(error instanceof Error ? error.name : 'unknown');
  }
}

/** The object stays, and OSS does not call again. */
function failed(why: string): Answer {
  const refusal = new Refusal(203, 'CallbackFailed', why, {});
  return { status: 203, headers: { 'content-type': 'application/xml' }, body: errorXml(refusal, 'callback', '') };
}

function decoded(header: string | string[] | undefined): Record<string, unknown> {
  try {
    const text = Buffer.from(String(header), 'base64').toString();
    if (Buffer.from(text).toString('base64') !== header) throw new Error('not base64');
    return JSON.parse(text);
  } catch (error) {
    return refuse(400, 'InvalidArgument', `The callback configuration is not json format: ${error}`, {
      EC: '0007-00000002',
    });
  }
}
