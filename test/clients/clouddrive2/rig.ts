/** A client of a fake CloudDrive2 whose waits take no time, but are noted. */
import {
  type CloudDrive2Client,
  type CloudDrive2Options,
  createCloudDrive2Client,
} from '#clients/clouddrive2/client.ts';
import type { Fault } from '#core/fault.ts';
import { API_TOKEN, type FakeCloudDrive2, type FakeOptions, fakeCloudDrive2 } from '../../fakes/clouddrive2/server.ts';
import type { ManualTime } from '../../fakes/clouddrive2/time.ts';

export interface Rig extends AsyncDisposable {
  readonly fake: FakeCloudDrive2;
  readonly client: CloudDrive2Client;
  /** Never aborts. */
  readonly signal: AbortSignal;
  /** How long the client has waited, wait by wait. */
  readonly waitsMs: readonly number[];
}

export async function rig(options: FakeOptions & Partial<CloudDrive2Options> = {}): Promise<Rig> {
  const fake = await fakeCloudDrive2(options);
  const waitsMs: number[] = [];
  const client = createCloudDrive2Client({
    address: { url: `${fake.host}:${fake.port}` },
    credentials: { kind: 'token', token: API_TOKEN },
    ...options,
    time: hasty(fake.time, waitsMs),
  });
  return {
    fake,
    client,
    waitsMs,
    signal: new AbortController().signal,
    [Symbol.asyncDispose]: async () => {
      client.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

/** Its waits end at once, and are noted. */
export function hasty(time: ManualTime, waitsMs: number[] = []): CloudDrive2Options['time'] {
  return {
    ...time,
    sleep: async (ms, signal) => {
      waitsMs.push(ms);
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  };
}

/** What a call was refused with. */
export async function faultOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    // What the tests of calls look at is always a Fault; anything else fails by its missing fields.
    return error as Fault;
  }
  throw new Error('it was not refused');
}
