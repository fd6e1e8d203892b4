import { describe, expect, it } from 'vitest';
import type { TransferView } from '#core/wire/transfer.ts';
import { type Filter, narrow } from '../../web/app/narrow.ts';
import { joinRows } from '../../web/app/rows.ts';
import { STUCK_MS, stuckWhere } from '../../web/app/stuck.ts';
import { hasLocalBytes, totalsOf } from '../../web/app/totals.ts';
import type { Tracked } from '../../web/progress/store.ts';
import type { UploadState } from '../../web/upload/upload-state.ts';
import { blankTransfer } from './fake-state.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');

function transfer(part: Partial<TransferView>, movedAtMs = NOW - 10_000): Tracked {
  return { view: { ...blankTransfer(), sizeBytes: 100, ...part }, movedAtMs };
}

function upload(part: Partial<UploadState>): UploadState {
  return {
    key: 'k1',
    uploadId: null,
    name: 'file.bin',
    folder: '',
    destinations: [{ id: 'nas', path: '/' }],
    phase: 'sending',
    waiting: null,
    sizeBytes: 100,
    stagedBytes: 0,
    sentBytes: 0,
    hashedBytes: 0,
    chunkCount: 4,
    chunksLeft: 4,
    bytesPerSecond: 0,
    etaSeconds: null,
    error: null,
    addedAtMs: NOW,
    startedAtMs: NOW,
    endedAtMs: null,
    movedAtMs: NOW,
    ...part,
  };
}

function join(uploads: readonly UploadState[], items: readonly Tracked[], nowMs = NOW) {
  const byUploadId = new Map(uploads.flatMap((one) => (one.uploadId ? [[one.uploadId, one] as const] : [])));
  return joinRows({ uploads, byUploadId }, { items, byUpload: Map.groupBy(items, ({ view }) => view.uploadId) }, nowMs);
}

/** An upload of this page and its transfer. */
function pair(local: Partial<UploadState>, remote: Partial<TransferView>) {
  const tracked = transfer(remote);
  return join([upload({ uploadId: tracked.view.uploadId, ...local })], [tracked]);
}

describe('a row', () => {
  it('is one for a transfer and this page’s work on it', () => {
    const [row, ...more] = pair({ sentBytes: 60, chunksLeft: 2 }, { stagedBytes: 50, movedBytes: 20 });
    expect(more).toEqual([]);
    expect(row).toMatchObject({ key: 'k1', status: 'staging', stagedBytes: 60, movedBytes: 20, chunksLeft: 2 });
  });

  it('is one for each destination of a file', () => {
    const one = transfer({ destinationId: 'nas' });
    const two = transfer({ destinationId: 'archive', uploadId: one.view.uploadId });
    const own = upload({ uploadId: one.view.uploadId });
    expect(join([own], [one, two]).map(({ key }) => key)).toEqual(['k1', two.view.id]);
  });

  it('is not shown twice while the answer of the create is on its way behind the socket', () => {
    const own = upload({ phase: 'preparing' });
    expect(join([own], [transfer({}, NOW - 100)]).map(({ key }) => key)).toEqual(['k1']);
    expect(join([own], [transfer({}, NOW - 60_000)]).length).toBe(2);
  });

  it.each([
    ['delivering goes before staging', { phase: 'sending' }, { status: 'uploading', phase: 'moving' }, 'uploading'],
    [
      'a pause is shown at once',
      { phase: 'sending' },
      { status: 'uploading', phase: 'moving', wish: 'pause' },
      'paused',
    ],
    ['a line that is away goes before all', { phase: 'sending', waiting: 'offline' }, {}, 'offline'],
    ['what is staged is the server’s', { phase: 'staged' }, { status: 'checking', phase: 'opening' }, 'checking'],
    [
      'what waits at the server is in line',
      { phase: 'staged' },
      { status: 'checking', phase: 'opening', waitsFor: 'agents.none' },
      'waiting',
    ],
    ['what is delivered is delivered', { phase: 'failed' }, { status: 'success', phase: 'done' }, 'success'],
    [
      'a file that changed is told as that, and not as canceled',
      { phase: 'failed', error: { code: 'client.file_changed', message: '' } },
      { status: 'cancelled', phase: 'canceled' },
      'failed',
    ],
  ] as const)('%s', (_law, local, remote, status) => {
    expect(pair(local, remote)[0]?.status).toBe(status);
  });

  it.each([
    ['success', []],
    ['cancelled', []],
    ['paused', ['resume', 'cancel']],
    ['uploading', ['pause', 'cancel']],
    ['failed', ['retry']],
  ] as const)('of a transfer that is %s offers %s', (status, verbs) => {
    const phases = {
      success: 'done',
      cancelled: 'canceled',
      paused: 'moving',
      uploading: 'moving',
      failed: 'failed',
    } as const;
    expect(join([], [transfer({ status, phase: phases[status] })])[0]?.verbs).toEqual(verbs);
  });

  it.each([
    ['in line', { waitsFor: 'agents.none' }, 'waiting'],
    ['looked at', {}, 'uploading'],
    ['asked too late to pause', { wish: 'pause' }, 'uploading'],
  ] as const)('that is being finished, %s, offers nothing that the server refuses', (_state, part, status) => {
    const remote = { status: 'uploading', phase: 'finishing', ...part } as const;
    expect(pair({ phase: 'staged' }, remote)[0]).toMatchObject({ status, verbs: [] });
    expect(join([], [transfer(remote)])[0]).toMatchObject({ status, verbs: [] });
  });

  it('that the same file cannot get over offers nothing but to go', () => {
    const error = { code: 'client.gone', message: '' };
    expect(join([upload({ phase: 'failed', error })], [])[0]?.verbs).toEqual(['remove']);
  });

  it('shows no speed that nothing has moved for', () => {
    const own = { bytesPerSecond: 1000, etaSeconds: 5, uploadId: null };
    expect(join([upload(own)], [])[0]).toMatchObject({ stageRate: 1000, etaSeconds: 5 });
    expect(join([upload(own)], [], NOW + 6000)[0]).toMatchObject({ stageRate: 0, etaSeconds: null });
  });

  it('is stuck when it should move and has not for 30 s, here or there', () => {
    const [here] = join([upload({})], []);
    const [there] = join([], [transfer({ status: 'uploading', phase: 'moving' }, NOW)]);
    const [paused] = join([], [transfer({ status: 'paused', phase: 'moving' }, NOW)]);
    const rows = [here, there, paused].flatMap((row) => row ?? []);
    expect(rows.map((row) => stuckWhere(row, NOW + STUCK_MS - 1))).toEqual([null, null, null]);
    expect(rows.map((row) => stuckWhere(row, NOW + STUCK_MS))).toEqual(['here', 'there', null]);
  });
});

describe('the list', () => {
  it('has what this page sends first, then what moves elsewhere, then what waits, then what has ended', () => {
    const ended = transfer({ name: 'ended', status: 'success', phase: 'done', endedAt: '2026-11-21T11:00:00.000Z' });
    const other = transfer({ name: 'other', status: 'uploading', phase: 'moving' });
    const uploads = [
      upload({ key: 'a', name: 'sending' }),
      upload({ key: 'b', name: 'waiting', phase: 'queued', addedAtMs: NOW + 1 }),
    ];
    expect(join(uploads, [ended, other]).map(({ name }) => name)).toEqual(['sending', 'other', 'waiting', 'ended']);
  });

  it('is filtered by what is asked for and searched by name and folder', () => {
    const rows = join(
      [],
      [
        transfer({ name: 'Film.mkv', path: '/影视' }),
        transfer({ name: 'b', status: 'failed', phase: 'failed' }),
        transfer({ name: 'c', status: 'success', phase: 'done', destinationId: 'archive' }),
      ],
    );
    const names = (filter: Filter, search = '', destinationId = '') =>
      narrow(rows, { filter, search, destinationId }).shown.map(({ name }) => name);
    expect(names('active')).toEqual(['Film.mkv']);
    expect(names('failed')).toEqual(['b']);
    expect(names('finished')).toEqual(['c']);
    expect(names('all', '影视/film')).toEqual(['Film.mkv']);
    expect(names('all', '', 'archive')).toEqual(['c']);
    const { counts } = narrow(rows, { filter: 'failed', search: '', destinationId: 'nas' });
    expect(counts).toEqual({ all: 2, active: 1, finished: 0, failed: 1 });
  });

  it('adds up what is left once for a file that goes to two places, and what is still here', () => {
    const one = transfer({
      destinationId: 'nas',
      movedBytes: 40,
      status: 'uploading',
      phase: 'moving',
      speedBytesPerSecond: 10,
    });
    const two = transfer({ destinationId: 'archive', uploadId: one.view.uploadId });
    const own = upload({ uploadId: one.view.uploadId, stagedBytes: 50, bytesPerSecond: 5 });
    const totals = totalsOf(join([own], [one, two]));
    expect(totals).toMatchObject({ leftBytes: 160, localBytes: 50, stageRate: 5, moveRate: 10, etaSeconds: 16 });
    expect(totals.active).toBe(2);
  });

  it('holds the page open only while bytes are nowhere else', () => {
    const of = (phase: UploadState['phase']) => hasLocalBytes({ uploads: [upload({ phase })], byUploadId: new Map() });
    expect([of('queued'), of('sending'), of('hashing')]).toEqual([true, true, true]);
    expect([of('staged'), of('failed'), of('canceled')]).toEqual([false, false, false]);
  });
});
