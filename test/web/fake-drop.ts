/** The fake's link: one that customers hand in by, in the words of the owner's routes. */
import type { IncomingMessage } from 'node:http';
import { CreateDropUpload, type DropView, SENDER_HEADER, SenderId } from '#core/wire/link.ts';

export const SECRET = `${'0'.repeat(25)}1.${'s'.repeat(32)}`;

export interface FakeDrop {
  /** As it is now: tests change it. Null: revoked. */
  view: DropView | null;
  /** Of each announcement, in their order. */
  readonly announced: { sender: string; senderName: string | undefined; folder: string }[];
}

export function fakeDrop(part: Partial<DropView> = {}): FakeDrop {
  return {
    announced: [],
    view: {
      name: 'Footage for the spring film',
      note: '',
      state: 'active',
      expiresAt: '2031-06-01T16:00:00.000Z',
      ...{ filesMax: null, bytesMax: null, fileBytesMax: null, suffixes: null, filesLeft: null, bytesLeft: null },
      senderName: 'optional',
      ...part,
    },
  };
}

export interface OwnersCall {
  /** Below `/api/v1/`. */
  readonly path: string;
  readonly body: unknown;
}

export type DropRefusal = readonly [status: number, code: string];

/** The view, a refusal, or what the owner would have called. */
export function throughDrop(
  drop: FakeDrop,
  request: IncomingMessage,
  path: string,
  body: unknown,
): DropView | DropRefusal | OwnersCall {
  if (drop.view === null || request.headers.authorization !== `Bearer ${SECRET}`) return [401, 'link.revoked'];
  const rest = path.slice('/api/v1/drop'.length);
  if (rest === '') return drop.view;
  const sender = SenderId.safeParse(request.headers[SENDER_HEADER]);
  if (!sender.success) return [400, 'request.invalid'];
  if (rest !== '/uploads' || request.method !== 'POST') return { path: rest.slice(1), body };
  if (drop.view.state !== 'active') return [drop.view.state === 'full' ? 409 : 410, `link.${drop.view.state}`];
  const { senderName, folder, ...file } = CreateDropUpload.parse(body);
  drop.announced.push({ sender: sender.data, senderName, folder });
  return { path: 'uploads', body: { ...file, destinations: [{ id: 'nas', path: folder }] } };
}
