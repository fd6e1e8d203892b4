/** A port whose adapter runs in workerd: each call is posted as JSON to a Worker that passes it on (see `test/workerd/answer.ts`). */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';

const Kind = z.enum(['transient', 'throttled', 'auth', 'gone', 'rejected', 'risk', 'bug']);
const Answer = z.union([
  z.object({ fault: z.object({ kind: Kind, code: z.string(), message: z.string() }) }),
  z.object({ error: z.string() }),
  z.object({ value: z.unknown().optional() }),
]);

/** `port` and `subject` are what the Worker knows its adapter and the state under it by. Values pass as JSON. */
export function portIn<Port extends object>(url: string, port: string, subject: string): Port {
  const call = async (method: string, args: readonly unknown[]): Promise<unknown> => {
    const body = JSON.stringify({ port, subject, method, args });
    const reply = await fetch(`${url}/call`, { method: 'POST', body });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`the Worker answered ${reply.status}: ${text.slice(0, 500)}`);
    const answer = Answer.parse(JSON.parse(text));
    if ('fault' in answer) throw new Fault(answer.fault.kind, answer.fault.code, answer.fault.message);
    if ('error' in answer) throw new Error(answer.error);
    return answer.value;
  };
  const methods: ProxyHandler<object> = {
    // A promise that is settled with it looks for `then`.
    get: (_, method) => (method === 'then' ? undefined : (...args: unknown[]) => call(String(method), args)),
  };
  // Whatever is asked of it, it passes on: the suite's calls are the port's.
  return new Proxy({}, methods) as Port;
}
