/** Multipart uploads and forms over the bucket in memory: as strict as a store, without a timer. */
import { createHash, createHmac } from 'node:crypto';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { MultipartIntake, PresignedForm, StoredPart, StoreUpload } from '#core/ports/multipart.ts';
import type { MemoryStaging } from './staging.ts';

export interface MemoryMultipart extends MultipartIntake {
  /** What a browser's PUT of a part is answered: its tag, or null for what the URL does not allow. */
  putPart(url: string, bytes: Uint8Array): string | null;
  /** Whether the store takes a form. */
  postForm(form: Pick<PresignedForm, 'url' | 'fields'>, bytes: Uint8Array): boolean;
  /** Keys with unfinished uploads. */
  unfinished(): string[];
}

interface Part extends StoredPart {
  readonly bytes: Uint8Array;
}

/** Of every part but the last, as with S3. */
const PART_BYTES_MIN = 5 * 1024 * 1024;

export function memoryMultipart(staging: Pick<MemoryStaging, 'put'>, clock: Clock): MemoryMultipart {
  const uploads = new Map<string, { readonly key: string; readonly parts: Map<number, Part> }>();
  let made = 0;
  const find = ({ key, storeId }: StoreUpload) => {
    const upload = uploads.get(storeId);
    return upload?.key === key ? upload : undefined;
  };
  const sorted = (parts: ReadonlyMap<number, Part>) => [...parts.values()].sort((a, b) => a.number - b.number);

  return {
    async create({ key }) {
      const storeId = `store/upload+${++made}`;
      uploads.set(storeId, { key, parts: new Map() });
      return { storeId, sameTag: true };
    },
    async presignPart({ key, storeId, number, ttlSeconds }) {
      const expiresAtMs = clock.now() + ttlSeconds * 1000;
      return { url: sealed('part', { key, storeId, number, expiresAtMs }), expiresAtMs };
    },
    async listParts(upload, { after, limit }) {
      const found = find(upload);
      if (found === undefined) return null;
      const parts = sorted(found.parts).filter(({ number }) => number > after);
      return parts.slice(0, limit).map(({ bytes: _, ...part }) => part);
    },
    async complete(upload, named) {
      const found = find(upload);
      if (found === undefined) return 'gone';
      const parts = named.map(({ number, tag }) => {
        const part = found.parts.get(number);
        if (part?.tag === tag) return part;
        throw new Fault('rejected', 'multipart.part_changed', 'a part is not what it was');
      });
      if (parts.slice(0, -1).some(({ sizeBytes }) => sizeBytes < PART_BYTES_MIN)) {
        throw new Fault('rejected', 'multipart.part_too_small', 'a part is smaller than the store takes');
      }
      uploads.delete(upload.storeId);
      staging.put(upload.key, Buffer.concat(parts.map(({ bytes }) => bytes)));
      return 'done';
    },
    async abort({ key, storeId }) {
      for (const [id, upload] of uploads) {
        if (upload.key === key && (storeId === null || storeId === id)) uploads.delete(id);
      }
    },
    async presignForm({ key, sizeBytesMin, sizeBytesMax, ttlSeconds }) {
      const expiresAtMs = clock.now() + ttlSeconds * 1000;
      const policy = sealed('form', { key, sizeBytesMin, sizeBytesMax, expiresAtMs });
      return { url: 'memory://bucket/', fields: { key, policy }, expiresAtMs };
    },
    putPart(url, bytes) {
      const grant = opened('part', url);
      const upload = grant && find({ key: String(grant['key']), storeId: String(grant['storeId']) });
      if (!grant || !upload || clock.now() >= Number(grant['expiresAtMs'])) return null;
      const tag = createHash('md5').update(bytes).digest('hex');
      const number = Number(grant['number']);
      upload.parts.set(number, { number, tag, sizeBytes: bytes.byteLength, bytes: bytes.slice() });
      return tag;
    },
    postForm({ fields }, bytes) {
      const grant = opened('form', fields['policy'] ?? '');
      if (!grant || grant['key'] !== fields['key'] || clock.now() >= Number(grant['expiresAtMs'])) return false;
      const { length } = bytes;
      if (length < Number(grant['sizeBytesMin']) || length > Number(grant['sizeBytesMax'])) return false;
      staging.put(String(fields['key']), bytes);
      return true;
    },
    unfinished: () => [...uploads.values()].map(({ key }) => key),
  };
}

/** The key is no secret: what counts is that a changed grant is noticed. */
function sealed(kind: string, grant: Readonly<Record<string, string | number>>): string {
  const text = Buffer.from(JSON.stringify(grant)).toString('base64url');
  return `memory://${kind}/${text}.${createHmac('sha256', kind).update(text).digest('hex')}`;
}

function opened(kind: string, url: string): Record<string, unknown> | null {
  const [, text = ''] = /^memory:\/\/\w+\/([\w-]+)\.\w+$/.exec(url) ?? [];
  if (text === '') return null;
  const grant: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
  if (typeof grant !== 'object' || grant === null) return null;
  const fields: Record<string, unknown> = { ...grant };
  return sealed(kind, fields as Record<string, string | number>) === url ? fields : null;
}
