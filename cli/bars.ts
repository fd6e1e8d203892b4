/** Progress as lines of text. */
import type { TransferView } from '#core/wire/transfer.ts';
import { fitted, formatBytes, formatSeconds, formatShare } from './format.ts';

export interface Progress {
  readonly label: string;
  readonly doneBytes: number;
  readonly sizeBytes: number;
  readonly speedBytesPerSecond: number;
  readonly etaSeconds: number | null;
}

const LABEL_COLUMNS = 11;
const NUMBERS_COLUMNS = 32;

/** `  staged     ████░░░░  45%  12.3 MiB/s  0:12`, no wider than `columns`. */
export function progressLine(progress: Progress, columns: number): string {
  const { label, doneBytes, sizeBytes, speedBytesPerSecond, etaSeconds } = progress;
  const width = Math.max(8, Math.min(40, columns - LABEL_COLUMNS - NUMBERS_COLUMNS - 4));
  const share = sizeBytes === 0 ? 1 : Math.min(1, doneBytes / sizeBytes);
  const full = Math.floor(share * width);
  const bar = '█'.repeat(full) + '░'.repeat(width - full);
  const isMoving = speedBytesPerSecond > 0 && doneBytes < sizeBytes;
  const speed = isMoving ? `${formatBytes(speedBytesPerSecond)}/s` : '';
  const left = isMoving && etaSeconds !== null ? formatSeconds(etaSeconds) : '';
  const text = `  ${fitted(label, LABEL_COLUMNS)} ${bar} ${formatShare(doneBytes, sizeBytes)} ${speed.padStart(12)} ${left.padStart(8)}`;
  return fitted(text, Math.max(20, columns - 1)).trimEnd();
}

/** What is staged and what is delivered of one transfer. */
export function transferLines(view: TransferView, columns: number): readonly string[] {
  const { stagedBytes, movedBytes, sizeBytes, speedBytesPerSecond, etaSeconds } = view;
  const place = `${view.destinationId}:${view.path === '/' ? '' : view.path}/`;
  return [
    fitted(`${view.name}  ${formatBytes(sizeBytes)}  ${view.status}  ${place}`, Math.max(20, columns - 1)).trimEnd(),
    progressLine(
      { label: 'staged', doneBytes: stagedBytes, sizeBytes, speedBytesPerSecond: 0, etaSeconds: null },
      columns,
    ),
    progressLine({ label: 'delivered', doneBytes: movedBytes, sizeBytes, speedBytesPerSecond, etaSeconds }, columns),
  ];
}

/** A rate that follows changes within seconds. */
export function meter(): { add(bytes: number, nowMs: number): void; bytesPerSecond(nowMs: number): number } {
  const BUCKET_MS = 250;
  const WINDOW = 20;
  const buckets: { readonly startMs: number; bytes: number }[] = [];
  return {
    add: (bytes, nowMs) => {
      const last = buckets.at(-1);
      if (last !== undefined && nowMs - last.startMs < BUCKET_MS) last.bytes += bytes;
      else buckets.push({ startMs: nowMs, bytes });
      if (buckets.length > WINDOW) buckets.shift();
    },
    bytesPerSecond: (nowMs) => {
      const recent = buckets.filter(({ startMs }) => nowMs - startMs <= BUCKET_MS * WINDOW);
      const first = recent[0];
      if (first === undefined) return 0;
      const sumBytes = recent.reduce((sum, { bytes }) => sum + bytes, 0);
      return Math.max(0, sumBytes / (Math.max(BUCKET_MS, nowMs - first.startMs) / 1000));
    },
  };
}
