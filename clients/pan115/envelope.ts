/** The shells in which 115's servers answer, and what is to be read out of them. */
import * as z from 'zod';
import type { Fault } from '#core/fault.ts';
import { refusalFault, strangeAnswer, unknownShape } from './faults.ts';
import type { HttpAnswer } from './http.ts';
import { looseInt, looseJson, looseText, looseTruth } from './loose.ts';

/**
 * The `data` of a good answer. An error's `data` is a list, whatever it is otherwise, so it is not looked at. `login`: the servers
 * that hand out tokens may set `state` and refuse beside it. Throws the Fault that the refusal means.
 */
export function dataOf<T>(
  answer: HttpAnswer,
  {
    endpoint,
    schema,
    kind,
  }: { readonly endpoint: string; readonly schema: z.ZodType<T>; readonly kind: 'api' | 'login' },
): T {
  const shell = Shell.safeParse(jsonOf(answer));
  if (!shell.success) throw unknownShape(endpoint, firstPath(shell.error));
  const refusal = refusalIn(shell.data, kind);
  if (refusal !== null) throw refusal;
  return parsed(schema, shell.data.data, endpoint);
}

/** Any JSON of 115's. Throws Fault `throttled` `pan115.blocked` for a page of its firewall. */
export function jsonOf({ status, bytes, retryAfterMs }: HttpAnswer): unknown {
  const text = bytes.toString('utf8');
  try {
    const value = looseJson(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw strangeAnswer(status, text, retryAfterMs);
}

export function parsed<T>(schema: z.ZodType<T>, value: unknown, endpoint: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw unknownShape(endpoint, firstPath(result.error));
}

const Shell = z.object({
  state: looseTruth,
  code: looseInt.optional().catch(0),
  errno: looseInt.optional().catch(0),
  message: looseText.optional().catch(''),
  error: looseText.optional().catch(''),
  data: z.unknown(),
});

function refusalIn(shell: z.infer<typeof Shell>, kind: 'api' | 'login'): Fault | null {
  const number = shell.code || shell.errno || 0;
  const isFine = shell.state && (kind === 'api' || (number === 0 && (shell.error ?? '') === ''));
  return isFine ? null : refusalFault({ number, message: shell.message || shell.error || '' });
}

function firstPath(error: z.ZodError): string {
  return error.issues[0]?.path.join('.') || 'its root';
}
