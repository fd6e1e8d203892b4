/** The beginning of a transfer: a turn of the account, an announcement, an upload. */
import { isOfLine, type Line } from '#clients/bilibili/lines.ts';
import { preupload, type Reserved } from '#clients/bilibili/preupload.ts';
import { beginUpload } from '#clients/bilibili/upos.ts';
import type { Item, Opening } from '#core/ports/provider.ts';
import { asking, type Link } from './link.ts';
import { keepLogin } from './renewal.ts';
import type { BilibiliSession } from './session.ts';
import { wordsFor } from './video.ts';

const THREADS_MAX = 8;

/** Bilibili counts announcements: the turn is written down before, and one whose answer is lost has used it up. */
export async function open(to: Link, item: Item, signal: AbortSignal): Promise<Opening<BilibiliSession>> {
  signal.throwIfAborted();
  wordsFor(item, to.settings);
  const { transferId, name, sizeBytes } = item;
  const { profile } = to.settings;
  await to.ledger.takeOpening(transferId);
  const news = await keepLogin(to, 'when due', signal);
  const line = await to.line(signal);
  const work = () => preupload(to.account, { name, sizeBytes, profile, line }, signal);
  const reserved = await asking(to, { stage: 'open', transferId }, { signal, work });
  await to.ledger.answered('open');
  const { object, auth, bizId, chunkBytes, threads } = reserved;
  const { endpoint, uploadId } = await begin(to, reserved, line, signal);
  return {
    kind: 'ready',
    session: {
      v: 1,
      endpoint,
      object,
      auth,
      bizId,
      uploadId,
      chunkBytes,
      threads: Math.min(threads, THREADS_MAX),
      profile,
      openedAtMs: to.clock.now(),
    },
    notes: [`line.${line?.name ?? 'any'}`, ...(news === 'good' ? [] : [`login.${news}`])],
  };
}

/** At the first server that begins it. Of the line that was asked for, where Bilibili names one that is not its own choice. */
async function begin(
  to: Link,
  { endpoints, object, auth }: Reserved,
  line: Line | null,
  signal: AbortSignal,
): Promise<{ readonly endpoint: string; readonly uploadId: string }> {
  const scheme = to.settings.endpoints.uposScheme;
  const wanted = endpoints.filter((endpoint) => line !== null && isOfLine(endpoint, line));
  let failure: unknown;
  for (const endpoint of new Set([...wanted, ...endpoints])) {
    try {
      return { endpoint, uploadId: await beginUpload({ scheme, endpoint, object, auth }, signal) };
    } catch (error) {
      signal.throwIfAborted();
      failure ??= error;
    }
  }
  throw failure;
}
