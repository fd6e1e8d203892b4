/** One file by WebDAV: a single request, which several answers may flow into, then a move to its name. */
import type { DavClient, DavEntry } from '#clients/clouddrive2/dav.ts';
import { unlessAborted } from '#clients/clouddrive2/time.ts';
import { Fault } from '#core/fault.ts';
import type { Item } from '#core/ports/provider.ts';
import { chunksOf } from './chunks.ts';
import { AREA, nameTaken } from './faults.ts';
import type { Sink } from './puller.ts';
import type { WebdavSession } from './session.ts';

export interface DavPlaces {
  readonly temporary: string;
  readonly target: string;
}

interface Put {
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly done: Promise<void>;
  readonly stop: AbortController;
}

export function webdavSink(
  client: DavClient,
  { temporary, target }: DavPlaces,
  { replaces }: WebdavSession,
  { sizeBytes }: Item,
): Sink {
  let under: Put | null = null;

  async function close(): Promise<void> {
    const before = under;
    under = null;
    if (before === null) return;
    before.stop.abort(new Error('the put is given up'));
    await before.done.catch(() => 'given up');
  }

  function begin(): Put {
    // Passes on one chunk at a time: whoever writes waits for the socket.
    const pipe = new TransformStream<Uint8Array, Uint8Array>();
    const stop = new AbortController();
    const body = { sizeBytes, source: chunksOf(pipe.readable, stop.signal) };
    const done = client.put(temporary, body, stop.signal);
    const writer = pipe.writable.getWriter();
    writer.closed.catch(() => 'the request tells why');
    done.catch(() => 'told to whoever writes');
    return { writer, done, stop };
  }

  /** By a call before this one, whose answer was lost. */
  async function isMoved(signal: AbortSignal): Promise<boolean> {
    const there = await client.stat(target, signal);
    return there?.sizeBytes === sizeBytes && !isOld({ replaces }, there);
  }

  return {
    askBytes: Number.POSITIVE_INFINITY,
    manner: 'one-go',
    held: async (signal) => ((await client.stat(temporary, signal))?.sizeBytes === sizeBytes ? sizeBytes : 0),
    write: async ({ start, end }, bytes, signal) => {
      if (start === 0) {
        await close();
        under = begin();
      }
      const put = under;
      if (put === null) throw new Fault('transient', `${AREA}.put_again`, 'the put has broken off and begins anew');
      try {
        let at = start;
        for await (const chunk of chunksOf(bytes, signal)) {
          at += chunk.length;
          if (at > end) break;
          await unlessAborted(put.writer.write(chunk), signal);
        }
        if (at !== end) {
          throw new Fault(
            'transient',
            `${AREA}.source_length`,
            'the source does not have exactly the bytes of the file',
          );
        }
        if (end < sizeBytes) return;
        await put.writer.close();
        await unlessAborted(put.done, signal);
        under = null;
      } catch (error) {
        under = null;
        throw await reasonOf(put, error);
      }
    },
    finish: async (signal) => {
      const seen = await client.stat(temporary, signal);
      if (seen === null && (await isMoved(signal))) return;
      // An empty file has no bytes to be asked for, and is put all the same.
      if (seen === null && sizeBytes === 0) await client.put(temporary, { sizeBytes, source: nothing() }, signal);
      else if (seen?.sizeBytes !== sizeBytes) {
        throw new Fault('gone', `${AREA}.put_short`, 'WebDAV does not have what was put: it is sent again');
      }
      try {
        await client.move(temporary, target, replaces === null ? 'keep' : 'replace', signal);
      } catch (error) {
        throw error instanceof Fault && error.code === `${AREA}.exists` ? nameTaken() : error;
      }
    },
    close,
  };
}

/** What stands there is still the file that was there before. */
export function isOld(
  { replaces }: Pick<WebdavSession, 'replaces'>,
  { sizeBytes, modifiedAtMs }: Pick<DavEntry, 'sizeBytes' | 'modifiedAtMs'>,
): boolean {
  return replaces !== null && replaces.sizeBytes === sizeBytes && replaces.modifiedAtMs === modifiedAtMs;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** A refusal of the request ends the writing with an error that says nothing: the request's own is told. */
async function reasonOf({ stop, done }: Put, error: unknown): Promise<unknown> {
  const givenUp = new Error('the put is given up');
  stop.abort(givenUp);
  const reason = await done.then(
    () => new Fault('transient', `${AREA}.put_again`, 'WebDAV answered before it had the whole file'),
    (told: unknown) => told,
  );
  return reason === givenUp ? error : reason;
}
