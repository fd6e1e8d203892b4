/**
 * How many bodies one call of a Worker sends at a time. Cloudflare lets six requests of a call wait for the beginning of their answers
 * and holds the next one back. One that sends a body waits until all of it has flowed, and what the body is read from must not be held
 * back behind it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

interface Call {
  sending: number;
  most: number;
}

const current = new AsyncLocalStorage<Call>();
/** Of what was begun outside of any call's own steps: as if it were one call, so that nothing goes uncounted. */
const stray: Call = { sending: 0, most: 0 };
const calls: Call[] = [stray];

const real = globalThis.fetch;
globalThis.fetch = async (input, options) => {
  if (!(options?.body instanceof ReadableStream)) return real(input, options);
  const call = current.getStore() ?? stray;
  call.sending += 1;
  call.most = Math.max(call.most, call.sending);
  try {
    return await real(input, options);
  } finally {
    call.sending -= 1;
  }
};

/** Runs one call. */
export function counting<T>(work: () => Promise<T>): Promise<T> {
  const call: Call = { sending: 0, most: 0 };
  calls.push(call);
  return current.run(call, work);
}

/** The most in any one call so far. */
export function mostSending(): number {
  return Math.max(...calls.map(({ most }) => most));
}
