/** When a row that should move does not. */
import type { Row } from './rows.ts';

/** Milliseconds without any movement after which a row that should move is called stuck. */
export const STUCK_MS = 30_000;

/** `here` when this page is to send bytes, `there` when the server is to deliver; null when nothing is wrong. */
export function stuckWhere(row: Row, nowMs: number): 'here' | 'there' | null {
  if (nowMs - row.movedAtMs < STUCK_MS) return null;
  if (row.status === 'staging' || row.status === 'retrying') return 'here';
  if (row.status === 'uploading' || row.status === 'checking') return 'there';
  return null;
}
