/** `/ws/upload/progress`: the whole list of uploads whenever something in it changes, in the words of its older clients. */
import * as z from 'zod';
import { uploadProgressOf } from '#core/progress/upload-progress.ts';
import type { ServerFrame } from '#core/wire/socket.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { type Codec, parseJson } from './codec.ts';

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
        for (const id of frame.data.removed) shown.delete(id);
        return list();
      case 'pong':
        return [JSON.stringify({ type: 'pong', timestamp: frame.data.timestamp })];
      case 'connection:established':
      case 'ask':
      case 'notification':
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

function byAge(a: TransferView, b: TransferView): number {
  return a.createdAt < b.createdAt ? 1 : -Number(a.createdAt > b.createdAt);
}
