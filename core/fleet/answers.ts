/** What drivers at agents answer, parsed: it comes from another machine, and perhaps from another release. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { PartReceiptTag } from '#core/plan.ts';
import { Session } from '#core/ports/provider.ts';
import { DigestAsk } from '#core/wire/digest.ts';
import { Receipt } from '#core/wire/transfer.ts';

/** What rows have room for. */
const SESSION_CHARS_MAX = 2_048;
const ASKS_MAX = 16;
const LOOK_AGAIN_MS_MAX = 60 * 60_000;

const SmallSession = Session.refine(
  (session) => JSON.stringify(session).length <= SESSION_CHARS_MAX,
  'a session of over 2 KiB',
);

export const OpeningAnswer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('done'), receipt: Receipt }),
  z.object({ kind: z.literal('ask'), asks: z.array(DigestAsk).max(ASKS_MAX) }),
  z.object({ kind: z.literal('ready'), session: SmallSession, notes: z.array(z.string()).default([]) }),
]);

export const PartAnswer = z.object({ number: z.int().min(1), tag: PartReceiptTag });

export const HoldingAnswer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('complete'), receipt: Receipt }),
  z.object({ kind: z.literal('settling'), lookAgainMs: z.int().min(0).max(LOOK_AGAIN_MS_MAX) }),
  z.object({ kind: z.literal('gone') }),
  z.object({ kind: z.literal('partial'), held: z.array(PartAnswer.extend({ sizeBytes: z.int().min(0) })) }),
]);

export { Receipt as FinishAnswer };

export const DiscardAnswer = z.null();

export const CheckAnswer = z
  .object({ message: z.string(), freeBytes: z.number().optional() })
  // An optional field that is there and undefined is another type.
  .transform(({ message, freeBytes }) => (freeBytes === undefined ? { message } : { message, freeBytes }));

/** Throws Fault `bug` `agent.answer`. */
export function answerOf<T>(schema: z.ZodType<T>, method: string, answer: unknown): T {
  const parsed = schema.safeParse(answer ?? null);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = [method, ...(issue?.path ?? [])].join('.');
  throw new Fault(
    'bug',
    'agent.answer',
    `an agent answered something else: ${where}: ${issue?.message ?? 'not valid'}`,
  );
}
