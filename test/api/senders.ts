/** People who have a link, and hand in files by it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { DropView, LinkWithUrl } from '#core/wire/link.ts';
import { CreateUploadAnswer } from '#core/wire/upload.ts';
import type { Answer, ApiRig } from './rig.ts';

export interface Customer {
  readonly senderId: string;
  /** Below `/api/v1/drop`. */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Under a key of its own, unless one is given. */
  announce(file?: Readonly<Record<string, unknown>>, key?: string): Promise<Answer>;
  /** An answer other than 201 is an error. */
  create(file?: Readonly<Record<string, unknown>>, key?: string): Promise<CreateUploadAnswer>;
  look(): Promise<DropView>;
}

export async function openLink(rig: Pick<ApiRig, 'call'>, change: Readonly<Record<string, unknown>> = {}) {
  const asked = { name: 'Hand in here', destinations: [{ id: 'folder' }], ...change };
  const answer = await rig.call('POST', '/api/v1/links', asked);
  if (answer.status !== 201) throw new Error(`${answer.status}: ${answer.text}`);
  const opened = LinkWithUrl.parse(answer.body);
  return { ...opened, secret: opened.url.split('#drop=')[1] ?? '' };
}

export function customer(
  rig: Pick<ApiRig, 'call'>,
  secret: string,
  senderName?: string,
  senderId: string = randomBytes(16).toString('base64url'),
): Customer {
  const call: Customer['call'] = (method, path, body, headers = {}) =>
    rig.call(method, `/api/v1/drop${path}`, body, {
      authorization: `Bearer ${secret}`,
      'x-entrepot-sender': senderId,
      ...headers,
    });
  const announce: Customer['announce'] = (file = {}, key = randomUUID()) => {
    const named = senderName === undefined ? {} : { senderName };
    return call('POST', '/uploads', { name: 'film.mp4', sizeBytes: 5, ...named, ...file }, { 'idempotency-key': key });
  };
  const create: Customer['create'] = async (file, key) => {
    const { status, text, body } = await announce(file, key);
    if (status !== 201) throw new Error(`${status}: ${text}`);
    return CreateUploadAnswer.parse(body);
  };
  return {
    senderId,
    call,
    announce,
    create,
    look: async () => DropView.parse((await call('GET', '')).body),
  };
}

/** The calls of a rig, to a server elsewhere. */
export function overHttp(url: () => string): ApiRig['call'] {
  return async (method, path, body, headers = {}) => {
    const answer = await fetch(url() + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) };
  };
}

/** Announces a file and puts its bytes. */
export async function handInWhole(rig: ApiRig, who: Customer, key?: string): Promise<CreateUploadAnswer> {
  const created = await who.create({}, key);
  for (const ticket of created.chunks) rig.put(ticket, new Uint8Array(ticket.sizeBytes));
  return created;
}
