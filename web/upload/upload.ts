/** One file on its way into staging: the state machine, and the loop that drives it. */
import type { DigestAsk, Digests } from '#core/wire/digest.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { ChunkTicket, UploadAnswer } from '#core/wire/upload.ts';
import { toUploadError, UploadError } from './error.ts';
import { difference, type Fingerprint } from './fingerprint.ts';
import { type Algorithm, type Hasher, isInstant } from './instant.ts';
import { byteMeter } from './meter.ts';
import { patiently, type Waiting } from './patience.ts';
import type { UploadRecord } from './record.ts';
import { sendChunks } from './send-chunks.ts';
import type { Slots } from './slots.ts';
import { fingerprintOf, type Source } from './source.ts';
import type { Surroundings } from './surroundings.ts';
import type { NewUpload } from './upload-api.ts';
import { initialState, isEnd, isRunning, isSettled, type UploadState } from './upload-state.ts';
import { type ChunkSet, chunkSet } from './window.ts';

export interface Upload {
  readonly key: string;
  state(): UploadState;
  /** From queued until staged, failed, paused or canceled. Never rejects. */
  run(): Promise<void>;
  /** Stops at once. */
  pause(): void;
  /** From paused or failed to queued. */
  resume(): void;
  /** Stops at once and has the server drop what is staged. Rejects when the server could not be told. */
  cancel(): Promise<void>;
  /** The server's word that nothing more is to be sent: delivered already, or canceled elsewhere. */
  settle(phase: 'staged' | 'canceled'): void;
  answer(asks: readonly DigestAsk[]): Promise<void>;
}

export interface UploadNeeds {
  readonly around: Surroundings;
  readonly slots: Slots;
  readonly hasher: Hasher;
  /** Computed before the create, so that a destination may know the file already. */
  readonly claims: readonly Algorithm[];
  readonly order: number;
  readonly onChange: (state: UploadState) => void;
  readonly onTransfers: (transfers: readonly TransferView[]) => void;
}

type Begun = NonNullable<UploadRecord['begun']>;

/** What is to be sent, and the tickets that came with the news. */
interface Opened {
  readonly begun: Begun;
  readonly print: Fingerprint;
  readonly staged: UploadAnswer['staged'];
  readonly tickets: readonly ChunkTicket[];
}

/** After all were sent: how often chunks that the bucket does not list are sent again. */
const ROUNDS_MAX = 3;

export function fileUpload(needs: UploadNeeds, first: UploadRecord, file: File): Upload {
  const { around } = needs;
  const source: Source = { file, handle: first.handle };
  const meter = byteMeter(around, change);
  let record = first;
  let state = initialState(record, around.nowMs());
  let stop = new AbortController();
  let asked: NewUpload | null = null;

  function change(part: Partial<UploadState>): void {
    state = { ...state, ...part };
    needs.onChange(state);
  }

  function onWaiting(waiting: Waiting): void {
    if (state.waiting !== waiting && isRunning(state.phase)) change({ waiting });
  }

  function call<Answer>(signal: AbortSignal, request: () => Promise<Answer>): Promise<Answer> {
    return patiently(around, signal, onWaiting, request);
  }

  async function drive(signal: AbortSignal): Promise<void> {
    const startedAtMs = state.startedAtMs ?? around.nowMs();
    change({ phase: 'preparing', error: null, waiting: null, startedAtMs, movedAtMs: around.nowMs() });
    const opened = record.begun ? await reopen(record.begun, signal) : await begin(signal);
    if (opened === null) return;
    const { begun } = opened;
    const chunks = chunkSet(begun.chunkCount);
    chunks.adopt(opened.staged);
    meter.reset(state.sizeBytes, leftBytes(chunks, begun, state.sizeBytes), chunks.toDo);
    change({ phase: 'sending' });
    for (let round = 0; chunks.toDo > 0; round += 1) {
      if (round === ROUNDS_MAX) throw new UploadError('client.bucket_refused', 'the staging bucket lost chunks');
      await sendRound(chunks, opened, signal);
      const answer = await read(begun.uploadId, signal);
      if (isSettled(answer)) return;
      chunks.adopt(answer.staged);
      meter.reset(state.sizeBytes, leftBytes(chunks, begun, state.sizeBytes), chunks.toDo);
    }
  }

  /** Null when no byte is needed. */
  async function begin(signal: AbortSignal): Promise<Opened | null> {
    const looking = fingerprintOf(source);
    const hasClaims = needs.claims.length > 0 && source.file.size > 0;
    const digests = hasClaims ? await looking.then(() => claimDigests(signal)) : null;
    const { print, answer } = await create(digests ? { ...record, digests } : record, looking, signal);
    const { id: uploadId, chunkBytes, chunkCount } = answer.upload;
    const begun: Begun = { uploadId, chunkBytes, chunkCount, fingerprint: print };
    record = { ...record, begun };
    change({ uploadId, chunkCount, chunksLeft: chunkCount });
    needs.onTransfers(answer.transfers);
    await around.records.put([record]);
    if (!hasClaims) return { begun, print, staged: [], tickets: answer.chunks };
    const calls = {
      answer: (asks: readonly DigestAsk[]) => answerAsks(uploadId, asks, signal),
      look: () => read(uploadId, signal),
    };
    if (await isInstant(around, answer, calls, signal)) return null;
    return { begun, print, staged: [], tickets: answer.chunks };
  }

  /** The file is looked at while the server answers: neither needs the other, and small files are mostly such waiting. */
  async function create(file: NewUpload, looking: Promise<Fingerprint>, signal: AbortSignal) {
    asked = file;
    const creating = call(signal, () => around.api.createUpload(file, record.key, signal));
    const [looked, created] = await Promise.allSettled([looking, creating]);
    if (created.status === 'rejected') throw created.reason;
    signal.throwIfAborted();
    if (looked.status === 'fulfilled') return { print: looked.value, answer: created.value };
    await around.api.removeUpload(created.value.upload.id).catch(() => undefined);
    throw looked.reason;
  }

  async function claimDigests(signal: AbortSignal): Promise<Digests> {
    change({ phase: 'hashing', hashedBytes: 0 });
    const digests = await needs.hasher.whole(source.file, needs.claims, signal, (hashedBytes) => {
      if (!signal.aborted) change({ hashedBytes, movedAtMs: around.nowMs() });
    });
    signal.throwIfAborted();
    change({ phase: 'preparing' });
    return digests;
  }

  async function answerAsks(uploadId: string, asks: readonly DigestAsk[], signal: AbortSignal): Promise<void> {
    const answers: { id: string; digest: string }[] = [];
    for (const ask of asks) answers.push({ id: ask.id, digest: await needs.hasher.range(source.file, ask, signal) });
    const answer = await call(signal, () => around.api.answerAsks(uploadId, answers, signal));
    needs.onTransfers(answer.transfers);
  }

  /** Null when the server needs nothing more. */
  async function reopen(begun: Begun, signal: AbortSignal): Promise<Opened | null> {
    const print = await fingerprintOf(source);
    if (difference(begun.fingerprint, print) !== null) {
      throw new UploadError('client.file_differs', 'this is not the file that the upload was begun with');
    }
    const answer = await read(begun.uploadId, signal).catch((cause: unknown) => {
      const { status } = toUploadError(cause);
      if (status !== 404 && status !== 410) throw cause;
      throw new UploadError('client.gone', 'the server no longer knows this upload', { status, cause });
    });
    if (isSettled(answer)) return null;
    if (answer.upload.phase !== 'open') throw new UploadError('client.gone', 'the upload is no longer open');
    return { begun, print, staged: answer.staged, tickets: [] };
  }

  async function read(uploadId: string, signal: AbortSignal): Promise<UploadAnswer> {
    const answer = await call(signal, () => around.api.readUpload(uploadId, signal));
    signal.throwIfAborted();
    needs.onTransfers(answer.transfers);
    return answer;
  }

  function sendRound(chunks: ChunkSet, { begun, print, tickets }: Opened, signal: AbortSignal): Promise<void> {
    const isMine = () => !signal.aborted;
    const sending = {
      uploadId: begun.uploadId,
      chunkBytes: begun.chunkBytes,
      sizeBytes: state.sizeBytes,
      chunks,
      tickets,
      source,
      fingerprint: print,
      order: needs.order,
      bytesPerSecond: meter.bytesPerSecond,
      onProgress: (number: number, sentBytes: number) => {
        if (isMine()) meter.progress(number, sentBytes);
      },
      onStaged: (number: number, sizeBytes: number) => {
        if (isMine()) meter.staged(number, sizeBytes, chunks.toDo + chunks.inFlight);
      },
      onWaiting,
    };
    return sendChunks(around, needs.slots, sending, signal);
  }

  function end(phase: 'staged' | 'canceled' | 'paused' | 'failed', error: UploadState['error'] = null): void {
    stop.abort();
    meter.stop();
    const stagedBytes = phase === 'staged' ? state.sizeBytes : state.stagedBytes;
    const chunksLeft = phase === 'staged' ? 0 : state.chunksLeft;
    const stopped = { waiting: null, bytesPerSecond: 0, etaSeconds: null, endedAtMs: around.nowMs() };
    change({ ...stopped, phase, error, stagedBytes, sentBytes: stagedBytes, chunksLeft });
  }

  async function fail(error: unknown): Promise<void> {
    const { code, message } = toUploadError(error);
    end('failed', { code, message });
    if (code !== 'client.file_changed' || !record.begun) return;
    // What is staged is of a version that is no more and can never become whole.
    const { uploadId } = record.begun;
    record = { ...record, begun: null };
    await around.records.remove([record.key]);
    await around.api.removeUpload(uploadId).catch(() => undefined);
  }

  return {
    key: first.key,
    state: () => state,
    async run() {
      if (state.phase !== 'queued') return;
      stop = new AbortController();
      const { signal } = stop;
      try {
        await drive(signal);
        if (signal.aborted) return;
        end('staged');
        await around.records.remove([record.key]);
      } catch (error) {
        if (!signal.aborted) await fail(error);
      }
    },
    pause() {
      if (state.phase === 'queued' || isRunning(state.phase)) end('paused');
    },
    resume() {
      if (state.phase !== 'paused' && state.phase !== 'failed') return;
      change({ phase: 'queued', error: null, endedAtMs: null, movedAtMs: around.nowMs() });
    },
    async cancel() {
      if (isEnd(state.phase)) return;
      const wasAsked = asked;
      end('canceled');
      await around.records.remove([record.key]);
      // A create whose answer was not awaited may have reached the server: the same key brings its id.
      if (!record.begun && !wasAsked) return;
      const uploadId =
        record.begun?.uploadId ?? (wasAsked && (await around.api.createUpload(wasAsked, record.key)).upload.id);
      if (uploadId) await around.api.removeUpload(uploadId);
    },
    settle(phase) {
      if (isEnd(state.phase)) return;
      end(phase);
      void around.records.remove([record.key]);
    },
    async answer(asks) {
      if (record.begun && isRunning(state.phase)) await answerAsks(record.begun.uploadId, asks, stop.signal);
    },
  };
}

function leftBytes(chunks: ChunkSet, { chunkBytes, chunkCount }: Begun, sizeBytes: number): number {
  if (chunks.toDo === 0) return 0;
  const shortBytes = chunkCount * chunkBytes - sizeBytes;
  return chunks.toDo * chunkBytes - (chunks.isStaged(chunkCount) ? 0 : shortBytes);
}
