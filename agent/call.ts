/** A call as it comes down the line, parsed, and put to a driver. */
import * as z from 'zod';
import { readJson } from '#clients/agents/json.ts';
import { Fault } from '#core/fault.ts';
import { type CallContext, type Item, type PartBody, type PushProvider, Session } from '#core/ports/provider.ts';
import { Digests } from '#core/wire/digest.ts';
import { TransferId } from '#core/wire/ids.ts';
import type { Call__Output } from '#proto/generated/agent/Call.ts';
import type { PartHead } from './part.ts';

export interface WireCall {
  readonly id: string;
  readonly provider: string;
  readonly destinationId: string;
  readonly deviceId: string;
  readonly settings: unknown;
  readonly staging: z.infer<typeof Staging>;
  readonly part: PartHead | null;
  /** Of the part's bytes. */
  readonly way: Call__Output['way'];
  /** Runs it at this driver. Throws what the driver throws, and Fault `bug` `agent.bad_call`. */
  run(driver: PushProvider, part: PartBody | null, ctx: CallContext): Promise<unknown>;
}

/** Throws Fault `bug` `agent.bad_call`. */
export function parseCall(call: Call__Output): WireCall {
  const args = z.array(z.unknown()).safeParse(readJson(call.args)).data;
  const staging = Staging.safeParse(readJson(call.staging)).data;
  const part = call.part === '' ? null : Part.safeParse(readJson(call.part)).data;
  const settings = readJson(call.settings);
  const method = Method.safeParse(call.method).data;
  if (args === undefined || staging === undefined || part === undefined || method === undefined) throw badCall();
  return {
    id: call.call_id,
    provider: call.provider,
    destinationId: call.destination_id,
    deviceId: call.device_id,
    settings,
    staging,
    part,
    way: call.way,
    run: async (driver, body, ctx) => METHODS[method](driver, args, body, ctx),
  };
}

const Staging = z.object({
  service: z.enum(['s3', 'oss', 'memory']),
  endpoint: z.string(),
  bucket: z.string(),
});

const Range = z.object({ start: z.int().min(0), end: z.int().min(0) });
const Part = z.object({
  number: z.int().min(1),
  range: Range,
  sizeBytes: z.int().min(0),
  spans: z.array(z.object({ key: z.string(), version: z.string(), range: Range })),
});

const FileItem: z.ZodType<Item> = z.object({
  transferId: TransferId,
  name: z.string(),
  folder: z.string(),
  sizeBytes: z.int().min(0),
  contentType: z.string().exactOptional(),
  digests: Digests,
  answers: z.record(z.string(), z.string()),
});

const Method = z.enum(['open', 'put', 'inspect', 'finish', 'discard', 'check']);
const Put = z.tuple([Session, FileItem]);
const Inspect = z.tuple([Session, FileItem, z.object({ from: z.int(), to: z.int() })]);
const Finish = z.tuple([Session, FileItem, z.array(z.object({ number: z.int(), tag: z.string() }))]);

type Run = (
  driver: PushProvider,
  args: readonly unknown[],
  part: PartBody | null,
  ctx: CallContext,
) => Promise<unknown>;

const METHODS: Readonly<Record<z.infer<typeof Method>, Run>> = {
  open: (driver, args, _part, ctx) => driver.open(...parsed(z.tuple([FileItem]), args), ctx),
  put: (driver, args, part, ctx) => {
    if (part === null) throw badCall();
    return driver.put(...parsed(Put, args), part, ctx);
  },
  inspect: (driver, args, _part, ctx) => driver.inspect(...parsed(Inspect, args), ctx),
  finish: (driver, args, _part, ctx) => driver.finish(...parsed(Finish, args), ctx),
  discard: (driver, args, _part, ctx) => driver.discard(...parsed(Put, args), ctx),
  check: (driver, _args, _part, ctx) => driver.check(ctx),
};

function parsed<T>(schema: z.ZodType<T>, args: readonly unknown[]): T {
  const result = schema.safeParse(args);
  if (result.success) return result.data;
  throw badCall();
}

function badCall(): Fault {
  return new Fault(
    'bug',
    'agent.bad_call',
    'the agent does not understand what the home wants: is it of another version?',
  );
}
