import { expect, it } from 'vitest';
import { actOnAll, type BulkCount, rowsFor } from '../../web/app/bulk.ts';
import { joinRows, type Row } from '../../web/app/rows.ts';
import { UploadError } from '../../web/upload/error.ts';
import { initialState } from '../../web/upload/upload-state.ts';
import { blankTransfer } from './fake-state.ts';

const rowsOf = (count: number): readonly Row[] => {
  const views = Array.from({ length: count }, (_, index) => ({
    ...blankTransfer(),
    name: `file ${index}`,
    phase: 'moving' as const,
    status: 'uploading' as const,
  }));
  const items = views.map((view) => ({ view, movedAtMs: 0 }));
  return joinRows({ uploads: [], byUploadId: new Map() }, { items, byUpload: new Map() }, 10_000);
};

const unseen = { onCount: () => undefined, signal: new AbortController().signal };

it('a few are under way at once, and all are reached', async () => {
  const rows = rowsOf(50);
  let now = 0;
  let most = 0;
  const reached = new Set<string>();
  const count = await actOnAll({
    ...{ ...unseen, rows, all: rows },
    act: async ({ name }) => {
      now += 1;
      most = Math.max(most, now);
      await Promise.resolve();
      reached.add(name);
      now -= 1;
    },
  });
  expect(count).toMatchObject({ done: 50, refused: 0, all: 50 });
  expect([reached.size, most]).toEqual([50, 4]);
});

it('one that is refused stops none of the others, and is counted', async () => {
  const rows = rowsOf(5);
  const told: BulkCount[] = [];
  const count = await actOnAll({
    ...{ ...unseen, rows, all: rows, onCount: (one) => void told.push(one) },
    act: async ({ name }) => {
      if (name === 'file 2') throw new UploadError('transfer.finishing', 'too late', { status: 409 });
    },
  });
  expect(count).toMatchObject({ done: 4, refused: 1, error: { code: 'transfer.finishing' } });
  expect(told.at(-1)).toEqual(count);
});

it('begins no other once it is stopped', async () => {
  const rows = rowsOf(20);
  const stop = new AbortController();
  let begun = 0;
  await actOnAll({
    ...{ ...unseen, rows, all: rows, signal: stop.signal },
    act: async () => {
      begun += 1;
      stop.abort();
    },
  });
  expect(begun).toBe(1);
});

it('the rows of one upload know which of them are dealt with already: the last one ends the sending, too', async () => {
  const [first, second] = rowsOf(2);
  if (!first || !second) throw new Error('two rows were asked for');
  const file = { name: 'film.mkv', folder: '', sizeBytes: 100, lastModifiedMs: 0, contentType: '', handle: null };
  const destinations = [
    { id: 'nas', path: '/' },
    { id: 'archive', path: '/' },
  ];
  const upload = initialState({ v: 1, key: 'own', visit: 'v', addedAtMs: 0, begun: null, destinations, ...file }, 0);
  const rows = [first, second].map((row) => ({ ...row, upload }));
  const left: number[] = [];
  await actOnAll({ ...unseen, rows, all: rows, act: async (_, siblings) => void left.push(siblings.length) });
  expect(left).toEqual([1, 0]);
});

it('only those are meant that the verb can be said to now', () => {
  const [row, ...others] = rowsOf(3);
  if (!row) throw new Error('rows were asked for');
  expect(rowsFor('pause', [{ ...row, verbs: ['retry'] }, ...others])).toEqual(others);
});
