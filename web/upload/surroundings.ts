/** What the client needs of the browser around it, in one place, so that tests can stand in for each of them. */

import { type PutTransport, type Timers, xhrTransport } from './chunk-put.ts';
import type { RecordStore } from './record.ts';
import type { UploadApi } from './upload-api.ts';

export interface Connection {
  isOnline(): boolean;
  /** Calls back when trying at once makes sense: back online, or the page is looked at again. Returns the undo. */
  onHope(listener: () => void): () => void;
}

export interface Surroundings {
  readonly api: UploadApi;
  readonly put: PutTransport;
  readonly records: RecordStore;
  readonly timers: Timers;
  readonly connection: Connection;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly newKey: () => string;
  /** Names this visit of the page in the records it works on. */
  readonly visit: string;
}

export function browserSurroundings(api: UploadApi, records: RecordStore): Surroundings {
  return {
    api,
    put: xhrTransport,
    records,
    timers: { after },
    connection: browserConnection,
    nowMs: Date.now,
    random: Math.random,
    newKey,
    visit: newKey(),
  };
}

export const browserConnection: Connection = {
  isOnline: () => navigator.onLine,
  onHope(listener) {
    const onVisible = () => {
      if (document.visibilityState === 'visible') listener();
    };
    window.addEventListener('online', listener);
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      window.removeEventListener('online', listener);
      document.removeEventListener('visibilitychange', onVisible);
    };
  },
};

export function after(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}

/** 128 random bits in hex. `crypto.randomUUID` is missing on plain-http pages of other hosts than localhost. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
