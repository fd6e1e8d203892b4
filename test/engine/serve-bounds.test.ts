/** Laws of what the serving lane may use: memory, places, looks at the bucket, words to viewers. */
import { expect, test } from 'vitest';
import type { ByteRange, StagedObject, StagingSource } from '#core/ports/staging.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { createServeLab, type ServeLabOptions } from './serve-lab.ts';

const MIB = 1024 * 1024;
const READS_MAX = 16;
const READS_PER_FILE = 8;

test('of 115 GB one hundredth is asked for, at both ends and between, in any order, and only that is read', async () => {
  const sizeBytes = 115_000_000_000;
  const chunkBytes = 12 * MIB;
  const readBytes = 4 * MIB;
  const count = Math.floor(sizeBytes / 100 / readBytes);
  const starts = Array.from({ length: count - 1 }, (_, i) => Math.floor(((sizeBytes / MIB) * i) / count) * MIB);
  const ranges = [...starts, sizeBytes - readBytes]
    .map((start) => ({ start, end: start + readBytes }))
    .sort((a, b) => (a.start % 7) - (b.start % 7));
  let wrong = 0;
  const synthetic = syntheticSource(sizeBytes, chunkBytes);
  const lab = createServeLab({
    source: () => synthetic.source,
    far: {
      readsMax: 32,
      sample: {
        ranges: () => ranges,
        holds: (range, bytes) => {
          wrong += bytesAreRight(range, bytes) ? 0 : 1;
          return true;
        },
      },
    },
  });
  lab.relay();
  const file = await lab.announce({ sizeBytes, chunkBytes, content: new Uint8Array() });
  await lab.ended(file);
  expect((await lab.head(file.id)).step.phase).toBe('done');
  expect(wrong).toBe(0);
  expect(lab.far.sessions[0]?.takenBytes()).toBe(count * readBytes);
  expect(synthetic.readBytes()).toBe(count * readBytes);
  expect(synthetic.openMost()).toBeLessThanOrEqual(READS_PER_FILE);
});

test('one read of a whole file is answered in pieces, each with its own place', async () => {
  const sizeBytes = 50 * MIB;
  const synthetic = syntheticSource(sizeBytes, 12 * MIB);
  const pieces: number[] = [];
  const lab = createServeLab({
    source: () => synthetic.source,
    far: { sample: { ranges: () => [{ start: 0, end: sizeBytes }], holds: bytesAreRight } },
    provider: watched((size) => pieces.push(size)),
  });
  lab.relay();
  const file = await lab.announce({ sizeBytes, chunkBytes: 12 * MIB, content: new Uint8Array() });
  await lab.ended(file);
  expect((await lab.head(file.id)).step.phase).toBe('done');
  expect(pieces).toEqual([16 * MIB, 16 * MIB, 16 * MIB, 2 * MIB]);
});

test('a hundred uploads on one channel share its places, and each comes through', async () => {
  let [now, most] = [0, 0];
  const lab = createServeLab({
    far: { readBytes: 1_000, readsMax: 12 },
    provider: (bare) => ({
      ...bare,
      answer: async (ask, answer, ctx) => {
        now += 1;
        most = Math.max(most, now);
        // The destination takes its time.
        await lab.clock.sleep(50, ctx.signal);
        await bare.answer(ask, answer, ctx).finally(() => {
          now -= 1;
        });
      },
    }),
  });
  lab.relay();
  const files = [];
  for (let i = 0; i < 100; i++) files.push(await lab.announce({ sizeBytes: 8_000, chunkBytes: 4_000 }));
  for (const file of files) await lab.stage(file);
  await lab.ended(...files);
  expect(lab.far.files).toHaveLength(100);
  expect(lab.far.sessions).toHaveLength(100);
  expect(most).toBe(READS_MAX);
});

test('bytes that do not come are looked for ever more rarely', async () => {
  let lists = 0;
  const lab = createServeLab({
    source: (bare) => ({
      ...bare,
      list: (query) => {
        lists += 1;
        return bare.list(query);
      },
    }),
  });
  lab.relay();
  const file = await lab.announce({ sizeBytes: 95 });
  await lab.until(() => lab.far.sessions.length === 1);
  lists = 0;
  await lab.pass(20 * 60_000);
  const asked = 3;
  expect(lists).toBeLessThanOrEqual(asked * (20 * 6 + 30));
  await lab.stage(file);
  await lab.until(() => lab.far.files.length === 1, 20_000);
});

test('viewers hear of progress twice a second at most, and what they hear never goes back', async () => {
  const lab = createServeLab({
    far: { readsMax: 1 },
    provider: (bare) => ({
      ...bare,
      answer: async (ask, answer, ctx) => {
        await lab.clock.sleep(100, ctx.signal);
        return bare.answer(ask, answer, ctx);
      },
    }),
  });
  lab.relay();
  const file = await lab.announce({ sizeBytes: 2_000, chunkBytes: 500 });
  await lab.stage(file);
  await lab.until(async () => (await lab.row(file.id)).phase === 'moving');
  const [from, seen] = [lab.clock.now(), lab.views(file.id).length];
  await lab.ended(file);
  const seconds = (lab.clock.now() - from) / 1_000;
  expect(seconds).toBeGreaterThan(15);
  const told = lab.views(file.id).slice(seen);
  expect(told.length).toBeLessThanOrEqual(2 * seconds + 2);
  expect(told.length).toBeGreaterThan(seconds);
  const moved = told.map(({ movedBytes }) => movedBytes);
  expect(moved).toEqual([...moved].sort((a, b) => a - b));
  expect(told.at(-2)?.speedBytesPerSecond).toBeGreaterThan(50);
});

/** Bytes that follow from their place, so that there need be no file. */
const PATTERN = Buffer.from(Array.from({ length: MIB + 4_099 }, (_, i) => (i * 31 + (i >> 8)) & 255));
const PERIOD = 4_099;

function bytesAreRight({ start }: ByteRange, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.byteLength; at += MIB) {
    const piece = bytes.subarray(at, at + MIB);
    if (Buffer.compare(piece, patternAt(start + at, piece.byteLength)) !== 0) return false;
  }
  return true;
}

function patternAt(offset: number, sizeBytes: number): Uint8Array {
  const from = Math.floor(offset / MIB) % PERIOD;
  const inside = offset % MIB;
  if (inside + sizeBytes <= MIB) return PATTERN.subarray(from, from + MIB).subarray(inside, inside + sizeBytes);
  const first = PATTERN.subarray(from, from + MIB).subarray(inside);
  return Buffer.concat([first, patternAt(offset + first.byteLength, sizeBytes - first.byteLength)]);
}

function syntheticSource(sizeBytes: number, chunkBytes: number) {
  const count = Math.ceil(sizeBytes / chunkBytes);
  let [open, openMost, readBytes] = [0, 0, 0];
  let isRemoved = false;
  const source: StagingSource = {
    list: async ({ prefix, after, limit }) => {
      const uploadId = prefix.split('/')[1] ?? '';
      const first = after === undefined ? 1 : Number(after.slice(-5)) + 1;
      const length = isRemoved ? 0 : Math.max(0, Math.min(limit, count - first + 1));
      return Array.from({ length }, (_, i): StagedObject => {
        const number = first + i;
        const key = chunkKey(uploadId as Parameters<typeof chunkKey>[0], number);
        const chunk = Math.min(chunkBytes, sizeBytes - (number - 1) * chunkBytes);
        return { key, version: 'v', sizeBytes: chunk, modifiedAtMs: 0 };
      });
    },
    stat: async () => null,
    remove: async () => {
      isRemoved = true;
      return true;
    },
    read: async ({ key }, { start, end }) => {
      const base = (Number(key.slice(-5)) - 1) * chunkBytes;
      let at = start;
      open += 1;
      openMost = Math.max(openMost, open);
      return new ReadableStream<Uint8Array>(
        {
          pull: (controller) => {
            if (at === end) {
              open -= 1;
              controller.close();
              return;
            }
            const next = Math.min(end, at + MIB);
            controller.enqueue(patternAt(base + at, next - at));
            readBytes += next - at;
            at = next;
          },
        },
        { highWaterMark: 0 },
      );
    },
  };
  return { source, openMost: () => openMost, readBytes: () => readBytes };
}

function watched(tell: (sizeBytes: number) => void): NonNullable<ServeLabOptions['provider']> {
  return (bare) => ({
    ...bare,
    answer: (ask, answer, ctx) => {
      if (answer.kind === 'bytes') tell(answer.range.end - answer.range.start);
      return bare.answer(ask, answer, ctx);
    },
  });
}
