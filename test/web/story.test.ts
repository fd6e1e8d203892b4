import { expect, it } from 'vitest';
import type { TransferEvent, TransferView } from '#core/wire/transfer.ts';
import { meanRate, storyOf } from '../../web/app/story.ts';
import { blankTransfer } from './fake-state.ts';

const START_MS = Date.parse('2026-11-22T08:00:00.000Z');
const at = (seconds: number) => new Date(START_MS + seconds * 1000).toISOString();

/** `[second, type, code]`, numbered from `first`. */
function events(lines: readonly (readonly [number, string, string?])[], first = 1): TransferEvent[] {
  return lines.map(([second, type, code], index) => ({
    seq: first + index,
    at: at(second),
    type,
    ...(code === undefined ? {} : { code }),
  }));
}

const view = blankTransfer();
const done: TransferView = { ...view, status: 'success', endedAt: at(100) };
const lengths = (lines: readonly (readonly [number, string, string?])[], of = done, nowMs = START_MS) =>
  storyOf(events(lines), of, nowMs).lines.map(({ stage, lastsMs }) =>
    stage === null ? null : [stage, (lastsMs ?? 0) / 1000],
  );

it('each stage lasts until the next one or the end, and what happens within one does not end it', () => {
  const told = storyOf(
    events([
      [0, 'staging'],
      [4, 'queued', 'agents.busy'],
      [34, 'opening'],
      [35, 'note', 'way.mount'],
      [36, 'moving'],
      [50, 'fault', 'oss.unavailable'],
      [55, 'fault', 'oss.unavailable'],
      [95, 'finishing'],
      [100, 'done'],
    ]),
    done,
    START_MS,
  );
  expect(told.sums).toEqual([
    { stage: 'staging', ms: 4000 },
    { stage: 'line', ms: 30_000 },
    { stage: 'opening', ms: 2000 },
    { stage: 'moving', ms: 59_000 },
    { stage: 'finishing', ms: 5000 },
  ]);
  // The same trouble twice is one line.
  expect(told.lines.map(({ event, times }) => `${event.type} ${times}`)).toContain('fault 2');
  expect(told.lines).toHaveLength(8);
  expect(told.isCut).toBe(false);
});

it('a retry goes on where it failed, and what lies between failure and retry belongs to no stage', () => {
  const lines = [
    [0, 'staging'],
    [1, 'opening'],
    [2, 'moving'],
    [10, 'failed', 'folder.disk_full'],
    [60, 'retry'],
    [90, 'finishing'],
    [100, 'done'],
  ] as const;
  expect(lengths(lines)).toEqual([
    ['staging', 1],
    ['opening', 1],
    ['moving', 8],
    null,
    ['moving', 30],
    ['finishing', 10],
    null,
  ]);
});

it('a session that the destination lost is opened anew', () => {
  const lines = [
    [0, 'moving'],
    [10, 'gone', 's3.session_gone'],
    [12, 'moving'],
    [100, 'done'],
  ] as const;
  expect(lengths(lines)).toEqual([['moving', 10], ['opening', 2], ['moving', 88], null]);
});

it('trouble after waiting in line ends the wait', () => {
  const lines = [
    [0, 'opening'],
    [1, 'queued', 'agents.busy'],
    [31, 'fault', 's3.slow_down'],
    [41, 'moving'],
    [100, 'done'],
  ] as const;
  expect(lengths(lines)).toEqual([['opening', 1], ['line', 30], ['opening', 10], ['moving', 59], null]);
});

it('the length of a pause is told only where its end is known', () => {
  const running = { ...view, status: 'uploading' as const };
  const paused = [
    [0, 'moving'],
    [10, 'paused'],
  ] as const;
  expect(lengths([...paused, [40, 'resumed'], [100, 'done']])).toEqual([
    ['moving', 10],
    ['paused', 30],
    ['moving', 60],
    null,
  ]);
  expect(lengths([...paused, [90, 'finishing'], [100, 'done']])).toEqual([
    ['moving', 90],
    null,
    ['finishing', 10],
    null,
  ]);
  expect(lengths(paused, { ...running, status: 'paused' }, START_MS + 25_000)).toEqual([
    ['moving', 10],
    ['paused', 15],
  ]);
  expect(lengths(paused, running, START_MS + 25_000)).toEqual([['moving', 25], null]);
});

it('what is under way lasts until now, also when the clocks of page and server differ', () => {
  const [open] = storyOf(events([[5, 'moving']]), view, START_MS + 8000).lines;
  expect(open).toMatchObject({ lastsMs: 3000, isOpen: true });
  expect(storyOf(events([[5, 'moving']]), view, START_MS).lines[0]?.lastsMs).toBe(0);
});

it('a mean speed is told only of a delivery that is known whole', () => {
  const moved = { ...done, sizeBytes: 1000, movedBytes: 1000, phase: 'done' as const };
  const story = storyOf(
    events([
      [0, 'moving'],
      [10, 'done'],
    ]),
    moved,
    START_MS,
  );
  expect(meanRate(story, moved)).toBe(100);
  expect(meanRate(story, { ...moved, attempt: 2 })).toBeNull();
  expect(meanRate(story, { ...moved, instant: true })).toBeNull();
  const cut = storyOf(
    events(
      [
        [0, 'moving'],
        [10, 'done'],
      ],
      5,
    ),
    moved,
    START_MS,
  );
  expect(cut.isCut).toBe(true);
  expect(meanRate(cut, moved)).toBeNull();
});
