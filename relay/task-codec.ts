/**
 * `/ws` for clients that do not name our subprotocol: beside our own frames they are told `task:status`, `task:progress`, `task:log`,
 * `task:completed` and `task:failed`. A task is a transfer, its units are bytes.
 */
import * as z from 'zod';
import type { ClientFrame, ServerFrame } from '#core/wire/socket.ts';
import { epochMs } from '#core/wire/time.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { type Codec, nativeCodec, parseJson } from './codec.ts';

/** Transfers whose last state is remembered: far more than a frame tells. */
const REMEMBERED_MAX = 2_000;

/** These clients send a heartbeat with or without its time. */
const Ping = z.object({ event: z.literal('ping') });

/** Remembers what its one client was told: use each for one connection. */
export function taskCodec(): Codec {
  const told = new Map<string, TransferView>();

  function learn(view: TransferView): readonly string[] {
    const before = told.get(view.id);
    told.delete(view.id);
    told.set(view.id, view);
    const oldest = told.keys().next().value;
    if (told.size > REMEMBERED_MAX && oldest !== undefined) told.delete(oldest);
    return tasksOf(before, view).map((task) => JSON.stringify(task));
  }

  function encode(frame: ServerFrame): readonly string[] {
    const native = nativeCodec.encode(frame);
    if (frame.event !== 'snapshot' && frame.event !== 'changes') return native;
    const tasks = frame.data.transfers.flatMap(learn);
    if (frame.event === 'changes') for (const id of frame.data.removed) told.delete(id);
    return [...native, ...tasks];
  }

  function decode(text: string): ClientFrame | null {
    const known = nativeCodec.decode(text);
    if (known !== null || !Ping.safeParse(parseJson(text)).success) return known;
    return { event: 'ping', data: { timestamp: 0 } };
  }

  return { encode, decode };
}

interface Task {
  readonly event: 'task:progress' | 'task:status' | 'task:log' | 'task:completed' | 'task:failed';
  readonly data: Readonly<Record<string, unknown>> & { readonly task_id: string };
}

/** What is news to somebody who was told `before`. Of what had ended before anything was told there is none. */
function tasksOf(before: TransferView | undefined, view: TransferView): Task[] {
  const isOver = view.endedAt !== null;
  if (before === undefined && isOver) return [];
  const task_id = view.id;
  const tasks: Task[] = [];
  if (before !== undefined && view.attempt > before.attempt) {
    tasks.push({ event: 'task:log', data: { task_id, level: 'warning', message: `attempt ${view.attempt} begins` } });
  }
  if (before?.movedBytes !== view.movedBytes) tasks.push({ event: 'task:progress', data: progressOf(view) });
  if (before?.status === view.status) return tasks;
  tasks.push({ event: 'task:status', data: { task_id, status: view.status, message: view.error?.message ?? '' } });
  if (view.phase === 'done') tasks.push({ event: 'task:completed', data: completionOf(view) });
  if (view.phase === 'failed') {
    const error = view.error?.message ?? '';
    tasks.push({ event: 'task:log', data: { task_id, level: 'error', message: error } });
    tasks.push({ event: 'task:failed', data: { task_id, error, code: view.error?.code ?? '' } });
  }
  return tasks;
}

/** `progress` is a whole percentage, which is 100 only at the end. */
function progressOf({ id, movedBytes, sizeBytes, phase, name }: TransferView): Task['data'] {
  const share = sizeBytes === 0 ? 0 : Math.floor((movedBytes / sizeBytes) * 100);
  const progress = phase === 'done' ? 100 : Math.min(99, share);
  return { task_id: id, progress, current: movedBytes, total: sizeBytes, message: name };
}

/** `duration` in seconds. What a delivery costs is not known here. */
function completionOf({ id, receipt, startedAt, createdAt, endedAt }: TransferView): Task['data'] {
  const tookMs = endedAt === null ? 0 : epochMs(endedAt) - epochMs(startedAt ?? createdAt);
  return { task_id: id, result_file: receipt?.location ?? null, duration: Math.max(0, tookMs) / 1000, cost: null };
}
