/** The Worker's side of `test/support/workerd-port.ts`. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';

const Call = z.object({ port: z.string(), subject: z.string(), method: z.string(), args: z.array(z.unknown()) });

/** `find` answers the adapter of a port over the state called `subject`, as one object of methods. */
export async function answerCall(
  request: Request,
  find: (port: string, subject: string) => object | undefined,
): Promise<Response> {
  const { port, subject, method, args } = Call.parse(await request.json());
  const found: unknown = Reflect.get(find(port, subject) ?? {}, method);
  if (typeof found !== 'function') return new Response(`no ${port}.${method} here`, { status: 404 });
  try {
    const value: unknown = await found(...args);
    return Response.json({ value });
  } catch (error) {
    if (!(error instanceof Fault)) return Response.json({ error: String(error) });
    const { kind, code, message } = error;
    return Response.json({ fault: { kind, code, message } });
  }
}
