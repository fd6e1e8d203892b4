/** An agent's life: it enrols, is attached, and comes back whenever the line breaks. */
import { type Fault, toFault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Log } from '#core/ports/log.ts';
import { type Attachment, type AttachmentParts, attach } from './attachment.ts';
import type { HomeLine } from './home-line.ts';

export interface LifeParts extends Omit<AttachmentParts, 'line' | 'token' | 'onCall' | 'onBucket'> {
  readonly clock: Clock;
  readonly log: Log;
  /** A new line each time, so that nothing of a broken one is left. */
  readonly dial: () => HomeLine;
  readonly key: string;
  /** Ends it in good order. */
  readonly signal: AbortSignal;
}

/** `refused`: at its first try, for a reason that a person has to mend. */
export type Outcome =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'replaced' }
  | { readonly kind: 'refused'; readonly fault: Fault };

interface Token {
  readonly text: string;
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
}

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MOST_MS = 60_000;
/** A line that held so long was a good one. */
const GOOD_MS = 60_000;
/** Of a token's time, after which another one is bought. */
const RENEW_SHARE = 0.75;
const RENEW_AGAIN_MS = 30_000;

export async function live(parts: LifeParts): Promise<Outcome> {
  const { clock, log, signal } = parts;
  let token: Token | null = null;
  let wasAttached = false;
  for (let failures = 0; !signal.aborted; failures++) {
    const startedAtMs = clock.now();
    const line = parts.dial();
    const onStop = new AbortController();
    try {
      token = token !== null && token.expiresAtMs > clock.now() ? token : await buy(line);
      const reason = await beAttached(line, onStop);
      if (reason === 'replaced') return { kind: 'replaced' };
      if (!signal.aborted) log.info('agent.left', { reason });
    } catch (error) {
      const fault = toFault(error);
      if (fault.code === 'agent.token_refused') token = null;
      else if (!wasAttached && (fault.kind === 'auth' || fault.kind === 'rejected')) return { kind: 'refused', fault };
      if (!signal.aborted) log.error('agent.not_attached', { kind: fault.kind, code: fault.code });
    } finally {
      onStop.abort();
      line.close();
    }
    if (clock.now() - startedAtMs >= GOOD_MS) failures = 0;
    await clock.sleep(backoffMs(failures, clock), signal).catch(() => undefined);
  }
  return { kind: 'stopped' };

  /** Answers why it ended. */
  async function beAttached(line: HomeLine, onStop: AbortController): Promise<string> {
    const attachment = attach({
      ...parts,
      line,
      token: () => token?.text ?? '',
      onCall: (call) => log.info('agent.call', { ...call }),
      onBucket: (code) => log.info('agent.bucket', { code: code ?? 'reached' }),
    });
    const stopping = stopped(attachment, onStop.signal);
    await Promise.race([attachment.welcome, stopping]);
    if (!signal.aborted) {
      wasAttached = true;
      log.info('agent.attached', { agentId: parts.facts.id });
      void renewing(line, onStop.signal);
    }
    const ending = await Promise.race([attachment.ended, stopping]);
    if (ending.kind === 'broken') return ending.fault.code;
    return ending.reason;
  }

  /** Resolves when the agent was told to stop and has left, or when this attachment is over anyway. */
  async function stopped(attachment: Attachment, over: AbortSignal): Promise<{ kind: 'told'; reason: string }> {
    const stop = AbortSignal.any([signal, over]);
    await new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      stop.addEventListener('abort', () => resolve(), { once: true });
    });
    if (!over.aborted) await attachment.leave();
    return { kind: 'told', reason: 'stopped' };
  }

  async function buy(line: HomeLine): Promise<Token> {
    const { token: text, valid_seconds } = await line.enrol(parts.key, parts.facts.id);
    const ms = valid_seconds * 1000;
    return { text, renewAtMs: clock.now() + ms * RENEW_SHARE, expiresAtMs: clock.now() + ms };
  }

  async function renewing(line: HomeLine, over: AbortSignal): Promise<void> {
    while (!over.aborted && token !== null) {
      await clock.sleep(Math.max(0, token.renewAtMs - clock.now()), over).catch(() => undefined);
      if (over.aborted) return;
      try {
        token = await buy(line);
      } catch (error) {
        log.error('agent.token_not_renewed', { code: toFault(error).code });
        await clock.sleep(RENEW_AGAIN_MS, over).catch(() => undefined);
      }
    }
  }
}

/** 1 s to begin with, twice as long each time, a minute at most; half of it is left to chance, so that not all come at once. */
function backoffMs(failures: number, clock: Clock): number {
  const mostMs = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures, 16));
  return mostMs / 2 + (clock.random() * mostMs) / 2;
}
