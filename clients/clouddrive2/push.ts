/** What happens on the server, as it happens. */
import { Fault } from '#core/fault.ts';
import type { CloudDrivePushMessage__Output } from '#proto/generated/clouddrive/CloudDrivePushMessage.ts';
import type { Calls } from './calls.ts';
import { AREA } from './faults.ts';
import { service } from './interface.ts';
import { reconnecting } from './reconnect.ts';
import { type TransferTask, taskOf } from './tasks.ts';
import type { Time } from './time.ts';

export type PushEvent =
  /** At the beginning of each connection: what happened before it was not told. */
  | { readonly kind: 'connected' }
  /** Uploads whose state has changed. */
  | { readonly kind: 'uploads'; readonly tasks: readonly TransferTask[] }
  | {
      readonly kind: 'file';
      readonly change: 'created' | 'deleted' | 'renamed' | 'modified';
      readonly path: string;
      /** Of a renamed or moved one. */
      readonly newPath: string | null;
    }
  | {
      readonly kind: 'mount';
      readonly place: string;
      readonly action: 'mount' | 'unmount';
      readonly failReason: string | null;
    }
  /** The server goes away. */
  | { readonly kind: 'exit'; readonly reason: string }
  | { readonly kind: 'other' };

/** Goes on over breaks of the connection, until the signal aborts it or a Fault that time does not mend ends it. */
export async function* pushMessages(
  calls: Calls,
  time: Time,
  signal: AbortSignal,
): AsyncGenerator<PushEvent, never, undefined> {
  const open = (connection: AbortSignal) => calls.open(service.PushMessage, {}, { tries: 1 }, connection);
  const connections = reconnecting(open, { kind: 'connected' } as const, time, signal);
  for await (const message of connections) yield 'kind' in message ? message : eventOf(message);
  throw new Fault('bug', `${AREA}.push_ended`, 'the stream of messages ended by itself');
}

function eventOf(message: CloudDrivePushMessage__Output): PushEvent {
  const { transferTaskStatus, fileSystemChange: file, mountPointChange: mount, exitedMessage: exit } = message;
  if (message.messageType === 'UPLOADER_COUNT' && transferTaskStatus != null) {
    return { kind: 'uploads', tasks: transferTaskStatus.uploadFileStatusChanges.map(taskOf) };
  }
  if (file != null) {
    // A kind that a newer server has means at least that there is something.
    const change = CHANGES[file.changeType] ?? 'created';
    return { kind: 'file', change, path: file.path, newPath: file.newPath ?? null };
  }
  if (mount != null) {
    const action = mount.actionType === 'MOUNT' ? 'mount' : 'unmount';
    return { kind: 'mount', place: mount.mountPoint, action, failReason: mount.success ? null : mount.failReason };
  }
  if (exit != null) return { kind: 'exit', reason: exit.exitReason };
  return { kind: 'other' };
}

const CHANGES: Readonly<Record<string, 'created' | 'deleted' | 'renamed' | 'modified'>> = {
  CREATE: 'created',
  DELETE: 'deleted',
  RENAME: 'renamed',
  MODIFY: 'modified',
};
