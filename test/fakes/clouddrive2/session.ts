/**
 * One remote upload, from the server's side: it asks for hashes, decides whether it has the file, asks for bytes in its own order, and
 * believes nothing but the bytes that it holds.
 */
import type { RemoteHashProgressUpload__Output } from '#proto/generated/clouddrive/RemoteHashProgressUpload.ts';
import type { RemoteReadDataReply } from '#proto/generated/clouddrive/RemoteReadDataReply.ts';
import type { RemoteReadDataUpload__Output } from '#proto/generated/clouddrive/RemoteReadDataUpload.ts';
import { holds } from './coverage.ts';
import { digestOf } from './digests.ts';
import type { Habit } from './habits.ts';
import { hashAsks } from './hash-asks.ts';
import { readAsks } from './read-asks.ts';
import type { HashWish, Held, Status, Upload, UploadWorld } from './upload.ts';

export interface Session {
  readonly upload: Upload;
  readonly status: Status;
  readonly errorMessage: string;
  readonly receivedBytes: number;
  readonly outstandingReads: number;
  begin(): void;
  take(piece: RemoteReadDataUpload__Output): RemoteReadDataReply;
  hashed(progress: RemoteHashProgressUpload__Output): void;
  control(what: 'cancel' | 'pause' | 'resume'): void;
  /** Asks again for everything that waits for an answer. */
  replay(): void;
  held(): Held;
  forget(): void;
}

const TERMINAL: ReadonlySet<Status> = new Set<Status>([
  'Finish',
  'Skipped',
  'Cancelled',
  'Error',
  'FatalError',
  'Ignored',
]);

export function session(upload: Upload, world: UploadWorld): Session {
  const hashes = hashAsks(upload, world);
  const reads = readAsks(upload, world);
  let current: Status = 'WaitforPreprocessing';
  let errorMessage = '';
  let resumed: Status = 'Inqueue';

  function stop(): void {
    hashes.stop();
    reads.stop();
  }

  function become(next: Status, text = ''): void {
    current = next;
    errorMessage = text;
    if (TERMINAL.has(next)) stop();
    const changed = { status: next, error_message: text };
    world.say({ upload_id: upload.id, request: 'status_changed', status_changed: changed });
    world.changed();
  }

  function prepare(): void {
    become('Preprocessing');
    for (const [type, value] of Object.entries(upload.knownHashes)) hashes.learn(Number(type), value);
    const missing = world.rules.hashes.filter(({ type }) => !hashes.values.has(type));
    if (missing.length === 0) decide();
    else if (upload.clientHashes) hashes.want(missing, decide);
    // It reads the file to hash it itself, and reads it again to send it on.
    else reads.want(() => hashItself(missing));
  }

  function hashItself(missing: readonly HashWish[]): void {
    for (const { type } of missing) hashes.learn(type, digestOf(type, reads.held().content));
    reads.drop();
    decide();
  }

  function decide(): void {
    if (isInstant(upload, hashes.values, world)) {
      world.store(Object.fromEntries(hashes.values), undefined);
      become(world.habits.has('skips what it has') ? 'Skipped' : 'Finish');
      return;
    }
    become('Inqueue');
    become('Transfer');
    reads.want(conclude);
  }

  function conclude(): void {
    const whole = world.rules.sample === undefined ? reads.held() : undefined;
    const bad = BAD_ENDS.find(([habit]) => world.habits.has(habit));
    const wrong = whole && faultIn(whole);
    if (bad !== undefined) become(bad[1], bad[2]);
    else if (wrong !== undefined) become('Error', wrong);
    else {
      world.store(Object.fromEntries(hashes.values), whole?.content);
      become('Finish');
    }
  }

  function faultIn({ ranges, content }: Held): string | undefined {
    if (!holds(ranges, { start: 0, end: upload.sizeBytes })) return 'bytes are missing';
    const wrong = hashes.disproved(content);
    return wrong && `the bytes do not have the ${wrong}`;
  }

  return {
    upload,
    get status() {
      return current;
    },
    get errorMessage() {
      return errorMessage;
    },
    get receivedBytes() {
      return reads.receivedBytes;
    },
    get outstandingReads() {
      return reads.outstanding;
    },
    begin: () => {
      become('WaitforPreprocessing');
      prepare();
    },
    take: reads.take,
    hashed: hashes.take,
    control: (what) => {
      if (TERMINAL.has(current)) return;
      if (what === 'cancel') become('Cancelled');
      if (what === 'pause' && current !== 'Pause') {
        resumed = current;
        stop();
        become('Pause');
      }
      if (what !== 'resume' || current !== 'Pause') return;
      if (resumed === 'Transfer') decide();
      else prepare();
    },
    replay: () => {
      hashes.replay();
      reads.replay();
    },
    held: reads.held,
    forget: stop,
  };
}

const INSTANT_BYTES = 1_000_000;

function isInstant(upload: Upload, hashes: ReadonlyMap<number, string>, { habits, has }: UploadWorld): boolean {
  if ([...hashes].some(([type, value]) => has(type, value))) return true;
  if (upload.sizeBytes === 0) return !habits.has('reads the empty file');
  return habits.has('small files are instant') && upload.sizeBytes < INSTANT_BYTES;
}

const BAD_ENDS: readonly (readonly [Habit, Status, string])[] = [
  ['ends with Error', 'Error', 'rapid upload error, statuscode: 5'],
  ['ends with FatalError', 'FatalError', 'the cloud refuses this file'],
  ['ends with Ignored', 'Ignored', 'ignored by rule'],
];
