/** The store: a multipart upload of one object, at one line. */
import { createHash, randomUUID } from 'node:crypto';
import * as z from 'zod';
import { type Exchange, jsonOf, type Reply } from './exchange.ts';
import { Refusal, refuseBare, refuseStored } from './refusal.ts';
import type { Multipart, Part, Stored, World } from './world.ts';

/** Where another uploader splits its files; whether it is Bilibili's own limit is not known. */
const CHUNKS_MAX = 10_000;

const AUTH_LIFE_MS = 5 * 86_400_000;

/** What a probe sends is read and forgotten. */
export async function lineOk({ request }: Exchange): Promise<Reply> {
  for await (const _ of request);
  return { text: 'OK' };
}

export function init(exchange: Exchange): Reply {
  const { world, query, line } = exchange;
  const stored = storedOf(exchange);
  const id = randomUUID();
  world.multiparts.set(id, { id, stored, line, parts: new Map(), told: null, isMerged: false });
  const [, bucket, object] = stored.path.split('/');
  if (query.get('output') !== 'json') {
    const told = `<Bucket>${bucket}</Bucket><Key>/${object}</Key><UploadId>${id}</UploadId>`;
    return { text: `<InitiateMultipartUploadResult>${told}</InitiateMultipartUploadResult>`, type: 'application/xml' };
  }
  return { json: { OK: 1, bucket, key: `/${object}`, upload_id: id } };
}

/** The last one of a number wins. */
export async function part(exchange: Exchange): Promise<Reply> {
  const { world, query, request, habit } = exchange;
  const multipart = multipartOf(exchange);
  if (multipart.isMerged) refuseStored(404, 'UPLOAD_ID_NOT_FOUND');
  const [number, chunks, total] = [whole(query, 'partNumber'), whole(query, 'chunks'), whole(query, 'total')];
  if (!(number >= 1 && chunks >= 1)) refuseStored(400, 'PART_NUMBER_ERR');
  if (world.settings.mode === 'strict') checkPart(exchange, multipart, { number, chunks, total });
  const told = multipart.told ?? { chunks, total };
  const received = await receive(request, world);
  const [kept, dropped] = habit === 'forgotten' ? [null, received] : [received, multipart.parts.get(number)];
  world.keptBytes -= dropped?.bytes?.length ?? 0;
  multipart.told = told;
  if (kept !== null) multipart.parts.set(number, kept);
  return { text: 'MULTIPART_PUT_SUCCESS' };
}

/** Of what is merged it says OK again, or knows nothing any more: see the settings. */
export function complete(exchange: Exchange): Reply {
  const { world, habit, query, body } = exchange;
  const multipart = multipartOf(exchange);
  const { stored, parts, told } = multipart;
  if (multipart.isMerged && world.settings.completedAgain === 'unknown upload') {
    refuseStored(404, 'UPLOAD_ID_NOT_FOUND');
  }
  const chunks = told?.chunks ?? Math.max(1, Math.ceil(stored.sizeBytes / world.settings.chunkBytes));
  if (habit === 'part-count') refuseStored(500, `PART_COUNT_ERR_GOT_${chunks - 1}_EXPECT_${chunks}`);
  if (parts.size !== chunks) refuseStored(500, `PART_COUNT_ERR_GOT_${parts.size}_EXPECT_${chunks}`);
  if (world.settings.mode === 'strict') checkCompletion(multipart, query, body);
  multipart.isMerged = true;
  stored.parts = [...parts].sort(([a], [b]) => a - b).map(([, held]) => held);
  const [, bucket, object] = stored.path.split('/');
  return { json: { OK: 1, bucket, etag: '591659056', key: `/${object}`, location: `${bucket}/${object}` } };
}

/** The merged object, while the auth is good. */
export function read(exchange: Exchange): Reply {
  const pieces = storedOf(exchange).parts?.map(({ bytes }) => bytes) ?? refuseBare(404);
  if (pieces.includes(null)) return { status: 501, text: 'the fake has not kept these bytes' };
  return { bytes: Buffer.concat(pieces.filter((piece) => piece !== null)) };
}

/** The object of the path, for whoever has the auth that was issued for it. */
function storedOf({ world, path, request }: Exchange): Stored {
  const stored = world.objects.get(path);
  if (stored === undefined || request.headers['x-upos-auth'] !== stored.auth) return refuseBare(403);
  const now = world.settings.now();
  const ageMs = now - stored.authAtMs;
  if (ageMs <= AUTH_LIFE_MS) return stored;
  const seconds = (ms: number) => Math.floor(ms / 1000);
  const told = `AUTH_TS_GT_5DAY AUTH=${stored.auth} Now=${seconds(now)} DURATION=${seconds(ageMs)}`;
  return refuseBare(403, { 'x-upos-auth': told });
}

/** An upload id is known to the line that issued it. */
function multipartOf(exchange: Exchange): Multipart {
  const stored = storedOf(exchange);
  const multipart = exchange.world.multiparts.get(exchange.query.get('uploadId') ?? '');
  const isKnown = multipart?.stored === stored && multipart.line === exchange.line;
  return isKnown ? multipart : refuseStored(404, 'UPLOAD_ID_NOT_FOUND');
}

/** Stricter than the real store seems to be: what a part says of itself must be true, and agree with the parts before. */
function checkPart(
  { query, request }: Exchange,
  { told, stored }: Multipart,
  { number, chunks, total }: { readonly number: number; readonly chunks: number; readonly total: number },
): void {
  const [chunk, size, start, end] = [
    whole(query, 'chunk'),
    whole(query, 'size'),
    whole(query, 'start'),
    whole(query, 'end'),
  ];
  if (request.headers['content-length'] === undefined) throw new Refusal({ status: 411, text: '' });
  if (Number(request.headers['content-length']) !== size) refuseStored(400, 'PART_SIZE_NOT_CONTENT_LENGTH');
  if (chunk !== number - 1 || number > chunks || chunks > CHUNKS_MAX) refuseStored(400, 'PART_NUMBER_ERR');
  if (end !== start + size && end !== start + size - 1) refuseStored(400, 'PART_RANGE_ERR');
  if (end > total || total !== stored.sizeBytes) refuseStored(400, 'PART_TOTAL_ERR');
  if (told !== null && (told.chunks !== chunks || told.total !== total)) refuseStored(400, 'PARTS_DISAGREE');
}

const Completion = z.object({ parts: z.array(z.object({ partNumber: z.int(), eTag: z.string().min(1) })) });

function checkCompletion({ stored, parts }: Multipart, query: URLSearchParams, body: Buffer): void {
  const sum = [...parts.values()].reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
  if (sum !== stored.sizeBytes) refuseStored(500, `PART_SIZE_ERR_GOT_${sum}_EXPECT_${stored.sizeBytes}`);
  if (query.get('biz_id') !== String(stored.bizId)) refuseStored(400, 'BIZ_ID_ERR');
  if (query.get('profile') !== stored.profile || query.get('name') !== stored.name)
    refuseStored(400, 'NAME_OR_PROFILE_ERR');
  const listed = Completion.safeParse(jsonOf(body)).data?.parts.map(({ partNumber }) => partNumber) ?? [];
  const isWhole = listed.length === parts.size && listed.every((number) => parts.has(number));
  if (!isWhole || new Set(listed).size !== parts.size) refuseStored(400, 'PARTS_LISTED_ERR');
}

/** Bytes are hashed as they come, and kept while there is room. */
async function receive(body: AsyncIterable<Buffer>, world: World): Promise<Part> {
  const hash = createHash('sha256');
  const pieces: Buffer[] = [];
  let [sizeBytes, keptBytes] = [0, 0];
  try {
    for await (const piece of body) {
      hash.update(piece);
      sizeBytes += piece.length;
      if (world.keptBytes + piece.length > world.settings.keptBytesMax) continue;
      pieces.push(piece);
      keptBytes += piece.length;
      world.keptBytes += piece.length;
    }
  } catch (error) {
    world.keptBytes -= keptBytes;
    throw error;
  }
  const sha256 = hash.digest('hex');
  if (keptBytes === sizeBytes) return { sizeBytes, sha256, bytes: Buffer.concat(pieces) };
  world.keptBytes -= keptBytes;
  return { sizeBytes, sha256, bytes: null };
}

/** NaN unless it is a whole number. */
function whole(query: URLSearchParams, name: string): number {
  const value = query.get(name) ?? '';
  return /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
}
