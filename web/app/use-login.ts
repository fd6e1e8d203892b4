/** A login by a code, from the asking for it to its end. One question at a time is on its way to the server. */
import { useCallback, useEffect, useState } from 'react';
import type { BeginLogin, BegunLogin, LoginView } from '#core/wire/login.ts';
import type { ApiClient } from '../upload/client.ts';
import { isPassing, toUploadError, type UploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';

export type LoginStage =
  | { readonly kind: 'beginning' }
  | { readonly kind: 'failed'; readonly error: UploadError }
  | {
      readonly kind: 'shown';
      readonly qrText: string;
      readonly expiresAtMs: number;
      readonly state: LoginView['state'];
      readonly error: LoginView['error'];
      /** The server has not answered the last question. */
      readonly isCut: boolean;
    };

/** Between two questions; the server itself holds each while there is no news. */
const AGAIN_MS = 1_000;
const AFTER_TROUBLE_MS = 3_000;

/** `wanted` is read when a login begins: at first, and with each `renew`. */
export function useLogin(wanted: BeginLogin): { readonly stage: LoginStage; readonly renew: () => void } {
  const { api } = useConsole();
  const [round, setRound] = useState(0);
  const [stage, setStage] = useState<LoginStage>({ kind: 'beginning' });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another round begins when it is asked for, and then only
  useEffect(() => {
    const stop = new AbortController();
    setStage({ kind: 'beginning' });
    void follow(api, wanted, stop.signal, setStage).catch((cause: unknown) => {
      if (!stop.signal.aborted) setStage({ kind: 'failed', error: toUploadError(cause) });
    });
    return () => stop.abort();
  }, [api, round]);
  return { stage, renew: useCallback(() => setRound((before) => before + 1), []) };
}

/** Resolves when the login has ended, a minute after its code did at the latest. */
async function follow(
  api: ApiClient,
  wanted: BeginLogin,
  signal: AbortSignal,
  show: (stage: LoginStage) => void,
): Promise<void> {
  const { id, qrText, ttlSeconds, state, error } = await api.beginLogin(wanted, signal);
  signal.throwIfAborted();
  const shown = {
    kind: 'shown',
    qrText,
    expiresAtMs: Date.now() + ttlSeconds * 1_000,
    state,
    error,
    isCut: false,
  } as const;
  show(shown);
  for (;;) {
    await pause(AGAIN_MS, signal);
    const news = await ask(api, id, signal);
    signal.throwIfAborted();
    show(news === null ? { ...shown, isCut: true } : { ...shown, state: news.state, error: news.error });
    if (news !== null && isEnd(news.state)) return;
    if (news === null) await pause(AFTER_TROUBLE_MS, signal);
    if (news === null && Date.now() > shown.expiresAtMs) return show({ ...shown, state: 'expired' });
  }
}

/** Null when nobody answered, or not yet. */
async function ask(api: ApiClient, id: BegunLogin['id'], signal: AbortSignal): Promise<LoginView | null> {
  try {
    return await api.readLogin(id, signal);
  } catch (error) {
    if (isPassing(error)) return null;
    throw error;
  }
}

export function isEnd(state: LoginView['state']): boolean {
  return state !== 'waiting' && state !== 'scanned';
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
