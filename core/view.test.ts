import { describe, expect, test } from 'vitest';
import type { HeadState, Opening, StripeState } from './state.ts';
import { viewOf } from './view.ts';
import { TransferId, UploadId } from './wire/ids.ts';
import { isNews, Phase, TransferView } from './wire/transfer.ts';

const transferId = TransferId.parse('trf_00000000000000000000000001');
const plan = { partBytes: 10, partCount: 10, inFlightMax: 5, order: 'any', stripes: 1 } as const;
const opening: Opening = { phase: 'opening', rounds: 0, asks: [], known: {} };
const moving = { phase: 'moving', session: null, plan } as const;
const finishing = { ...moving, phase: 'finishing', startedBy: 1, startedAt: 0, settlingSince: null } as const;
const receipt = { evidence: 'A', sizeBytes: 100, location: '/film.mp4' } as const;

const STEPS: { readonly [P in Phase]: readonly Extract<HeadState['step'], { phase: P }>[] } = {
  staging: [{ phase: 'staging' }],
  opening: [opening],
  moving: [moving],
  finishing: [finishing],
  done: [
    { phase: 'done', receipt, instant: false, endedAt: 9, parts: 10 },
    { phase: 'done', receipt, instant: true, endedAt: 9, parts: 0 },
  ],
  failed: [{ phase: 'failed', error: { code: 'rig.full', message: 'no room' }, endedAt: 9, resume: moving }],
  canceled: [{ phase: 'canceled', code: 'canceled', endedAt: 9 }],
};

function headIn(step: HeadState['step']): HeadState {
  return {
    v: 1,
    file: {
      uploadId: UploadId.parse('upl_00000000000000000000000001'),
      transferId,
      ownerId: 'local',
      destinationId: 'rig',
      folder: '/',
      name: 'film.mp4',
      sizeBytes: 100,
      layout: { kind: 'chunks', chunkBytes: 10, count: 10 },
      claimed: {},
      createdAt: 0,
    },
    attempt: 1,
    sessionNo: 1,
    failures: 0,
    streak: 0,
    startedAt: 5,
    events: [],
    step,
  };
}

const stripe: StripeState = {
  v: 1,
  transferId,
  sessionNo: 1,
  index: 0,
  attempt: 1,
  want: 5,
  readyAt: 0,
  block: 0,
  have: {},
  doneParts: 4,
  doneBytes: 40,
  movedAt: 0,
  failures: 0,
  streak: 0,
  starved: 0,
  rateBytesPerSecond: 30,
  unsure: false,
  fault: null,
};

const viewed = (step: HeadState['step'], parts: Partial<Parameters<typeof viewOf>[0]> = {}) =>
  viewOf({
    head: headIn(step),
    wish: null,
    isParked: false,
    isHashing: false,
    stripes: [stripe],
    stagedBytes: 0,
    ...parts,
  });

/** Status by phase: without a wish, while it hashes, and when a pause has taken hold. */
const WORDS: { readonly [P in Phase]: readonly (readonly [string, string, string])[] } = {
  staging: [['pending', 'hashing', 'paused']],
  opening: [['checking', 'hashing', 'paused']],
  moving: [['uploading', 'uploading', 'paused']],
  finishing: [['uploading', 'uploading', 'uploading']],
  done: [
    ['success', 'success', 'success'],
    ['quick_success', 'quick_success', 'quick_success'],
  ],
  failed: [['failed', 'failed', 'failed']],
  canceled: [['cancelled', 'cancelled', 'cancelled']],
};

describe.each(Phase.options)('a transfer that is %s', (phase) => {
  test('has its public word, whatever is wished', () => {
    for (const [index, step] of STEPS[phase].entries()) {
      const [plain, hashing, paused] = WORDS[phase][index] ?? [];
      expect(viewed(step).status).toBe(plain);
      expect(viewed(step, { isHashing: true }).status).toBe(hashing);
      expect(viewed(step, { wish: 'pause', isParked: true }).status).toBe(paused);
      expect(viewed(step, { wish: 'pause' }).status).toBe(plain);
      expect(viewed(step, { wish: 'cancel' }).status).toBe(plain);
    }
  });

  test('is shown in the shape of the wire', () => {
    for (const step of STEPS[phase]) expect(TransferView.parse(viewed(step))).toEqual(viewed(step));
  });
});

test('each phase is news to who saw the one before it', () => {
  const path = [{ phase: 'staging' } as const, opening, moving, finishing, STEPS.done[0]!];
  for (const [index, step] of path.entries()) {
    const before = path[index - 1];
    if (before === undefined) continue;
    expect(isNews(viewed(before), viewed(step))).toBe(true);
    expect(isNews(viewed(step), viewed(before))).toBe(false);
  }
});

test('progress is the sum of the stripes, and the time that is left follows from their speed', () => {
  const view = viewed(moving, { stripes: [stripe, { ...stripe, index: 1 }], stagedBytes: 70 });
  expect(view).toMatchObject({ movedBytes: 80, partsDone: 8, speedBytesPerSecond: 60, etaSeconds: 1, stagedBytes: 80 });
});

test('a failed transfer keeps its progress, a canceled one has none', () => {
  expect(viewed(STEPS.failed[0]!)).toMatchObject({ movedBytes: 40, partCount: 10, speedBytesPerSecond: 0 });
  expect(viewed(STEPS.canceled[0]!)).toMatchObject({ movedBytes: 0, partsDone: 0, etaSeconds: null });
});

test('what waits in line says for what, until it does something, is paused or has ended', () => {
  const queued = { seq: 1, at: 1, type: 'queued', code: 'agents.none' };
  const head = { ...headIn(opening), events: [queued] };
  expect(viewed(opening, { head, isParked: true }).waitsFor).toBe('agents.none');
  const moved = { ...head, events: [queued, { seq: 2, at: 2, type: 'moving' }] };
  for (const parts of [{ head: moved }, { head, wish: 'pause', isParked: true } as const]) {
    expect(viewed(opening, parts)).not.toHaveProperty('waitsFor');
  }
  expect(viewed(STEPS.failed[0]!, { head: { ...headIn(STEPS.failed[0]!), events: [queued] } })).not.toHaveProperty(
    'waitsFor',
  );
});

test('a file whose parts wait in line says for what, unless others of its parts move', () => {
  const waits = { ...stripe, rateBytesPerSecond: 0, waitsFor: 'agent.away' };
  expect(viewed(moving, { stripes: [waits] }).waitsFor).toBe('agent.away');
  expect(viewed(moving, { stripes: [waits, stripe] })).not.toHaveProperty('waitsFor');
});
