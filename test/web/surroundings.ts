/** A browser's surroundings for tests in Node: real HTTP against the fake, and a clock that only waits for stalls. */

import { retryAfterMs } from '../../web/upload/backoff.ts';
import { ANSWER_MS, type PutTransport, STALL_MS } from '../../web/upload/chunk-put.ts';
import { apiClient } from '../../web/upload/client.ts';
import { plainHasher } from '../../web/upload/hasher.ts';
import { type Destinations, type QueueOptions, type UploadQueue, uploadQueue } from '../../web/upload/queue.ts';
import { memoryRecords, type RecordStore } from '../../web/upload/record.ts';
import type { Surroundings } from '../../web/upload/surroundings.ts';
import type { FakeApi } from './fake-api.ts';
import { TOKEN } from './fake-routes.ts';

export interface TestSurroundings extends Surroundings {
  /** Milliseconds of every wait that was asked for, stall watches left out. */
  readonly waits: number[];
  /** What would happen if no chunk in flight moved for 30 s. */
  stallAll(): void;
  setOnline(isOnline: boolean): void;
  /** Most puts at the same time so far. */
  readonly peak: () => number;
}

export function testSurroundings(fake: FakeApi, records: RecordStore = memoryRecords()): TestSurroundings {
  const waits: number[] = [];
  const stalls = new Set<() => void>();
  const hopes = new Set<() => void>();
  let isOnline = true;
  let flying = 0;
  let peak = 0;
  let keys = 0;
  const put: PutTransport = async (request) => {
    flying += 1;
    peak = Math.max(peak, flying);
    try {
      return await fetchTransport(request);
    } finally {
      flying -= 1;
    }
  };
  const visit = `visit-${Math.random()}`;
  return {
    api: apiClient({ origin: fake.origin, token: () => TOKEN }),
    put,
    records,
    timers: {
      after(ms, callback) {
        if (ms === STALL_MS || ms === ANSWER_MS) {
          stalls.add(callback);
          return () => stalls.delete(callback);
        }
        waits.push(ms);
        const soon = setImmediate(callback);
        return () => clearImmediate(soon);
      },
    },
    connection: {
      isOnline: () => isOnline,
      onHope(listener) {
        hopes.add(listener);
        return () => hopes.delete(listener);
      },
    },
    nowMs: Date.now,
    random: () => 0.5,
    newKey: () => {
      keys += 1;
      return `${visit}-${keys}`;
    },
    visit,
    waits,
    stallAll: () => {
      for (const stall of stalls) stall();
    },
    setOnline(online) {
      isOnline = online;
      if (online) for (const hope of hopes) hope();
    },
    peak: () => peak,
  };
}

/** Stands in for XMLHttpRequest, which Node has not. A Blob without a type sends no content-type either. */
const fetchTransport: PutTransport = async ({ url, headers, body, signal, onProgress }) => {
  const response = await fetch(url, { method: 'PUT', headers, body, signal });
  onProgress(body.size);
  await response.arrayBuffer();
  return { status: response.status, retryAfterMs: retryAfterMs(response.headers.get('retry-after'), Date.now()) };
};

export const NAS: Destinations = [{ id: 'nas', path: '/' }];

export function testQueue(around: Surroundings, options: Partial<QueueOptions> = {}): UploadQueue {
  return uploadQueue(around, { hasher: plainHasher, claims: () => [], onTransfers: () => {}, ...options });
}
