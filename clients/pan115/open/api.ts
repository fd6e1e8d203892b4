/** Calls to the open platform, in the name of one account. */
import type { z } from 'zod';
import { Fault } from '#core/fault.ts';
import { dataOf } from '../envelope.ts';
import { TOKEN_REFUSED } from '../faults.ts';
import { send } from '../http.ts';
import type { Pace } from '../pace.ts';
import type { OpenHosts } from './hosts.ts';
import type { AccessSource } from './tokens.ts';

export interface ApiCall<T> {
  readonly method: 'GET' | 'POST';
  /** `/open/upload/init` */
  readonly path: string;
  /** Undefined ones are left out. */
  readonly fields?: Readonly<Record<string, string | number | undefined>>;
  readonly schema: z.ZodType<T>;
}

export interface OpenApi {
  /** Waits for its turn. A token that is refused is renewed once; then it is Fault `auth` `pan115.token_refused`. */
  call<T>(call: ApiCall<T>, signal: AbortSignal): Promise<T>;
}

export function openApi(account: {
  readonly hosts: OpenHosts;
  readonly access: AccessSource;
  /** Shared by all that ask in the name of this account. */
  readonly pace: Pace;
}): OpenApi {
  return {
    call: async (call, signal) => {
      const token = await account.access();
      try {
        return await callOnce(account, call, token, signal);
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== TOKEN_REFUSED) throw error;
        return callOnce(account, call, await account.access(token), signal);
      }
    },
  };
}

async function callOnce<T>(
  { hosts, pace }: { readonly hosts: OpenHosts; readonly pace: Pace },
  { method, path, fields = {}, schema }: ApiCall<T>,
  token: string,
  signal: AbortSignal,
): Promise<T> {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.set(name, String(value));
  await pace.turn(signal);
  const authorization = `Bearer ${token}`;
  try {
    const answer =
      method === 'GET'
        ? await send({ method, url: `${hosts.api}${path}?${form}`, headers: { authorization } }, signal)
        : await send(
            {
              method,
              url: hosts.api + path,
              headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
              body: form.toString(),
            },
            signal,
          );
    return dataOf(answer, { endpoint: path.slice(1), schema, kind: 'api' });
  } catch (error) {
    if (error instanceof Fault && error.kind === 'throttled') await pace.holdOff(error.retryAfterMs ?? 0);
    throw error;
  }
}
