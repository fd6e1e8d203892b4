/** The laws of StagingLinks: what somebody without keys may read, and nothing else. See core/ports/staging.ts. */
import { ulid } from 'ulid';
import { expect } from 'vitest';
import type { PresignedGet, RangeGet, StagedObject, StagingLinks } from '#core/ports/staging.ts';
import { randomBytes } from './random-bytes.ts';
import { type ContractRun, contract, type Laws } from './suite.ts';

export interface StagingLinksSubject {
  readonly links: StagingLinks;
  /** What was presigned so long ago that its time is over. */
  expired(get: RangeGet): Promise<PresignedGet>;
  /** GETs without credentials. */
  get(url: string, headers: Readonly<Record<string, string>>): Promise<Got>;
  /** Puts, over what is there too, as the owner of the store does. */
  put(key: string, bytes: Uint8Array): Promise<StagedObject>;
  remove(key: string): Promise<void>;
}

export interface Got {
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly contentRange: string;
}

export function stagingLinksContract(run: ContractRun<StagingLinksSubject>): void {
  contract('staging links', laws, run);
}

const laws: Laws<StagingLinksSubject> = {
  'a link answers exactly the bytes of its range, and says which they are': async (subject) => {
    const bytes = randomBytes(70_001);
    const object = await stage(subject, bytes);
    for (const [start, end] of [
      [0, 1],
      [0, 70_001],
      [65_535, 65_537],
      [70_000, 70_001],
    ] as const) {
      const got = await followed(subject, await link(subject, object, start, end));
      expect(got.status).toBe(206);
      expect(Buffer.compare(got.bytes, bytes.subarray(start, end))).toBe(0);
      expect(got.contentRange).toBe(`bytes ${start}-${end - 1}/70001`);
    }
  },
  'of odd keys too': async (subject) => {
    for (const name of ['影视 🎬+&#?=%20.mp4', "it's (1) [a]*!;,:@$.bin"]) {
      const object = await subject.put(`inbox/${ulid()}/${name}`, randomBytes(10));
      expect((await followed(subject, await link(subject, object, 0, 10))).status).toBe(206);
    }
  },
  'content that was replaced is 412, and content that is gone 412 or 404': async (subject) => {
    const object = await stage(subject, randomBytes(10));
    const made = await link(subject, object, 0, 10);
    await subject.put(object.key, randomBytes(10));
    expect((await followed(subject, made)).status).toBe(412);
    await subject.remove(object.key);
    expect((await followed(subject, made)).status).toBeOneOf([404, 412]);
  },
  'a range past the end is 416, or less than was asked for is said': async (subject) => {
    const object = await stage(subject, randomBytes(10));
    expect((await followed(subject, await link(subject, object, 10, 11))).status).toBe(416);
    const cut = await followed(subject, await link(subject, object, 5, 11));
    expect([cut.status, cut.contentRange]).toBeOneOf([
      [206, 'bytes 5-9/10'],
      [416, cut.contentRange],
    ]);
  },
  'another range, version or key, and a header left out, are refused': async (subject) => {
    const object = await stage(subject, randomBytes(10));
    const other = await stage(subject, randomBytes(10));
    const { url, headers } = await link(subject, object, 2, 4);
    for (const changed of [{ range: 'bytes=0-9' }, { 'if-match': `"${other.version}"` }, { 'if-match': '*' }]) {
      expect((await subject.get(url, { ...headers, ...changed })).status).toBe(403);
    }
    for (const name of Object.keys(headers)) {
      const rest = Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name));
      expect((await subject.get(url, rest)).status).toBeOneOf([400, 403]);
    }
    const elsewhere = url.replace(tail(object.key), tail(other.key));
    expect(elsewhere).not.toBe(url);
    expect((await subject.get(elsewhere, headers)).status).toBe(403);
  },
  'a tampered signature, a life prolonged and a time that is over are refused': async (subject) => {
    const object = await stage(subject, randomBytes(10));
    const { url, headers } = await link(subject, object, 0, 10);
    const forged = url.replace(/(signature=)(.)/i, (_, name, digit) => `${name}${digit === '0' ? '1' : '0'}`);
    const prolonged = url.replace(/(expires=)(\d+)/i, (_, name, value) => `${name}${Number(value) + 60}`);
    for (const changed of [forged, prolonged]) {
      expect(changed).not.toBe(url);
      expect((await subject.get(changed, headers)).status).toBe(403);
    }
    const late = await subject.expired({ ...object, range: { start: 0, end: 10 }, ttlSeconds: 300 });
    expect((await followed(subject, late)).status).toBe(403);
  },
  'what is not there is 404 to whoever signed rightly': async (subject) => {
    const nothing = { key: `staging/probe/${ulid()}`, version: 'probe', range: { start: 0, end: 1 }, ttlSeconds: 300 };
    const got = await followed(subject, await subject.links.presignRange(nothing));
    expect(got.status).toBe(404);
  },
  'an empty range has no link': async (subject) => {
    const object = await stage(subject, randomBytes(10));
    await expect(link(subject, object, 5, 5)).rejects.toMatchObject({ kind: 'rejected', code: 'staging.range' });
  },
};

function stage(subject: StagingLinksSubject, bytes: Uint8Array): Promise<StagedObject> {
  return subject.put(`staging/upl_${ulid()}/00001`, bytes);
}

function link(subject: StagingLinksSubject, object: StagedObject, start: number, end: number): Promise<PresignedGet> {
  const { key, version } = object;
  return subject.links.presignRange({ key, version, range: { start, end }, ttlSeconds: 300 });
}

function followed(subject: StagingLinksSubject, { url, headers }: PresignedGet): Promise<Got> {
  return subject.get(url, headers);
}

/** So much of a key as stands in a URL unescaped. */
function tail(key: string): string {
  return key.slice('staging/'.length, -'/00001'.length);
}
