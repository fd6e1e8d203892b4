/** The ranges that an upload waits for, and what has come of them. Only bytes count: no word of the client ends a read. */
import { status } from '@grpc/grpc-js';
import type { RemoteReadDataReply } from '#proto/generated/clouddrive/RemoteReadDataReply.ts';
import type { RemoteReadDataUpload__Output } from '#proto/generated/clouddrive/RemoteReadDataUpload.ts';
import { holds, type Range, withRange } from './coverage.ts';
import type { Habit } from './habits.ts';
import { Refusal } from './refusal.ts';
import type { Held, Upload, UploadRules, UploadWorld } from './upload.ts';

export interface ReadAsks {
  readonly receivedBytes: number;
  readonly outstanding: number;
  /** Asks for the file, a few reads at a time, and calls `whenAll` when the last has its bytes. */
  want(whenAll: () => void): void;
  take(piece: RemoteReadDataUpload__Output): RemoteReadDataReply;
  replay(): void;
  stop(): void;
  /** Begins anew, as if no byte had come. */
  drop(): void;
  held(): Held;
}

interface Read {
  readonly offset: number;
  readonly length: number;
  readonly isLazy: boolean;
  got: readonly Range[];
}

export function readAsks(upload: Upload, { rules, habits, say, violation }: UploadWorld): ReadAsks {
  const { id, sizeBytes } = upload;
  const content = rules.sample === undefined ? Buffer.alloc(sizeBytes) : undefined;
  let held: readonly Range[] = upload.held?.ranges ?? [];
  let asked: readonly Range[] = [];
  let planned: Read[] = [];
  let waiting: Read[] = [];
  let receivedBytes = 0;
  let whenAll = () => {};
  if (content !== undefined) upload.held?.content.copy(content);

  function ask({ offset, length, isLazy }: Read): void {
    asked = withRange(asked, { start: offset, end: Math.min(offset + length, sizeBytes) });
    say({ upload_id: id, request: 'read_data', read_data: { offset, length, lazy_read: isLazy } });
  }

  function more(): void {
    const next = planned.splice(0, rules.readsMax - waiting.length);
    waiting.push(...next);
    for (const read of next) ask(read);
    if (waiting.length === 0) whenAll();
  }

  function check(piece: RemoteReadDataUpload__Output): void {
    const { offset, length, data } = piece;
    const refuse = (text: string) => new Refusal(status.INVALID_ARGUMENT, text);
    if (data.length > rules.pieceBytesMax) {
      const code = habits.has('limit is out of range') ? status.OUT_OF_RANGE : status.RESOURCE_EXHAUSTED;
      throw new Refusal(code, `message length too large: ${data.length} bytes, the limit is ${rules.pieceBytesMax}`);
    }
    if (length !== data.length) throw refuse(`${data.length} bytes come as ${length}`);
    if (offset + length > sizeBytes) throw refuse('bytes past the end of the file');
    if (!holds(asked, { start: offset, end: offset + length })) violation(`bytes from ${offset} were not asked for`);
    if (offset + length === sizeBytes && !piece.is_last_chunk) violation('the end of the file is not marked');
    const around = waiting.filter((read) => read.offset <= offset && read.offset + read.length >= offset + length);
    if (around.length > 0 && around.every(({ isLazy }) => isLazy !== piece.lazy_read))
      violation('lazy_read is not echoed');
  }

  return {
    get receivedBytes() {
      return receivedBytes;
    },
    get outstanding() {
      return waiting.length;
    },
    want: (then) => {
      whenAll = then;
      planned = plannedReads(sizeBytes, rules, habits)
        .filter(({ start, end }) => !holds(held, { start, end: Math.min(end, sizeBytes) }) || start === end)
        .map(({ start, end }, index) => ({ offset: start, length: end - start, isLazy: index % 2 === 1, got: [] }));
      more();
    },
    take: (piece) => {
      check(piece);
      if (habits.has('refuses pieces')) return { success: false, error_message: 'temporary failure of the cache' };
      const taken = habits.has('takes short') && piece.length > 1 ? piece.length - 1 : piece.length;
      const got = { start: piece.offset, end: piece.offset + taken };
      receivedBytes += taken;
      content?.set(piece.data.subarray(0, taken), piece.offset);
      held = withRange(held, got);
      for (const read of waiting) read.got = withRange(read.got, clip(got, wanted(read)));
      const before = waiting.length;
      waiting = waiting.filter((read) => !holds(read.got, wanted(read)) || isElsewhere(read, piece));
      if (waiting.length < before) more();
      return { success: true, bytes_received: taken, is_last_chunk: piece.is_last_chunk };
    },
    replay: () => waiting.forEach(ask),
    stop: () => {
      planned = [];
      waiting = [];
      whenAll = () => {};
    },
    drop: () => {
      held = [];
    },
    held: () => ({ ranges: held, content: content ?? Buffer.alloc(0) }),
  };

  function wanted({ offset, length }: Read): Range {
    return { start: offset, end: Math.min(offset + length, sizeBytes) };
  }
}

/** A read of nothing ends by a piece of nothing at the same place, not by the pieces of others. */
function isElsewhere(read: Read, piece: RemoteReadDataUpload__Output): boolean {
  return read.length === 0 && (piece.length !== 0 || piece.offset !== read.offset);
}

function clip(range: Range, to: Range): Range {
  return { start: Math.max(range.start, to.start), end: Math.min(range.end, to.end) };
}

function plannedReads(sizeBytes: number, rules: UploadRules, habits: ReadonlySet<Habit>): readonly Range[] {
  if (rules.sample !== undefined) return rules.sample(sizeBytes);
  if (sizeBytes === 0) return habits.has('reads the empty file') ? [{ start: 0, end: 0 }] : [];
  const { readBytes } = rules;
  const overlap = habits.has('reads overlap') ? Math.floor(readBytes / 4) : 0;
  const ranges = Array.from({ length: Math.ceil(sizeBytes / readBytes) }, (_, index) => ({
    start: Math.max(0, index * readBytes - overlap),
    end: Math.min((index + 1) * readBytes, sizeBytes),
  }));
  if (habits.has('reads past the end')) ranges.push({ start: ranges.pop()?.start ?? 0, end: sizeBytes + readBytes });
  const twice = habits.has('reads twice') ? ranges.flatMap((range) => [range, range]) : ranges;
  if (!habits.has('reads out of order')) return twice;
  return [...twice.filter((_, index) => index % 2 === 1).reverse(), ...twice.filter((_, index) => index % 2 === 0)];
}
