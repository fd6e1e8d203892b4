/** A table in which transfers end, and webhooks that are told of it by as many pumps as a test wants, on virtual time. */
import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { memoryWorkTable } from '#adapters/memory/work-table.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import { sealedBox } from '#adapters/vault/sealed-box.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { WebPost } from '#core/ports/web-post.ts';
import { type HeadState, headKey, type Step } from '#core/state.ts';
import { alertBook } from '#core/watch/alert-book.ts';
import { webhookDesk } from '#core/webhooks/desk.ts';
import { type Pump, webhookPump } from '#core/webhooks/pump.ts';
import { TransferId, UploadId } from '#core/wire/ids.ts';
import type { Notice } from '#core/wire/notice.ts';
import { WebhookEvent } from '#core/wire/webhook.ts';

export const START_MS = 1_800_000_000_000;
export const MINUTE_MS = 60_000;
const LEASE_MS = 60_000;
const OWNER = 'local';

export type Ending = 'done' | 'failed' | 'canceled';

export function world(post: WebPost, cells: Cells = memoryCells()) {
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  const table = memoryWorkTable();
  const progress = memoryProgress();
  const box = sealedBox(sealKey(new Uint8Array(32)));
  const alerts = alertBook({ cells, clock });
  const notices: Notice[] = [];
  const logged: string[] = [];
  progress.subscribe((rumours) => {
    for (const rumour of rumours) if (rumour.kind === 'notice') notices.push(rumour.notice);
  });
  const note = (event: string) => void logged.push(event);
  const log = { info: note, error: note };
  let holders = 0;
  let count = 0;

  /** A process that may post. */
  const start = (through: { readonly cells?: Cells; readonly post?: WebPost } = {}): Pump => {
    const parts = { ownerId: OWNER, table, alerts, clock, box, progress, log, cells, post, ...through };
    return webhookPump({ ...parts, newHolder: () => `holder/${++holders}` });
  };
  const pump = start();

  return {
    clock,
    table,
    cells,
    alerts,
    notices,
    logged,
    progress,
    start,
    desk: webhookDesk({ cells, box, post, clock, randomBytes: (length) => new Uint8Array(length).fill(7) }),
    wanted: (url: string) => ({ url, events: WebhookEvent.options, destinations: [] as readonly string[] }),
    run: (by: Pump = pump) => by.run(() => true, new AbortController().signal),
    create: async (destinationId = 'folder'): Promise<TransferId> => {
      const head = headOf(++count, destinationId, clock.now());
      const id = head.file.transferId;
      const owner = { id: OWNER, sort: id };
      const queue = `dest#${destinationId}`;
      await table.create({ ...headKey(id), queue, dueAt: 0, phase: 'staging', state: head, owner }, clock.now());
      return id;
    },
    /** As the holder of its lease does; `atMs` is what the holder's clock says. */
    end: async (id: TransferId, ending: Ending = 'done', atMs = clock.now()): Promise<void> => {
      const key = headKey(id);
      const claim = await table.claim(key, { holder: `w/${id}`, now: clock.now(), until: clock.now() + LEASE_MS });
      if (claim === null) throw new Error('somebody else holds this transfer');
      // A row of ours, as the pump reads it.
      const head = claim.row.state as HeadState;
      const state = { ...head, step: stepOf(ending, atMs) };
      await table.release(key, claim.token, { to: 'ended', advance: { phase: ending, state } }, atMs);
    },
    retry: async (id: TransferId): Promise<void> => {
      const row = await table.get(headKey(id));
      if (row === null) throw new Error('there is no such transfer');
      const head = row.state as HeadState;
      const state = { ...head, attempt: head.attempt + 1, step: { phase: 'staging' } };
      const as = { queue: 'dest#folder', dueAt: 0, phase: 'staging', state };
      if (!(await table.revive(row, row.token, as, clock.now()))) throw new Error('it could not be revived');
    },
  };
}

/** As messages name it. */
export function eventId(id: TransferId, attempt = 1): string {
  return `evt_${id.slice(4)}_${attempt}`;
}

function headOf(n: number, destinationId: string, now: number): HeadState {
  const name = String(n).padStart(26, '0');
  return {
    v: 1,
    file: {
      uploadId: UploadId.parse(`upl_${name}`),
      transferId: TransferId.parse(`trf_${name}`),
      ownerId: OWNER,
      destinationId,
      folder: '/films',
      name: 'film.mp4',
      sizeBytes: 5,
      layout: { kind: 'chunks', chunkBytes: 5, count: 1 },
      claimed: {},
      createdAt: now,
    },
    attempt: 1,
    sessionNo: 0,
    failures: 0,
    streak: 0,
    startedAt: null,
    events: [],
    step: { phase: 'staging' },
  };
}

function stepOf(ending: Ending, endedAt: number): Step {
  if (ending === 'canceled') return { phase: 'canceled', code: 'wish', endedAt };
  if (ending === 'done') {
    const receipt = { evidence: 'A', sizeBytes: 5, location: '/films/film.mp4' } as const;
    return { phase: 'done', receipt, instant: false, endedAt, parts: 1 };
  }
  const error = { code: 'folder.disk_full', message: 'the disk is full' };
  return { phase: 'failed', error, endedAt, resume: { phase: 'staging' } };
}
