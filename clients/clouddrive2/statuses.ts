/** The states of an upload on the server, of the task list and of the channel alike. */
import type { UploadFileInfo__Output } from '#proto/generated/clouddrive/UploadFileInfo.ts';

/**
 * `finished`: it is in the cloud · `skipped`: ended without bytes, most often because the cloud had the file; worth a look ·
 * `failed`: may be tried again · `refused`: may not · `unknown`: a state of a newer server
 */
export type UploadState =
  | 'waiting'
  | 'preparing'
  | 'queued'
  | 'transferring'
  | 'paused'
  | 'finished'
  | 'skipped'
  | 'canceled'
  | 'ignored'
  | 'failed'
  | 'refused'
  | 'unknown';

export function uploadStateOf(status: UploadFileInfo__Output['statusEnum']): UploadState {
  // A newer server may send a number that has no name here.
  return Object.hasOwn(STATES, status) ? STATES[status] : 'unknown';
}

/** Nothing follows this state. */
export function isFinal(state: UploadState): boolean {
  return FINAL.has(state);
}

/** From the text, which is all that old servers send. */
export function uploadStateOfText(text: string): UploadState {
  const found = Object.entries(STATES).find(([name]) => name.toLowerCase() === text.toLowerCase());
  return found === undefined ? 'unknown' : found[1];
}

const STATES: Readonly<Record<UploadFileInfo__Output['statusEnum'], UploadState>> = {
  WaitforPreprocessing: 'waiting',
  Preprocessing: 'preparing',
  Cancelled: 'canceled',
  Transfer: 'transferring',
  Pause: 'paused',
  Finish: 'finished',
  Skipped: 'skipped',
  Inqueue: 'queued',
  Ignored: 'ignored',
  Error: 'failed',
  FatalError: 'refused',
};

const FINAL: ReadonlySet<UploadState> = new Set(['finished', 'skipped', 'canceled', 'ignored', 'failed', 'refused']);
