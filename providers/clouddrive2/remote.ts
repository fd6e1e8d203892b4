/** The way by which the server asks: nothing is written to its disk first, and a cloud that knows the file asks for no byte. */
import type { CloudDrive2Client } from '#clients/clouddrive2/client.ts';
import type { HashKind } from '#clients/clouddrive2/hashes.ts';
import { hasherOf } from '#clients/clouddrive2/hashing.ts';
import { splitPath } from '#clients/clouddrive2/paths.ts';
import { isLazyRead, type RemoteAsk } from '#clients/clouddrive2/remote-asks.ts';
import { isFinal, type UploadState } from '#clients/clouddrive2/statuses.ts';
import type { TransferTask } from '#clients/clouddrive2/tasks.ts';
import { Fault } from '#core/fault.ts';
import type { Answer, Ask, FileDigestAsk, Item, ReadAsk, ServeHolding } from '#core/ports/provider.ts';
import { chunksOf } from './chunks.ts';
import { AREA, faultOfEnd } from './faults.ts';
import { folderOf, joined, type Link, temporaryName } from './link.ts';
import { chooseName, type TakenNames } from './names.ts';
import type { Patience } from './patience.ts';
import { partsOfRemoteId, type RemoteSession } from './session.ts';
import { fileAt, LOOK_AGAIN_MS, receiptOf, tasksOf } from './standing.ts';
import type { Way } from './way.ts';

export interface RemoteWay extends Way<RemoteSession> {
  /** Somebody waits for what comes through the channel. */
  isServing(): boolean;
  /** Null: nothing that anybody must be told. */
  heard(ask: RemoteAsk): Ask | null;
}

export interface RemoteNeeds {
  readonly link: Link;
  readonly taken: TakenNames;
  readonly waiting: Patience;
  /** Resolves when the channel stands, or nobody reads it. */
  needChannel(): Promise<void>;
}

interface End {
  readonly kind: 'arrived' | 'skipped' | 'failed';
  readonly fault: Fault | null;
  /** A bad end is told once: whoever asks again has been pressed to try again, which takes another upload. */
  readonly isTold: boolean;
}

/** How uploads ended, as the channel told: the task list may forget. */
const ENDS_MAX = 1_000;
/** Questions may come before the start is answered, so the channel is waited for; a server that is slow to open it is not. */
const CHANNEL_WAIT_MS = 3_000;
/** A file that was skipped, and does not stand there after so long, was skipped for another reason. */
const SKIPPED_MS = 15_000;

export function remoteWay({ link, taken, waiting, needChannel }: RemoteNeeds): RemoteWay {
  const ends = new Map<string, End>();
  const attached = new Set<string>();
  /** The task list has named an upload of ours by its id. */
  let isListedById = false;

  function remember(uploadId: string, end: End): void {
    ends.delete(uploadId);
    ends.set(uploadId, end);
    for (const oldest of ends.keys()) {
      if (ends.size <= ENDS_MAX) break;
      ends.delete(oldest);
    }
  }

  function ended(uploadId: string, state: UploadState, text: string): Ask | null {
    const end = endOf(state, text);
    if (end === null) return null;
    remember(uploadId, { ...end, isTold: attached.has(uploadId) });
    return { kind: 'ended', remoteId: `remote:${uploadId}`, fault: end.fault };
  }

  return {
    name: 'remote',
    isServing: () => attached.size > 0,
    heard: (ask) => (ask.kind === 'state' ? ended(ask.uploadId, ask.state, ask.errorMessage) : askOf(ask)),
    probe: async (signal) => {
      await link.mustBeFine(signal);
      await link.call((client) => client.mustKnowRemoteUpload(signal), signal);
    },
    begin: async (item, passed, signal) => {
      const folder = folderOf(link, item);
      const chosen = await link.call(async (client) => {
        await client.fsMkdir(folder, signal);
        return chooseName(link, item, taken, (path) => client.fsStat(path, signal));
      }, signal);
      const path = uploadPath(link, item, chosen);
      await Promise.race([needChannel(), link.clock.sleep(CHANNEL_WAIT_MS, signal)]);
      const { sha1, md5 } = item.digests;
      const hashes = { ...(sha1 === undefined ? {} : { sha1 }), ...(md5 === undefined ? {} : { md5 }) };
      const start = { path, sizeBytes: item.sizeBytes, hashes, hashing: 'by-us' } as const;
      const uploadId = await link.call((client) => client.startRemoteUpload(start, signal), signal);
      return { v: 1, way: 'remote', ...chosen, passed, uploadId };
    },
    attach: async (session, item, signal) => {
      signal.throwIfAborted();
      attached.add(session.uploadId);
      taken.take(joined(folderOf(link, item), session.name), item.transferId);
      await Promise.race([needChannel(), link.clock.sleep(CHANNEL_WAIT_MS, signal)]);
    },
    detach: ({ uploadId }) => void attached.delete(uploadId),
    answer: (ask, answer, signal) => link.call((client) => answerAsk(client, ask, answer, signal), signal),
    hold: ({ uploadId }, what, signal) =>
      link.call((client) => client.remoteUploadControl(uploadId, what, signal), signal),
    inspect: async (session, item, signal) => {
      // Asked in silence, it is to say soon what is the matter.
      await link.mustBeFine(signal);
      const holding = await link.call((client) => inspect(client, session, item, signal), signal);
      if (holding.kind === 'complete') {
        waiting.forget(session.uploadId);
        taken.release(joined(folderOf(link, item), session.name));
      }
      return holding;
    },
    discard: async (session, item, signal) => {
      await link.call((client) => discard(client, session, item, signal), signal);
      taken.release(joined(folderOf(link, item), session.name));
    },
  };

  async function inspect(
    client: CloudDrive2Client,
    session: RemoteSession,
    item: Item,
    signal: AbortSignal,
  ): Promise<ServeHolding> {
    const path = uploadPath(link, item, session);
    const task = await taskOf(client, session, item, path, signal);
    const end = ends.get(session.uploadId) ?? (task === undefined ? null : endOf(task.state, task.errorMessage));
    if (end === null) {
      if (task === undefined) return unlisted(client, session, item, signal);
      return { kind: 'partial', heldBytes: task.transferredBytes };
    }
    if (end.fault !== null) {
      if (end.isTold) return { kind: 'gone' };
      remember(session.uploadId, { ...end, isTold: true });
      throw end.fault;
    }
    const receipt = await placed(client, session, item, signal);
    if (receipt !== null) return { kind: 'complete', receipt };
    if (end.kind === 'skipped' && waiting.waitedMs(session.uploadId) >= SKIPPED_MS) {
      const text =
        'CloudDrive2 skipped the file, and does not have it: look at its rules for uploads, then press retry';
      throw new Fault('rejected', `${AREA}.skipped`, text);
    }
    return { kind: 'settling', lookAgainMs: LOOK_AGAIN_MS };
  }

  /** By its id, else by its path: that the list tells the ids of uploads is not documented. */
  async function taskOf(
    client: CloudDrive2Client,
    { uploadId }: RemoteSession,
    item: Item,
    path: string,
    signal: AbortSignal,
  ): Promise<TransferTask | undefined> {
    const tasks = await tasksOf(client, item, [splitPath(path).name], signal);
    const own = tasks.find(({ key }) => key === uploadId);
    if (own !== undefined) isListedById = true;
    if (isListedById) return own;
    const here = tasks.filter((task) => task.path.endsWith(path));
    return here.find(({ state }) => !isFinal(state)) ?? here.at(-1);
  }

  /** The server may have dropped a finished upload from its list, or forgotten one, as after a restart. */
  async function unlisted(
    client: CloudDrive2Client,
    session: RemoteSession,
    item: Item,
    signal: AbortSignal,
  ): Promise<ServeHolding> {
    const receipt = await placed(client, session, item, signal);
    if (receipt !== null) return { kind: 'complete', receipt };
    try {
      // Of one that is under way this changes nothing, and one that is paused would be listed.
      await client.remoteUploadControl(session.uploadId, 'resume', signal);
      return { kind: 'partial', heldBytes: null };
    } catch (error) {
      if (isUnknown(error)) return { kind: 'gone' };
      throw error;
    }
  }

  /** Gives a file that was uploaded beside its target the target's name. */
  async function placed(client: CloudDrive2Client, session: RemoteSession, item: Item, signal: AbortSignal) {
    const path = joined(folderOf(link, item), session.name);
    const upload = uploadPath(link, item, session);
    if (upload !== path && (await fileAt(client, { replaces: null }, item, upload, signal)) !== null) {
      await client.fsDelete(path, 'recycle', signal);
      await client.fsRename(upload, session.name, signal);
    }
    const file = await fileAt(client, session, item, path, signal);
    return file === null ? null : receiptOf(session, item, file, path);
  }

  async function discard(client: CloudDrive2Client, session: RemoteSession, item: Item, signal: AbortSignal) {
    try {
      await client.remoteUploadControl(session.uploadId, 'cancel', signal);
    } catch (error) {
      if (!isUnknown(error)) throw error;
    }
    if (session.replaces !== null) await client.fsDelete(uploadPath(link, item, session), 'recycle', signal);
  }
}

/** What stands there gives way only when the new file has arrived: how the server treats it else is not known. */
function uploadPath(link: Link, item: Item, { name, replaces }: Pick<RemoteSession, 'name' | 'replaces'>): string {
  return joined(folderOf(link, item), replaces === null ? name : temporaryName(item));
}

async function answerAsk(
  client: CloudDrive2Client,
  ask: ReadAsk | FileDigestAsk,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  const uploadId = partsOfRemoteId(ask.remoteId)?.id ?? '';
  const { sizeBytes } = answer;
  if (answer.kind === 'bytes') {
    const source = chunksOf(await answer.open(), signal);
    const read = { uploadId, isLazy: isLazyRead(ask.requestId) };
    await client.remoteReadData(read, { sizeBytes, ...answer.range, source }, signal);
    return;
  }
  const hash = hashKindIn(ask.requestId);
  if (answer.kind === 'hashing') {
    const { hashedBytes } = answer;
    await client.remoteHashProgress({ uploadId, hash, hashedBytes, sizeBytes }, signal);
    return;
  }
  const digest = { value: answer.digest, blocks: answer.blocks };
  await client.remoteHashProgress({ uploadId, hash, hashedBytes: sizeBytes, sizeBytes, digest }, signal);
}

function askOf(ask: Exclude<RemoteAsk, { kind: 'state' }>): Ask | null {
  // A question of a newer server is not answered, which shows as silence.
  if (ask.kind === 'connected' || ask.kind === 'unknown') return null;
  const { requestId } = ask;
  const remoteId = `remote:${ask.uploadId}`;
  if (ask.kind === 'read') return { kind: 'read', remoteId, requestId, range: ask.range };
  const { hash, blockBytes } = ask;
  return {
    kind: 'digest',
    remoteId,
    requestId,
    algorithm: hash === 'pikpak-sha1' || blockBytes !== undefined ? null : hash,
    hasher: (sizeBytes) => hasherOf(hash, sizeBytes, blockBytes),
  };
}

/** `hash:md5:0` */
function hashKindIn(requestId: string): HashKind {
  const kind = requestId.split(':')[1];
  if (kind === 'md5' || kind === 'sha1' || kind === 'pikpak-sha1') return kind;
  throw new Fault('bug', `${AREA}.wrong_answer`, 'no hash was asked for');
}

/** Null: it goes on. */
function endOf(state: UploadState, text: string): End | null {
  switch (state) {
    case 'finished':
      return { kind: 'arrived', fault: null, isTold: false };
    case 'skipped':
      return { kind: 'skipped', fault: null, isTold: false };
    case 'canceled':
    case 'ignored':
    case 'failed':
    case 'refused':
      return { kind: 'failed', fault: faultOfEnd(state, text, 'gone'), isTold: false };
    default:
      return null;
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof Fault && (error.kind === 'gone' || error.code === `${AREA}.not_found`);
}
