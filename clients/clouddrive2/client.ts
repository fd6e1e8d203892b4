/** CloudDrive2 by one object. Connects with the first call and holds the connection until `close`. Reads no environment. */

import { Fault } from '#core/fault.ts';
import { callsOver, QUICK, unaryInPublic } from './calls.ts';
import { type Address, openChannel, originOf } from './channel.ts';
import type { Line } from './exchange.ts';
import { AREA, clouddriveFault, Refused } from './faults.ts';
import { type Files, filesOver } from './files.ts';
import { makeFolders } from './folders.ts';
import { service } from './interface.ts';
import { type Mount, type Mounts, mountsOver } from './mounts.ts';
import { type PushEvent, pushMessages } from './push.ts';
import { type RemoteUploads, remoteUploadsOver } from './remote-upload.ts';
import { type ServerCalls, serverOver } from './server.ts';
import { type TransferTasks, tasksOver } from './tasks.ts';
import type { Time } from './time.ts';
import { type Credentials, type IssuedToken, type LogIn, tokens } from './tokens.ts';
import { type Writes, writesOver } from './writes.ts';

export interface CloudDrive2Options {
  readonly address: Address;
  readonly credentials: Credentials;
  readonly time: Time;
  /** No single try of a call waits longer than this. Each kind of call has its own deadline besides, 30 s to 15 min. */
  readonly deadlineMsMax?: number;
}

/** Every call rejects with a Fault, or with the reason of its signal. The names are explained in `README.md`. */
export interface CloudDrive2Client extends ServerCalls, Mounts, Files, TransferTasks, Writes, RemoteUploads {
  /** Another name of `mountList`. */
  getMountPoints(signal: AbortSignal): Promise<readonly Mount[]>;
  /** With everything above it; an existing folder is fine. */
  fsMkdir(path: string, signal: AbortSignal): Promise<void>;
  /** What happens on the server, also over breaks of the connection. */
  pushMessages(signal: AbortSignal): AsyncGenerator<PushEvent, never, undefined>;
  /** Nothing may be asked afterwards. Streams end by their signals. */
  close(): void;
}

/** Throws Fault `auth` for an address that is none. */
export function createCloudDrive2Client(options: CloudDrive2Options): CloudDrive2Client {
  const { address, time } = options;
  const client = openChannel(address);
  const line = { client, time, deadlineMsMax: options.deadlineMsMax ?? Number.POSITIVE_INFINITY };
  const calls = callsOver(
    line,
    tokens(options.credentials, (account) => logIn(line, account), time),
  );
  const mounts = mountsOver(calls);
  return {
    ...serverOver(calls, time),
    ...mounts,
    ...filesOver(calls, originOf(address.url)),
    ...tasksOver(calls),
    ...writesOver(calls),
    ...remoteUploadsOver(calls, time),
    getMountPoints: mounts.mountList,
    fsMkdir: (path, signal) => makeFolders(calls, path, signal),
    pushMessages: (signal) => pushMessages(calls, time, signal),
    close: () => client.close(),
  };
}

/** Shared by all who wait for a token, so that it obeys the signal of none of them, but its deadline. */
async function logIn(line: Line, account: LogIn): Promise<IssuedToken> {
  const { signal } = new AbortController();
  const reply = await unaryInPublic(line, service.GetToken, { ...account }, QUICK, signal);
  if (!reply.success) {
    const text = 'CloudDrive2 refused the user name, the password or the code: correct them, then press retry';
    throw new Fault('auth', `${AREA}.bad_login`, text, {
      cause: clouddriveFault(new Refused(0, reply.errorMessage), 'GetToken', null),
    });
  }
  return { token: reply.token, endsAtMs: reply.expiration === null ? null : reply.expiration.seconds * 1000 };
}
