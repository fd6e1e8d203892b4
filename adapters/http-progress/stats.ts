/** The relay's count of those who watch, asked for by a function. */
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import { ConnectionStats } from '#core/wire/notice.ts';
import { SIGNATURE_HEADER, type StatsAsk, signatureOf, TIMESTAMP_HEADER } from './envelope.ts';

export interface RelayStatsOptions {
  /** `https://relay…/internal/stats` */
  readonly url: string;
  readonly secret: string;
  readonly clock: Clock;
}

const TIMEOUT_MS = 3_000;

/** Of several relays it is the one that the question came to. Throws Fault `transient` `stats.no_answer`. */
export function relayStats({ url, secret, clock }: RelayStatsOptions) {
  return async (ownerId: string | undefined): Promise<ConnectionStats> => {
    const asked: StatsAsk = { ask: 'stats', ownerId: ownerId ?? null };
    const body = Buffer.from(JSON.stringify(asked));
    const timestamp = String(Math.trunc(clock.now()));
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          [TIMESTAMP_HEADER]: timestamp,
          [SIGNATURE_HEADER]: signatureOf(secret, timestamp, body),
        },
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.ok) return ConnectionStats.parse(await response.json());
      await response.body?.cancel();
      throw new Error(`the relay answered ${response.status}`);
    } catch (cause) {
      const message = 'the relay, which holds the sockets, did not answer: try again';
      throw new Fault('transient', 'stats.no_answer', message, { cause });
    }
  };
}
