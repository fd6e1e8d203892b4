/** `/ws/upload/progress`: the whole list of uploads whenever something in it changes, in the words of its older clients. */
import { z } from 'zod';
import type { ServerFrame } from '#core/wire/socket.ts';
import type { Status, TransferView } from '#core/wire/transfer.ts';
import { type Codec, parseJson } from './codec.ts';

/** Sizes in bytes, `speed_mbps` in MB/s (10^6 bytes), times in seconds, `percentage` 0 to 100 with one decimal. */
export interface UploadProgress {
  readonly id: string;
  readonly file_name: string;
  readonly file_path: string;
  readonly file_size: number;
  readonly status: Status;
  readonly percentage: number;
  readonly uploaded_bytes: number;
  readonly total_bytes: number;
  readonly total_parts: number;
  readonly uploaded_parts: number;
  readonly speed_mbps: number;
  readonly elapsed_seconds: number;
  readonly eta_seconds: number | null;
  readonly error_message: string | null;
  readonly file_id: string | null;
  readonly is_quick_upload: boolean;
}

const ClientMessage = z.object({ type: z.literal('ping'), timestamp: z.number() });

/** As many as a snapshot has; of more, those that changed last are told. */
const UPLOADS_MAX = 200;

/** Remembers what its one client was told: use each for one connection. */
export function uploadProgressCodec(nowMs: () => number): Codec {
  const shown = new Map<string, TransferView>();

  function learn(views: readonly TransferView[]): void {
    for (const view of views) {
      shown.delete(view.id);
      shown.set(view.id, view);
    }
    for (const id of shown.keys()) {
      if (shown.size <= UPLOADS_MAX) break;
      shown.delete(id);
    }
  }

  function list(): readonly string[] {
    const now = nowMs();
    const uploads = [...shown.values()].sort(byAge).map((view) => uploadProgressOf(view, now));
    return [JSON.stringify({ type: 'upload_progress', data: { uploads } })];
  }

  function encode(frame: ServerFrame): readonly string[] {
    switch (frame.event) {
      case 'snapshot':
        shown.clear();
        learn(frame.data.transfers);
        return list();
      case 'changes':
        learn(frame.data.transfers);
        return list();
      case 'pong':
        return [JSON.stringify({ type: 'pong', timestamp: frame.data.timestamp })];
      case 'connection:established':
      case 'ask':
        return [];
      default:
        return frame satisfies never;
    }
  }

  return {
    encode,
    decode: (text) => {
      const message = ClientMessage.safeParse(parseJson(text));
      return message.success ? { event: 'ping', data: { timestamp: message.data.timestamp } } : null;
    },
  };
}

/** One transfer in those words. */
export function uploadProgressOf(view: TransferView, nowMs: number): UploadProgress {
  const share = view.sizeBytes === 0 ? 0 : view.movedBytes / view.sizeBytes;
  const endMs = view.endedAt === null ? nowMs : Date.parse(view.endedAt);
  const elapsedMs = view.startedAt === null ? 0 : Math.max(0, endMs - Date.parse(view.startedAt));
  return {
    id: view.id,
    file_name: view.name,
    file_path: view.path === '/' ? `/${view.name}` : `${view.path}/${view.name}`,
    file_size: view.sizeBytes,
    status: view.status,
    percentage: view.phase === 'done' ? 100 : Math.floor(share * 1000) / 10,
    uploaded_bytes: view.movedBytes,
    total_bytes: view.sizeBytes,
    total_parts: view.partCount,
    uploaded_parts: view.partsDone,
    speed_mbps: Math.round(view.speedBytesPerSecond / 1e4) / 100,
    elapsed_seconds: Math.round(elapsedMs / 100) / 10,
    eta_seconds: view.etaSeconds,
    error_message: view.error?.message ?? null,
    file_id: view.receipt?.remoteId ?? null,
    is_quick_upload: view.instant,
  };
}

function byAge(a: TransferView, b: TransferView): number {
  return a.createdAt < b.createdAt ? 1 : -Number(a.createdAt > b.createdAt);
}
