/** One time of being attached: from the first word to the end of the stream. */
import type { ClientReadableStream } from '@grpc/grpc-js';
import { callOver, faultText, lost } from '#clients/agents/fault-text.ts';
import { faultOfStatus } from '#clients/agents/faults.ts';
import { CALLS_MAX, JSON_BYTES_MAX, PROTOCOL, SILENCE_MS } from '#clients/agents/interface.ts';
import { readJson, writeJson } from '#clients/agents/json.ts';
import { BucketLink } from '#clients/agents/links.ts';
import { Fault, toFault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ProviderKind } from '#core/ports/connection.ts';
import type { AgentFacts } from '#core/wire/agent.ts';
import type { Call__Output } from '#proto/generated/agent/Call.ts';
import type { FromAgent } from '#proto/generated/agent/FromAgent.ts';
import type { Piece__Output } from '#proto/generated/agent/Piece.ts';
import type { Probe__Output } from '#proto/generated/agent/Probe.ts';
import type { ToAgent__Output } from '#proto/generated/agent/ToAgent.ts';
import { openAsks } from './asks.ts';
import type { BucketDoor } from './bucket-door.ts';
import { parseCall, type WireCall } from './call.ts';
import { agentDrivers } from './drivers.ts';
import type { HomeLine } from './home-line.ts';
import { remotePart } from './part.ts';
import { type PulledPart, pulledPart } from './pulled-part.ts';

export interface Attachment {
  /** Resolves when the home has taken it; rejects with the Fault that it was refused with. */
  readonly welcome: Promise<void>;
  /** Why it ended: what the home said, or the Fault of a line that broke. */
  readonly ended: Promise<Ending>;
  /** Takes nothing new, gives up what is under way, and tells the home so. Resolves when that is done. */
  leave(): Promise<void>;
}

export type Ending =
  | { readonly kind: 'told'; readonly reason: string }
  | { readonly kind: 'broken'; readonly fault: Fault };

export interface AttachmentParts {
  readonly line: HomeLine;
  readonly bucket: BucketDoor;
  readonly facts: AgentFacts;
  readonly kinds: readonly ProviderKind[];
  readonly clock: Clock;
  /** The newest one; asked for each time that one is needed. */
  readonly token: () => string;
  readonly memoryBytes: () => number;
  /** The home has answered a heartbeat. */
  readonly onHeard: () => void;
  readonly onCall: (call: CallNote) => void;
  /** The bucket is reached, or is not any more, and why not: a Fault's code. */
  readonly onBucket: (code: string | null) => void;
}

export interface CallNote {
  readonly method: string;
  readonly provider: string;
  readonly elapsedMs: number;
  /** Of the Fault; absent: it went well. */
  readonly code?: string;
}

/** To connect, and to be taken. */
const WELCOME_MS = 30_000;
/** A driver that was told to end has this long to do so. */
const LEAVE_MS = 5_000;

export function attach(parts: AttachmentParts): Attachment {
  const { line, bucket, facts, kinds, clock, token, memoryBytes, onHeard, onCall, onBucket } = parts;
  const welcome = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<Ending>();
  const waiting = new AbortController();
  const over = new AbortController();
  const underWay = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  const stream = line.attach(token());
  const told: Told = { token: token(), heardAtMs: clock.now(), isLeaving: false, bucket: undefined };
  const asks = openAsks(say);
  const drivers = agentDrivers(kinds, asks, clock);

  function say(message: FromAgent): void {
    if (!over.signal.aborted) stream.write(message);
  }

  function end(ending: Ending): void {
    if (over.signal.aborted) return;
    const fault = ending.kind === 'broken' ? ending.fault : lost();
    over.abort();
    asks.fail(fault);
    for (const { abort } of underWay.values()) abort.abort(fault);
    stream.cancel();
    welcome.reject(fault);
    ended.resolve(ending);
  }

  async function run(call: Call__Output, signal: AbortSignal): Promise<void> {
    const startedAtMs = clock.now();
    const note = (code?: string): void =>
      onCall({
        method: call.method,
        provider: call.provider,
        elapsedMs: clock.now() - startedAtMs,
        ...(code === undefined ? {} : { code }),
      });
    const readings = new AbortController();
    let part: PulledPart | null = null;
    try {
      if (told.isLeaving) throw new Fault('transient', 'agent.away', 'the agent is about to end');
      if (underWay.size > CALLS_MAX) throw new Fault('throttled', 'agent.busy', 'the agent has enough to do');
      const parsed = parseCall(call);
      part = partOf(parsed, AbortSignal.any([signal, readings.signal]));
      const body = part?.body ?? null;
      const value = await drivers.use(parsed, (driver) => parsed.run(driver, body, { signal }));
      say({ result: { call_id: call.call_id, value: writeJson(value, JSON_BYTES_MAX) } });
      note();
    } catch (error) {
      const fault = toFault(part?.sourceFault() ?? error);
      say({ result: { call_id: call.call_id, fault: faultText(fault) } });
      note(fault.code);
    } finally {
      // A driver may have left one before its end.
      readings.abort(callOver());
    }
  }

  function partOf({ id, part: head, way }: WireCall, signal: AbortSignal): PulledPart | null {
    if (head === null) return null;
    const read = (): ClientReadableStream<Piece__Output> => line.read(token(), id);
    const overLine = remotePart(head, read, signal);
    // What goes wrong with the staged bytes the home has seen for itself then.
    if (way === 'LINE') return { body: overLine, sourceFault: () => null };
    return pulledPart({
      head,
      door: bucket,
      locate: (from) => asks.locate(id, from),
      clock,
      signal,
      onBytes: (size_bytes) => say({ pulled: { call_id: id, size_bytes } }),
      onUnreached: (fault) => tellBucket(0, fault),
      line: way === 'BUCKET' ? overLine : null,
    });
  }

  function tellBucket(probe_id: number, fault: Fault | null): void {
    say({ probed: { probe_id, fault: fault === null ? '' : faultText(fault) } });
    const code = fault?.code ?? null;
    if (told.bucket !== code) onBucket(code);
    told.bucket = code;
  }

  async function probe({ probe_id, link }: Probe__Output): Promise<void> {
    const parsed = BucketLink.safeParse(readJson(link)).data;
    if (parsed === undefined) return;
    const fault = await bucket.probe(parsed, over.signal).then(() => null, toFault);
    if (!over.signal.aborted) tellBucket(probe_id, fault);
  }

  function start(call: Call__Output): void {
    const abort = new AbortController();
    const done = run(call, abort.signal).finally(() => underWay.delete(call.call_id));
    underWay.set(call.call_id, { abort, done });
  }

  function cancel(callId: string): void {
    const reason = new Fault('transient', 'agent.call_canceled', 'the home does not want this call any more');
    underWay.get(callId)?.abort.abort(reason);
  }

  /** Also how it is noticed that the home has gone without a word. */
  async function beat(everyMs: number): Promise<void> {
    while (!over.signal.aborted) {
      if (clock.now() - told.heardAtMs >= SILENCE_MS) return end(SILENT);
      const newest = token();
      say({ heartbeat: { memory_bytes: memoryBytes(), token: newest === told.token ? '' : newest } });
      told.token = newest;
      await clock.sleep(everyMs, over.signal).catch(() => undefined);
    }
  }

  stream.on('data', (message: ToAgent__Output) => {
    told.heardAtMs = clock.now();
    if (message.welcome) {
      waiting.abort();
      welcome.resolve();
      void beat(message.welcome.heartbeat_ms);
    }
    if (message.heard) onHeard();
    if (message.call) start(message.call);
    if (message.cancel) cancel(message.cancel.call_id);
    if (message.answer) asks.answered(message.answer);
    if (message.replace) asks.replace(message.replace);
    if (message.probe) void probe(message.probe);
    if (message.leave) end({ kind: 'told', reason: message.leave.reason });
  });
  stream.on('error', (error) => end({ kind: 'broken', fault: faultOfStatus(error) }));
  stream.on('end', () => end({ kind: 'broken', fault: lost() }));
  // Who only wants to know when it ended need not hear that it never began.
  welcome.promise.catch(() => undefined);
  clock.sleep(WELCOME_MS, AbortSignal.any([waiting.signal, over.signal])).then(
    () => end(SILENT),
    () => undefined,
  );
  say({ hello: { protocol: PROTOCOL, facts: JSON.stringify(facts) } });

  return {
    welcome: welcome.promise,
    ended: ended.promise,
    leave: async () => {
      told.isLeaving = true;
      say({ bye: {} });
      const reason = new Fault('transient', 'agent.ending', 'the agent ends');
      const patience = new AbortController();
      const all = [...underWay.values()].map(({ abort, done }) => {
        abort.abort(reason);
        return done;
      });
      const late = clock.sleep(LEAVE_MS, patience.signal).catch(() => undefined);
      await Promise.race([Promise.all(all), late]);
      stream.end();
      // The home ends its side when it has heard everything.
      await Promise.race([ended.promise, late]);
      patience.abort();
    },
  };
}

interface Told {
  token: string;
  heardAtMs: number;
  isLeaving: boolean;
  /** Why the bucket is not reached; null: it is, undefined: nobody has asked. */
  bucket: string | null | undefined;
}

const SILENT: Ending = {
  kind: 'broken',
  fault: new Fault('transient', 'agent.home_silent', 'the home does not answer'),
};
