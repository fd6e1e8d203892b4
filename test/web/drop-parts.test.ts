import { describe, expect, it } from 'vitest';
import { DROP_FRAGMENT, type DropView } from '#core/wire/link.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { UploadAnswer } from '#core/wire/upload.ts';
import { arrivalStore, outcomeOf } from '../../web/drop/arrivals.ts';
import { dropNews } from '../../web/drop/drop-news.ts';
import { dropRows, dropTotals } from '../../web/drop/drop-rows.ts';
import { isDropAddress } from '../../web/drop/is-drop.ts';
import { linkStore } from '../../web/drop/link-store.ts';
import { sift, unannounced } from '../../web/drop/sift.ts';
import { en } from '../../web/i18n/en.ts';
import { UploadError } from '../../web/upload/error.ts';
import type { PickedFile, QueueSnapshot } from '../../web/upload/queue.ts';
import { memoryRecords, recordsOf, type UploadRecord } from '../../web/upload/record.ts';
import { initialState, type UploadState } from '../../web/upload/upload-state.ts';
import { fakeDrop } from './fake-drop.ts';
import { blankTransfer } from './fake-state.ts';

describe('what a link takes', () => {
  it('is told apart by ending, size, and what is left, first come first taken', () => {
    const view = viewOf({ suffixes: ['.mp4', '.tar.gz'], fileBytesMax: 100, filesLeft: 3, bytesLeft: 150 });
    const picked = [file('a.MP4', 100), file('b.txt', 1), file('c.mp4', 101), file('d.mp4', 60), file('e.tar.gz', 50)];
    const { taken, refused } = sift([...picked, file('f.mp4', 0), file('g.mp4', 0)], view, { files: 0, bytes: 0 });
    expect(taken.map((one) => one.file.name)).toEqual(['a.MP4', 'e.tar.gz', 'f.mp4']);
    expect(refused).toEqual([
      { name: 'b.txt', why: 'suffix' },
      { name: 'c.mp4', why: 'file_too_large' },
      { name: 'd.mp4', why: 'no_room' },
      { name: 'g.mp4', why: 'full' },
    ]);
  });

  it('counts files that wait on this device, of which the server does not know yet', () => {
    const queue = queueOf([
      { sizeBytes: 70, uploadId: null },
      { sizeBytes: 80, uploadId: 'upl_1', phase: 'sending' },
      { sizeBytes: 90, uploadId: null, phase: 'canceled' },
    ]);
    expect(unannounced(queue)).toEqual({ files: 1, bytes: 70 });
    const { refused } = sift([file('a', 31)], viewOf({ bytesLeft: 100 }), unannounced(queue));
    expect(refused).toEqual([{ name: 'a', why: 'no_room' }]);
  });
});

describe('a customer’s list', () => {
  it('tells a whole file as received until every delivery of it is done, and never sooner', () => {
    const own = { uploadId: 'upl_1', phase: 'staged' } as const;
    const status = (...phases: TransferView['phase'][]) => {
      const outcome = outcomeOf(phases.map((phase) => ({ ...blankTransfer(), phase })));
      return dropRows(queueOf([own]), [{ ...arrival('upl_1'), outcome }], 0)[0]?.status;
    };
    expect(status('done', 'moving')).toBe('placing');
    expect(status('done', 'done')).toBe('delivered');
    expect(status('done', 'failed')).toBe('held');
    expect(status('canceled')).toBe('withdrawn');
    expect(dropRows(queueOf([own]), [], 0)[0]?.status).toBe('placing');
    expect(dropRows(queueOf([{ ...own, phase: 'sending' }]), [], 0)[0]?.status).toBe('sending');
  });

  it('has each file once, with those of earlier visits, and what failed first', () => {
    const queue = queueOf([
      { uploadId: 'upl_1', phase: 'staged', sizeBytes: 10, endedAtMs: 50 },
      { uploadId: 'upl_2', phase: 'sending', sizeBytes: 30, sentBytes: 15, movedAtMs: 100, bytesPerSecond: 5 },
      { uploadId: null, phase: 'failed', sizeBytes: 5 },
    ]);
    const arrivals = [{ ...arrival('upl_0'), outcome: 'delivered' as const }, arrival('upl_1')];
    const rows = dropRows(queue, arrivals, 200);
    expect(rows.map(({ status }) => status)).toEqual(['failed', 'sending', 'placing', 'delivered']);
    expect(dropTotals(rows)).toMatchObject({
      ...{ files: 3, received: 1, delivered: 0, failed: 1, left: 1 },
      ...{ sizeBytes: 40, sentBytes: 25, bytesPerSecond: 5, etaSeconds: 3 },
    });
    expect(dropTotals(dropRows(queueOf([]), arrivals, 200))).toMatchObject({ files: 2, received: 2, left: 0 });
  });
});

describe('what screen readers are told', () => {
  it('is nothing of a list that was emptied, and all are received only when all are', () => {
    expect(dropNews({ files: 0, received: 0, failed: 0 }, en)).toBe('');
    expect(dropNews({ files: 1, received: 0, failed: 1 }, en)).toBe('0 of 1 file received; 1 file not sent.');
    expect(dropNews({ files: 2, received: 2, failed: 0 }, en)).toBe('All 2 files are received');
  });
});

describe('what became of the files handed in', () => {
  it('is asked for again and again, more and more seldom, and no more once it is known', async () => {
    const home = quietHome();
    home.answer = 'moving';
    const store = arrivalStore('key', home.around, home.storage);
    store.add([arrival('upl_1')]);
    for (let round = 0; round < 12; round += 1) await home.pass();
    expect(home.waits.slice(0, 3)).toEqual([2_000, 3_200, 5_120]);
    expect(home.waits.at(-1)).toBe(60_000);
    home.answer = 'done';
    await home.pass();
    expect(store.snapshot()).toMatchObject([{ uploadId: 'upl_1', outcome: 'delivered' }]);
    expect(home.pending()).toBe(0);
  });

  it('is kept over a reload, and what the server has forgotten stays received', async () => {
    const home = quietHome();
    arrivalStore('key', home.around, home.storage).add([arrival('upl_1')]);
    const again = quietHome(home.storage);
    again.answer = new UploadError('upload.unknown', 'gone', { status: 404 });
    const store = arrivalStore('key', again.around, again.storage);
    expect(store.snapshot()).toMatchObject([{ uploadId: 'upl_1', outcome: 'placing' }]);
    await again.pass();
    expect(store.snapshot()).toMatchObject([{ uploadId: 'upl_1', outcome: 'kept' }]);
  });

  it('is known of thousands while the page is open, and of the latest by the next visit; two tabs lose none', () => {
    const home = quietHome();
    const [tab, other] = [0, 1].map(() => arrivalStore('key', home.around, home.storage));
    const many = Array.from({ length: 600 }, (_, index) => arrival(`upl_${index}`));
    let changes = 0;
    tab?.subscribe(() => {
      changes += 1;
    });
    tab?.add(many);
    tab?.add(many);
    expect([tab?.snapshot().length, changes]).toEqual([600, 1]);
    other?.add([arrival('upl_other')]);
    const next = arrivalStore('key', home.around, home.storage).snapshot();
    expect([next.length, next[0]?.uploadId, next.at(-1)?.uploadId]).toEqual([500, 'upl_101', 'upl_other']);
  });

  it('starts afresh where something else lies in its place', () => {
    const home = quietHome();
    home.storage.setItem('key', '[{"uploadId":7}]');
    expect(arrivalStore('key', home.around, home.storage).snapshot()).toEqual([]);
  });
});

describe('a link', () => {
  it('is asked for again while the server is away, and no more when it is revoked', async () => {
    const home = quietHome();
    let answer: DropView | UploadError = new UploadError('client.network', 'away');
    const readDrop = async () => {
      if (answer instanceof UploadError) throw answer;
      return answer;
    };
    const store = linkStore({ readDrop }, { ...home.around, random: () => 0 });
    await store.load();
    expect(store.snapshot()).toEqual({ kind: 'away', view: null });
    answer = viewOf({});
    await home.pass();
    expect(store.snapshot()).toEqual({ kind: 'open', view: answer });
    answer = new UploadError('link.revoked', 'no', { status: 401 });
    await home.pass();
    expect(store.snapshot().kind).toBe('gone');
    expect(home.pending()).toBe(0);
  });

  it('has records of its own, which are neither another link’s nor the owner’s', async () => {
    const all = memoryRecords();
    const [owners, one, other] = [recordsOf(all, null), recordsOf(all, 'one'), recordsOf(all, 'other')];
    await owners.put([record('a')]);
    await one.put([record('b')]);
    const keys = async (store: typeof all) => (await store.list(0)).map(({ key }) => key);
    expect([await keys(owners), await keys(one), await keys(other)]).toEqual([['a'], ['b'], []]);
  });

  it('is known by its address, in full or as it is left in the address bar', () => {
    expect([`#${DROP_FRAGMENT}=abc`, `#${DROP_FRAGMENT}/abc`].every(isDropAddress)).toBe(true);
    expect(['', '#token=drop', '#/links', '#dropped'].some(isDropAddress)).toBe(false);
  });
});

function file(name: string, sizeBytes: number): PickedFile {
  return { file: new File([new Uint8Array(sizeBytes)], name), folder: '', handle: null };
}

function viewOf(part: Partial<DropView>): DropView {
  const { view } = fakeDrop(part);
  if (view === null) throw new Error('revoked');
  return view;
}

function record(key: string): UploadRecord {
  const destinations = [{ id: 'link', path: '/' }];
  const of = { name: 'a.mp4', folder: '', sizeBytes: 1, lastModifiedMs: 0, contentType: '', destinations };
  return { v: 1, key, visit: 'v', addedAtMs: 0, ...of, handle: null, begun: null };
}

function queueOf(parts: readonly Partial<UploadState>[]): QueueSnapshot {
  const uploads = parts.map((part, index) => ({ ...initialState(record(String(index)), index), ...part }));
  const byUploadId = new Map(uploads.flatMap((one) => (one.uploadId === null ? [] : [[one.uploadId, one] as const])));
  return { uploads, byUploadId };
}

function arrival(uploadId: string) {
  return { uploadId, name: 'a.mp4', folder: '', sizeBytes: 10, atMs: 1, outcome: 'placing' as const };
}

/** A home whose clock stands still: `pass` lets the next wait be over. */
function quietHome(storage = memoryStorage()) {
  const waits: number[] = [];
  let due: (() => void)[] = [];
  const home = {
    answer: 'staging' as TransferView['phase'] | UploadError,
    storage,
    waits,
    around: {
      api: {
        readUpload: async () => {
          if (home.answer instanceof UploadError) throw home.answer;
          // Of the answer only the transfers are looked at.
          return { transfers: [{ ...blankTransfer(), phase: home.answer }] } as unknown as UploadAnswer;
        },
      },
      timers: {
        after(ms: number, callback: () => void) {
          waits.push(ms);
          due.push(callback);
          return () => {
            due = due.filter((one) => one !== callback);
          };
        },
      },
      connection: { isOnline: () => true, onHope: () => () => {} },
    },
    pending: () => due.length,
    async pass() {
      const now = due;
      due = [];
      for (const callback of now) callback();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  return home;
}

function memoryStorage() {
  const items = new Map<string, string>();
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, text: string) => void items.set(key, text),
  };
}
