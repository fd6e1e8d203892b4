/** The words of `task:*`, for clients that do not name our subprotocol. */
import { describe, expect, it } from 'vitest';
import type { TransferView } from '#core/wire/transfer.ts';
import { taskCodec } from '../../relay/task-codec.ts';
import { transferId, transferView } from './views.ts';

const at = (ms: number) => new Date(1_800_000_000_000 + ms).toISOString();
const error = { code: 'folder.disk_full', message: 'no room left' };
const done = (changes: Partial<TransferView> = {}) =>
  transferView(1, {
    status: 'success',
    phase: 'done',
    movedBytes: transferView(1).sizeBytes,
    startedAt: at(0),
    endedAt: at(2_500),
    receipt: { evidence: 'A', sizeBytes: 1, location: '/影视/1.mp4' },
    ...changes,
  });

function watcher(first: readonly TransferView[] = []) {
  const codec = taskCodec();
  let seq = 0;
  const tell = (frame: Parameters<typeof codec.encode>[0]) => codec.encode(frame).map((text) => JSON.parse(text));
  const frames = tell({ event: 'snapshot', data: { epoch: 'e', seq: 0, transfers: [...first] } });
  const changes = (...transfers: TransferView[]) =>
    tell({ event: 'changes', data: { seq: ++seq, transfers, removed: [] } }).slice(1);
  return { codec, frames, tell, changes };
}

describe('task events', () => {
  it('come after our own frame, for what is under way and not for what had ended', () => {
    const { frames } = watcher([transferView(1, { movedBytes: 5 }), done({ id: transferId(2) })]);
    const task_id = transferId(1);
    expect(frames.map(({ event }) => event)).toEqual(['snapshot', 'task:progress', 'task:status']);
    expect(frames[1].data).toEqual({ task_id, progress: 0, current: 5, total: 104_857_600, message: '1.mp4' });
    expect(frames[2].data).toEqual({ task_id, status: 'uploading', message: '' });
  });

  it('tell what changed and nothing else, and the end once, with its place and its time', () => {
    const { changes } = watcher([transferView(1)]);
    expect(changes(transferView(1, { speedBytesPerSecond: 9 }))).toEqual([]);
    const [moved, ...rest] = changes(transferView(1, { movedBytes: 52_428_800 }));
    expect([moved.event, moved.data.progress, rest]).toEqual(['task:progress', 50, []]);
    const all = transferView(1).sizeBytes;
    expect(changes(transferView(1, { movedBytes: all }))[0].data.progress).toBe(99);
    const ended = changes(done());
    expect(ended.map(({ event }) => event)).toEqual(['task:status', 'task:completed']);
    const task_id = transferId(1);
    expect(ended[1].data).toEqual({ task_id, result_file: '/影视/1.mp4', duration: 2.5, cost: null });
    expect(changes(done())).toEqual([]);
  });

  it('of what is gone are none, and it is new to whoever is told of it again', () => {
    const { tell, changes } = watcher([transferView(1)]);
    const frame = { event: 'changes', data: { seq: 1, transfers: [], removed: [transferId(1)] } } as const;
    expect(tell({ ...frame, data: { ...frame.data, transfers: [], removed: [...frame.data.removed] } })).toEqual([
      frame,
    ]);
    expect(changes(transferView(1)).map(({ event }) => event)).toEqual(['task:progress', 'task:status']);
  });

  it('tell a failure with its reason, and that it is tried again', () => {
    const { changes } = watcher([transferView(1)]);
    const failed = changes(transferView(1, { status: 'failed', phase: 'failed', error, endedAt: at(9) }));
    expect(failed.map(({ event, data }) => [event, data.message ?? data.error])).toEqual([
      ['task:status', error.message],
      ['task:log', error.message],
      ['task:failed', error.message],
    ]);
    const again = changes(transferView(1, { attempt: 2 }));
    expect(again.map(({ event }) => event)).toEqual(['task:log', 'task:status']);
    expect(again[0].data).toMatchObject({ level: 'warning', message: 'attempt 2 begins' });
  });

  it('beside the other frames: a notification, and a heartbeat with or without its time', () => {
    const { codec, tell } = watcher();
    const data = { title: 't', content: 'c', type: 'info' };
    expect(tell({ event: 'notification', data })).toEqual([{ event: 'notification', data }]);
    for (const text of ['{"event":"ping"}', '{"event":"ping","data":{"timestamp":1}}']) {
      expect(codec.decode(text)).toMatchObject({ event: 'ping' });
    }
    expect(codec.decode('{"event":"drop"}')).toBeNull();
  });
});
