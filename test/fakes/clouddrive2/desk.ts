/** Remote uploads and the channels that carry their questions: one live channel for each device, the newest takes over. */
import { Metadata, type ServerWritableStream, status } from '@grpc/grpc-js';
import type { RemoteUploadChannelReply } from '#proto/generated/clouddrive/RemoteUploadChannelReply.ts';
import type { RemoteUploadChannelRequest__Output } from '#proto/generated/clouddrive/RemoteUploadChannelRequest.ts';
import type { Caller } from './accounts.ts';
import type { Handlers } from './proto.ts';
import { notFound, notSupported, Refusal } from './refusal.ts';
import type { Serve } from './serve.ts';
import { type Session, session } from './session.ts';
import { nameOf, parentOf, realPath } from './tree.ts';
import type { Held, Status } from './upload.ts';
import type { World } from './world.ts';

type Channel = ServerWritableStream<RemoteUploadChannelRequest__Output, RemoteUploadChannelReply>;

export interface UploadView {
  readonly id: string;
  readonly path: string;
  readonly status: Status;
  readonly errorMessage: string;
  readonly sizeBytes: number;
  readonly receivedBytes: number;
  readonly outstandingReads: number;
}

export interface Desk {
  readonly handlers: Handlers<
    'StartRemoteUpload' | 'RemoteUploadChannel' | 'RemoteReadData' | 'RemoteHashProgress' | 'RemoteUploadControl'
  >;
  uploads(): readonly UploadView[];
  control(id: string, what: 'cancel' | 'pause' | 'resume'): void;
  /** As after a restart: no call knows an upload of before. */
  forgetUploads(): void;
  /** Ends the channels as a broken network does, or otherwise. */
  dropChannels(code?: status): void;
  openChannels(): readonly string[];
}

interface Desked {
  readonly session: Session;
  device: string | undefined;
  /** Statuses that no channel has been told. */
  readonly unsaid: RemoteUploadChannelReply[];
}

export function desk(world: World, serve: Serve): Desk {
  const uploads = new Map<string, Desked>();
  const channels = new Map<string, Channel>();
  const leftBehind = new Map<string, Held>();
  let newest: string | undefined;
  let count = 0;

  function say(id: string, message: RemoteUploadChannelReply): void {
    const one = uploads.get(id);
    if (one === undefined) return;
    one.device ??= newest;
    const channel = one.device === undefined ? undefined : channels.get(one.device);
    if (channel !== undefined) channel.write(message);
    else if (message.request === 'status_changed') one.unsaid.push(message);
  }

  function find(id: string): Session {
    const one = uploads.get(id);
    if (one === undefined) throw new Refusal(status.NOT_FOUND, 'upload session not found');
    return one.session;
  }

  function start(
    path: string,
    request: { file_size: number; known_hashes: Record<string, string>; client_can_calculate_hashes: boolean },
  ): Session {
    count += 1;
    const id = `upload-${count}`;
    const place = `${path}:${request.file_size}`;
    const held = world.habits.has('resume skips parts') ? leftBehind.get(place) : undefined;
    const opened = session(
      {
        id,
        path,
        sizeBytes: request.file_size,
        knownHashes: request.known_hashes,
        clientHashes: request.client_can_calculate_hashes,
        ...(held === undefined ? {} : { held }),
      },
      {
        rules: world.rules,
        habits: world.habits,
        time: world.time,
        has: (type, value) => world.stock.has(`${type}:${value}`),
        say: (message) => say(id, message),
        violation: (text) => world.violations.push(`${id}: ${text}`),
        store: (hashes, content) => {
          const show = () => {
            world.tree.addFile({ path, sizeBytes: request.file_size, hashes, ...(content && { content }) });
          };
          if (world.habits.has('shows new files late')) world.late.push(show);
          else show();
        },
        changed: () => {
          leftBehind.set(place, opened.held());
          world.uploadsChanged();
        },
      },
    );
    uploads.set(id, { session: opened, device: newest, unsaid: [] });
    return opened;
  }

  function attach(device: string, channel: Channel): void {
    const replaced = channels.get(device);
    channels.set(device, channel);
    newest = device;
    replaced?.emit('error', Object.assign(new Error(), { code: status.ABORTED, details: 'channel replaced' }));
    channel.on('cancelled', () => {
      if (channels.get(device) === channel) channels.delete(device);
      world.events.emit('channel', device);
    });
    if (!world.habits.has('headers come late')) channel.sendMetadata(new Metadata());
    for (const one of uploads.values()) {
      one.device ??= device;
      if (one.device !== device) continue;
      for (const message of one.unsaid.splice(0)) channel.write(message);
      one.session.replay();
    }
    if (world.habits.has('speaks of uploads of others')) {
      channel.write({ upload_id: 'of-somebody-else', request: 'read_data', read_data: { offset: 0, length: 10 } });
    }
    world.events.emit('channel', device);
  }

  function checkTarget(path: string, caller: Caller): string {
    const real = realPath(path, caller.rootDir);
    if (world.habits.has('no remote uploads here')) throw notSupported(`start_remote_upload for ${path}`);
    world.tree.cloudOf(parentOf(real), `start_remote_upload for ${path}`);
    if (nameOf(real) === '') throw new Refusal(status.INVALID_ARGUMENT, 'a file needs a name');
    if (world.tree.find(parentOf(real))?.kind !== 'folder') throw notFound(parentOf(path));
    return real;
  }

  return {
    handlers: {
      StartRemoteUpload: serve.unary('StartRemoteUpload', async (request, caller) => {
        const opened = start(checkTarget(request.file_path, caller), request);
        if (world.habits.has('asks before the start is answered')) {
          opened.begin();
          await new Promise<void>((resolve) => setImmediate(resolve));
        } else setImmediate(() => opened.begin());
        return { upload_id: opened.upload.id };
      }),
      RemoteUploadChannel: serve.stream('RemoteUploadChannel', (call) => attach(call.request.device_id, call)),
      RemoteReadData: serve.unary('RemoteReadData', (piece) => find(piece.upload_id).take(piece)),
      RemoteHashProgress: serve.unary('RemoteHashProgress', (progress) => {
        find(progress.upload_id).hashed(progress);
        return {};
      }),
      RemoteUploadControl: serve.unary('RemoteUploadControl', ({ upload_id, control }) => {
        if (control === undefined) throw new Refusal(status.INVALID_ARGUMENT, 'no control');
        find(upload_id).control(control);
        return {};
      }),
    },
    uploads: () =>
      [...uploads.values()].map(({ session: live }) => ({
        id: live.upload.id,
        path: live.upload.path,
        sizeBytes: live.upload.sizeBytes,
        status: live.status,
        errorMessage: live.errorMessage,
        receivedBytes: live.receivedBytes,
        outstandingReads: live.outstandingReads,
      })),
    control: (id, what) => find(id).control(what),
    forgetUploads: () => {
      for (const { session: one } of uploads.values()) {
        leftBehind.set(`${one.upload.path}:${one.upload.sizeBytes}`, one.held());
        one.forget();
      }
      uploads.clear();
    },
    dropChannels: (code = status.UNAVAILABLE) => {
      for (const channel of channels.values()) {
        channel.emit('error', Object.assign(new Error(), { code, details: 'connection reset' }));
      }
      channels.clear();
    },
    openChannels: () => [...channels.keys()],
  };
}
