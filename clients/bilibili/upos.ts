/** The object itself: begun, sent in parts, put together. Vouched for by a header; cookies have no business here. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { sendPart } from '#runtime/bilibili-part.ts';
import { queryOf } from './account.ts';
import { jsonOf, okOf } from './envelope.ts';
import { type HttpAnswer, send, unavailable } from './http.ts';
import type { PartSource } from './parcel.ts';
import { fileNameOf } from './preupload.ts';

export interface UposObject {
  readonly scheme: 'https' | 'http';
  /** `//host`. */
  readonly endpoint: string;
  /** `bucket/name.ext`. */
  readonly object: string;
  readonly auth: string;
}

export interface UposUpload extends UposObject {
  readonly uploadId: string;
}

export interface UposPart extends PartSource {
  /** From 1. */
  readonly number: number;
  /** Of the whole file. */
  readonly range: { readonly start: number; readonly end: number };
  readonly partCount: number;
  readonly totalBytes: number;
}

const INIT_MS = 15_000;
/** The parts are put together while we wait. */
const COMPLETE_MS = 120_000;
const STORED = 'MULTIPART_PUT_SUCCESS';
const PARTS_MISSING = /PART_COUNT_ERR/;

/** The upload's id. Only here another server may be asked; from now on the upload belongs to this one. */
export async function beginUpload(object: UposObject, signal: AbortSignal): Promise<string> {
  const url = `${urlOf(object)}?uploads&output=json`;
  const answer = await send({ method: 'POST', url, headers: headersOf(object), timeoutMs: INIT_MS }, signal);
  // Nothing has begun yet that could be gone.
  if (answer.status >= 400) throw unavailable(`HTTP ${answer.status}`);
  const told = okOf(answer, { endpoint: 'uploads', asked: 'question', schema: InitAnswer });
  if (told.key === undefined || fileNameOf(told.key) === fileNameOf(object.object)) return told.upload_id;
  throw new Fault('bug', 'bilibili.bad_answer', 'Bilibili began an upload under another name than it had announced');
}

/** Resolves when Bilibili has the part. Throws Fault `gone` when it no longer knows the upload or what vouches for it. */
export async function putPart(
  upload: UposUpload,
  part: UposPart,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { number, range, partCount, totalBytes, sizeBytes } = part;
  const query = queryOf({
    partNumber: number,
    uploadId: upload.uploadId,
    chunk: number - 1,
    chunks: partCount,
    size: sizeBytes,
    start: range.start,
    end: range.end,
    total: totalBytes,
  });
  const headers = { ...headersOf(upload), 'content-type': 'application/octet-stream' };
  const answer = await sendPart({ url: `${urlOf(upload)}${query}`, headers, source: part, timeoutMs }, signal);
  if (answer.status !== 200) throw refusalOf(answer);
  if (answer.text.trim() === STORED) return;
  const text = 'Bilibili answered a part with something else than that it has it: it is sent again';
  throw new Fault('transient', 'bilibili.part_unconfirmed', text);
}

/** Puts the parts together; may be repeated. Throws Fault `gone` when parts are missing, for nobody can ask which. */
export async function completeUpload(
  upload: UposUpload,
  file: {
    readonly name: string;
    readonly profile: string;
    readonly bizId: number;
    readonly numbers: readonly number[];
  },
  signal: AbortSignal,
): Promise<void> {
  const { name, profile, bizId, numbers } = file;
  const query = queryOf({ output: 'json', name, profile, uploadId: upload.uploadId, biz_id: bizId });
  const answer = await send(
    {
      method: 'POST',
      url: `${urlOf(upload)}${query}`,
      headers: { ...headersOf(upload), 'content-type': 'application/json; charset=utf-8' },
      // Bilibili gives no sums of parts: every client sends this word.
      body: JSON.stringify({ parts: numbers.map((partNumber) => ({ partNumber, eTag: 'etag' })) }),
      timeoutMs: COMPLETE_MS,
    },
    signal,
  );
  if (answer.status >= 400) throw refusalOf(answer);
  const told = jsonOf(answer);
  if (CompleteAnswer.safeParse(told).success) return;
  // A refusal may come with HTTP 200, and its status in the body.
  const { http_code: status } = InnerStatus.parse(told);
  if (status >= 400 || PARTS_MISSING.test(answer.text)) throw refusalOf({ status, text: answer.text });
  throw new Fault('transient', 'bilibili.not_merged', 'Bilibili did not put the parts together: it is tried again');
}

const InitAnswer = z.object({
  upload_id: z.string().regex(/^[\x21-\x7e]{1,256}$/),
  key: z.string().optional().catch(undefined),
});

const CompleteAnswer = z.object({ OK: z.literal(1) });

const InnerStatus = z.object({ http_code: z.int().catch(0) }).catch({ http_code: 0 });

function urlOf({ scheme, endpoint, object }: UposObject): string {
  return `${scheme}:${endpoint}/${object}`;
}

function headersOf({ auth }: UposObject): Readonly<Record<string, string>> {
  return { 'x-upos-auth': auth };
}

function refusalOf({ status, text }: Pick<HttpAnswer, 'status' | 'text'>): Fault {
  if (PARTS_MISSING.test(text)) {
    return new Fault('gone', 'bilibili.parts_missing', 'Bilibili has lost parts of the video: it is sent again');
  }
  if (status === 403 || status === 404) {
    const what = `Bilibili no longer takes parts of this upload (HTTP ${status}): the video is sent again`;
    return new Fault('gone', 'bilibili.session_gone', what);
  }
  return unavailable(`HTTP ${status}`);
}
