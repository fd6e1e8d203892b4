/** How many watch at this process, and whether one owner does: asked here, or by a function as `POST /internal/stats`. */
import { StatsAsk } from '#adapters/http-progress/envelope.ts';
import type { ProgressHub } from '#core/progress/hub.ts';
import type { ConnectionStats } from '#core/wire/notice.ts';
import { type SignedBodyOptions, signedBody } from './signed-body.ts';
import type { Viewers } from './viewers.ts';

export interface Watched {
  readonly sockets: Pick<Viewers, 'stats'>;
  readonly hub: Pick<ProgressHub, 'isWatching'>;
}

export function connectionStats({ sockets, hub }: Watched, ownerId: string | undefined): ConnectionStats {
  const { connections, owners, bufferedBytes, refused } = sockets.stats();
  return {
    total_connections: connections,
    total_users: owners,
    buffered_bytes: bufferedBytes,
    refused,
    ...(ownerId === undefined ? {} : { user_connected: hub.isWatching(ownerId) }),
  };
}

/** Answers 200 with the numbers, 400 for what is signed but no question, else what `signedBody` refuses with. */
export function statsAnswer({ sockets, hub, ...signing }: Watched & SignedBodyOptions) {
  const read = signedBody(signing);
  return async (request: Request): Promise<Response> => {
    const body = await read(request);
    if ('refused' in body) return body.refused;
    const asked = StatsAsk.safeParse(body.json);
    if (!asked.success) return new Response(null, { status: 400 });
    return Response.json(connectionStats({ sockets, hub }, asked.data.ownerId ?? undefined));
  };
}
