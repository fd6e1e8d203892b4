/** The shells in which Bilibili's servers answer, and what is to be read out of them. */
import * as z from 'zod';
import { type Asked, type Refusal, refusalFault, strangeAnswer, unknownShape } from './faults.ts';
import type { HttpAnswer } from './http.ts';

interface Reading<T> {
  readonly endpoint: string;
  readonly asked: Asked;
  readonly schema: z.ZodType<T>;
}

/** The `data` of `{code: 0, data}`. Throws the Fault that the refusal means, by its code or else by the status. */
export function dataOf<T>(answer: HttpAnswer, { endpoint, asked, schema }: Reading<T>): T {
  const told = jsonOf(answer);
  const isRefused = answer.status >= 400;
  const shell = parsed(isRefused ? LooseShell : Shell, told, endpoint);
  if (isRefused || shell.code !== 0) throw refusalFault(refusalIn(shell, answer.status), asked);
  return parsed(schema, shell.data, endpoint);
}

/** The whole of `{OK: 1, …}`, as the servers of uploads answer. Throws the Fault that the refusal means, whatever the status is. */
export function okOf<T>(answer: HttpAnswer, { endpoint, asked, schema }: Reading<T>): T {
  const told = jsonOf(answer);
  if (answer.status < 300 && Ok.safeParse(told).success) return parsed(schema, told, endpoint);
  throw refusalFault(refusalIn(parsed(LooseShell, told, endpoint), answer.status), asked);
}

/** Throws the Fault that an answer without JSON means. */
export function jsonOf({ status, text }: HttpAnswer): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw strangeAnswer(status);
}

export function parsed<T>(schema: z.ZodType<T>, value: unknown, endpoint: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw unknownShape(endpoint, result.error.issues[0]?.path.join('.') || 'its root');
}

const Ok = z.object({ OK: z.literal(1) });

const Voucher = z.object({ v_voucher: z.string().min(1) });

const Shell = z.object({
  code: z.int(),
  message: z.string().catch(''),
  data: z.unknown().optional(),
  /** Beside the refusals of a pre-upload. */
  detail: z.unknown().optional(),
});

const LooseShell = Shell.extend({ code: z.int().catch(0) });

function refusalIn({ code, message, data, detail }: z.infer<typeof Shell>, status: number): Refusal {
  const hasVoucher = [data, detail].some((place) => Voucher.safeParse(place).success);
  return { number: code === 0 ? status : code, message, hasVoucher, status };
}
