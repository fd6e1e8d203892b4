/** A part on its way to Bilibili from a Worker: streamed by `fetch`, and bounded in time. The runtime keeps the connections. */
import { Fault } from '#core/fault.ts';
import { USER_AGENT } from '../bilibili/hosts.ts';
import { unreachable } from '../bilibili/http.ts';
import { PART_ANSWER_BYTES_MAX, type Parcel, type PartAnswer, sourceLength } from '../bilibili/parcel.ts';
import { collected, exchange } from './exchange.ts';

const AREA = 'bilibili';

/**
 * Rejects with the signal's reason, with what the source threw, or with Fault `transient` `bilibili.unavailable`. The source is
 * canceled when it is not read to its end.
 */
export async function sendPart({ url, headers, source, timeoutMs }: Parcel, signal: AbortSignal): Promise<PartAnswer> {
  signal.throwIfAborted();
  const body = { sizeBytes: source.sizeBytes, stream: await source.open() };
  const inTime = AbortSignal.timeout(timeoutMs);
  try {
    const reply = await exchange({
      method: 'PUT',
      url,
      headers: { 'user-agent': USER_AGENT, ...headers },
      body,
      signal: AbortSignal.any([signal, inTime]),
      idleMs: timeoutMs,
      area: AREA,
    });
    return { status: reply.status, text: (await collected(reply, PART_ANSWER_BYTES_MAX, AREA)).toString() };
  } catch (error) {
    signal.throwIfAborted();
    if (inTime.aborted) throw unreachable(inTime.reason);
    if (error instanceof Fault && OTHER_LENGTH.has(error.code)) throw sourceLength(source.sizeBytes);
    throw isOfConnection(error) ? unreachable(error) : error;
  }
}

const OTHER_LENGTH: ReadonlySet<string> = new Set([`${AREA}.short_body`, `${AREA}.long_body`]);

/** As `exchange` makes them. */
function isOfConnection(error: unknown): boolean {
  return error instanceof Error && (error.name === 'ETIMEDOUT' || error.name === 'ECONNRESET');
}
