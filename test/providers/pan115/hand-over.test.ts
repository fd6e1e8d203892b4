/** One file over many functions: parts of 115 go in order and once, whoever sends them. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Budget } from '#core/transfer/engine.ts';
import { bytesOf } from '../../contract/push-rig.ts';
import { know } from '../../fakes/pan115/world.ts';
import { type PanEngine, panEngine } from './engine.ts';

const MIB = 1024 * 1024;
const PART = 256 * 1024;
const sha1Of = (content: Uint8Array) => createHash('sha1').update(content).digest('hex');
const putParts = ({ oss }: Pick<PanEngine, 'oss'>) => oss.log.filter((name) => name === 'UploadPart').length;
const rowsOf = ({ claimed }: PanEngine, prefix: string) => claimed.filter(({ sk }) => sk.startsWith(prefix)).length;

/** A function that is stopped after so many parts, or so many staged bytes that it has read. */
function stoppedAfter(limit: { readonly parts: number } | { readonly readBytes: number }) {
  return (engine: Pick<PanEngine, 'oss' | 'staging'>): Budget => {
    const done = () => ('parts' in limit ? putParts(engine) : engine.staging.sentBytes());
    const before = done();
    const most = 'parts' in limit ? limit.parts : limit.readBytes;
    // Too little for a file to be read in one go.
    return { remainingMs: () => (done() - before >= most ? 0 : 500), signal: new AbortController().signal };
  };
}

const WHOLE = { budget: stoppedAfter({ parts: 1_000 }), functions: 'in one process' } as const;

test('a file that takes many functions is put in order, each part once, and nothing is asked for twice', async () => {
  await using engine = await panEngine({ budget: stoppedAfter({ parts: 2 }), functions: 'processes of their own' });
  const content = bytesOf(12 * PART - 5);
  const view = await engine.deliver(content, PART);
  expect(view).toMatchObject({ phase: 'done', instant: false, receipt: { evidence: 'A' } });
  expect(rowsOf(engine, 'S#')).toBeGreaterThanOrEqual(6);
  expect(putParts(engine)).toBe(12);
  expect(engine.oss.log.filter((name) => name === 'ListParts')).toEqual([]);
  expect(engine.fake.log.filter((name) => name.endsWith('/init'))).toHaveLength(1);
  expect(engine.fake.log.filter((name) => name.endsWith('/get_token')).length).toBeGreaterThanOrEqual(6);
  expect(engine.fake.world.contents.get(sha1Of(content).toUpperCase())).toEqual(Buffer.from(content));
});

test('an object that an S3 client has put is hashed over many functions, and no byte of it is read twice for that', async () => {
  await using engine = await panEngine({
    budget: stoppedAfter({ readBytes: 16 * MIB }),
    functions: 'processes of their own',
  });
  const content = bytesOf(40 * MIB + 5);
  know(engine.fake.world, Buffer.from(content));
  const view = await engine.put('影视/film.mkv', content);
  expect(view).toMatchObject({ phase: 'done', instant: true });
  expect(rowsOf(engine, 'H#')).toBeGreaterThanOrEqual(3);
  // Beside the whole: the first 128 KiB, and the range that 115 asks for.
  expect(engine.staging.sentBytes()).toBeLessThan(content.length + MIB);
  expect(engine.oss.log).toEqual([]);
});

test('a digest that was announced wrongly ends the transfer in clear words, and 115 never has the file', async () => {
  await using engine = await panEngine(WHOLE);
  const content = bytesOf(3 * PART);
  const view = await engine.deliver(content, PART, { sha1: sha1Of(content.subarray(1)) });
  expect(view).toMatchObject({ phase: 'failed', error: { code: 'digest.mismatch' } });
  expect(engine.oss.log).not.toContain('CompleteMultipartUpload');
  expect([...engine.fake.world.nodes.values()].filter(({ kind }) => kind === 'file')).toEqual([]);
});

test('a digest of a file that 115 knows, announced for other bytes, is not proven and ends the transfer', async () => {
  await using engine = await panEngine(WHOLE);
  const content = bytesOf(2 * MIB);
  const known = Buffer.from(content.map((byte, at) => (at < PART ? byte : byte ^ 1)));
  know(engine.fake.world, known);
  engine.fake.world.ranges.push('300000-300200', '400000-400000', '1000000-2097151');
  const view = await engine.deliver(content, PART, { sha1: sha1Of(known) });
  expect(view).toMatchObject({ phase: 'failed', error: { code: 'pan115.signature_refused' } });
  expect(view.error?.message).toContain('check that it has not changed');
  expect([...engine.fake.world.nodes.values()].filter(({ kind }) => kind === 'file')).toEqual([]);
});

test('a small file by cookie, whose form was answered to nobody, arrives once and whole by what 115 shows', async () => {
  await using engine = await panEngine({
    budget: stoppedAfter({ parts: 1_000 }),
    functions: 'processes of their own',
    cookie: { formBytesMax: PART },
  });
  const content = bytesOf(PART - 5);
  engine.fake.misbehave('/', 'lost reply');
  const view = await engine.deliver(content, PART);
  expect(view).toMatchObject({ phase: 'done', instant: false, receipt: { evidence: 'A' } });
  expect(engine.fake.log.filter((name) => name === 'POST /')).toHaveLength(1);
  expect(engine.oss.log).toEqual([]);
  expect(engine.fake.world.contents.get(sha1Of(content).toUpperCase())).toEqual(Buffer.from(content));
});

test('a small file by cookie whose digest was announced wrongly ends the transfer, and 115 never has it', async () => {
  await using engine = await panEngine({ ...WHOLE, cookie: { formBytesMax: PART } });
  const content = bytesOf(PART - 5);
  const view = await engine.deliver(content, PART, { sha1: sha1Of(content.subarray(1)) });
  expect(view).toMatchObject({ phase: 'failed', error: { code: 'pan115.digest_mismatch' } });
  expect([...engine.fake.world.nodes.values()].filter(({ kind }) => kind === 'file')).toEqual([]);
});
