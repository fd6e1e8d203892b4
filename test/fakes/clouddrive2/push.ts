/** The stream of everything that happens on the server. */
import { Metadata, type ServerWritableStream, status } from '@grpc/grpc-js';
import type { CloudDrivePushMessage } from '#proto/generated/clouddrive/CloudDrivePushMessage.ts';
import type { Empty__Output } from '#proto/generated/google/protobuf/Empty.ts';
import type { Handlers } from './proto.ts';
import type { Serve } from './serve.ts';
import type { World } from './world.ts';

export interface Push {
  readonly handlers: Handlers<'PushMessage'>;
  send(message: CloudDrivePushMessage): void;
  /** Of all listeners together: what they have not taken yet. */
  unsent(): number;
  dropListeners(): void;
}

export function push(world: World, serve: Serve): Push {
  const listeners = new Set<ServerWritableStream<Empty__Output, CloudDrivePushMessage>>();
  return {
    handlers: {
      PushMessage: serve.stream('PushMessage', (call) => {
        listeners.add(call);
        call.on('cancelled', () => listeners.delete(call));
        if (!world.habits.has('headers come late')) call.sendMetadata(new Metadata());
        world.events.emit('listener');
      }),
    },
    send: (message) => {
      for (const listener of listeners) listener.write(message);
    },
    unsent: () => [...listeners].reduce((sum, { writableLength }) => sum + writableLength, 0),
    dropListeners: () => {
      for (const listener of listeners) {
        listener.emit('error', { code: status.UNAVAILABLE, details: 'connection reset' });
      }
      listeners.clear();
    },
  };
}
