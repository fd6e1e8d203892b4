/** What `entrepot put` says while it works: bars for a person, JSON lines for a program. */
import type { Clock } from '#core/ports/clock.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { CreateUploadAnswer, UploadView } from '#core/wire/upload.ts';
import { meter, progressLine } from './bars.ts';
import { endingLine } from './endings.ts';
import type { FileJob } from './files.ts';
import { hasEnded } from './follow.ts';
import { fitted, formatBytes, formatMs, printable } from './format.ts';
import type { Problem } from './problem.ts';
import { repeat } from './repeat.ts';
import { green, red, type Terminal } from './terminal.ts';

export interface StagedSummary {
  readonly upload: UploadView;
  readonly transfers: readonly TransferView[];
  readonly sentBytes: number;
  readonly elapsedMs: number;
}

export interface PutReport {
  started(job: FileJob, sizeBytes: number): void;
  announced(job: FileJob, answer: CreateUploadAnswer): void;
  /** Bytes that the bucket has from before. */
  held(job: FileJob, bytes: number): void;
  /** Negative when they have to be sent again. */
  sent(job: FileJob, bytes: number): void;
  staged(job: FileJob, summary: StagedSummary): void;
  moved(view: TransferView): void;
  failed(job: FileJob, problem: Problem): void;
  close(): void;
}

export function jsonReport(terminal: Terminal): PutReport {
  return {
    started: () => undefined,
    held: () => undefined,
    sent: () => undefined,
    close: () => undefined,
    announced: ({ path }, { upload, transfers }) =>
      terminal.tell({
        event: 'announced',
        file: path,
        uploadId: upload.id,
        transferIds: transfers.map(({ id }) => id),
      }),
    staged: ({ path }, { upload, transfers, sentBytes, elapsedMs }) =>
      terminal.tell({
        event: 'staged',
        file: path,
        uploadId: upload.id,
        transferIds: transfers.map(({ id }) => id),
        sizeBytes: upload.sizeBytes,
        sentBytes,
        elapsedMs: Math.round(elapsedMs),
      }),
    moved: (view) => terminal.tell({ event: 'transfer', ...view }),
    failed: ({ path }, { code, message }) => {
      terminal.tell({ event: 'error', file: path, code, message });
      terminal.complain(`entrepot: ${printable(path)}: ${code}: ${message}`);
    },
  };
}

interface Row {
  readonly job: FileJob;
  readonly sizeBytes: number;
  readonly speed: ReturnType<typeof meter>;
  readonly views: Map<string, TransferView>;
  sentBytes: number;
}

const FRAME_MS = 100;

/** Until `staged` a file has one bar, until `delivered` one more for each destination; then it is one line. */
export function barReport(terminal: Terminal, clock: Clock, until: 'staged' | 'delivered'): PutReport {
  const rows = new Map<string, Row>();
  const owners = new Map<string, FileJob>();
  const ticking = repeat(clock, FRAME_MS, () => terminal.draw(lines()));

  function lines(): readonly string[] {
    const room = Math.max(3, terminal.rows() - 2);
    const all: string[] = [];
    let hidden = 0;
    for (const row of rows.values()) {
      const some = rowLines(row, terminal.columns(), clock.now());
      if (hidden === 0 && all.length + some.length <= room) all.push(...some);
      else hidden++;
    }
    return hidden === 0 ? all : [...all, `… and ${hidden} more`];
  }

  function finish(job: FileJob, line: string): void {
    rows.delete(job.path);
    terminal.draw(lines());
    terminal.print(line);
  }

  return {
    started: (job, sizeBytes) => {
      rows.set(job.path, { job, sizeBytes, speed: meter(), views: new Map(), sentBytes: 0 });
    },
    announced: (job, { transfers }) => {
      const row = rows.get(job.path);
      if (until === 'delivered') for (const view of transfers) row?.views.set(view.id, view);
      for (const { id } of transfers) owners.set(id, job);
    },
    held: (job, bytes) => {
      const row = rows.get(job.path);
      if (row !== undefined) row.sentBytes += bytes;
    },
    sent: (job, bytes) => {
      const row = rows.get(job.path);
      if (row === undefined) return;
      row.sentBytes += bytes;
      row.speed.add(bytes, clock.now());
    },
    staged: (job, { transfers, elapsedMs, upload }) => {
      if (until === 'delivered') return;
      const ids = transfers.map(({ id }) => id).join(' ');
      const size = formatBytes(upload.sizeBytes);
      finish(job, `${green('✔')} ${printable(job.name)}  ${size}  staged in ${formatMs(elapsedMs)}  ${ids}`);
    },
    moved: (view) => {
      const job = owners.get(view.id);
      const row = job === undefined ? undefined : rows.get(job.path);
      row?.views.set(view.id, view);
      if (!hasEnded(view)) return;
      if (row === undefined || [...row.views.values()].every(hasEnded)) rows.delete(job?.path ?? '');
      terminal.draw(lines());
      terminal.print(endingLine(view));
    },
    failed: (job, { code, message }) => {
      rows.delete(job.path);
      terminal.draw(lines());
      terminal.complain(`${red('✘')} ${printable(job.path)}: ${code}: ${message}`);
    },
    close: () => {
      ticking.stop();
      terminal.draw([]);
    },
  };
}

function rowLines({ job, sizeBytes, sentBytes, speed, views }: Row, columns: number, nowMs: number): readonly string[] {
  const rate = speed.bytesPerSecond(nowMs);
  const etaSeconds = rate > 0 ? (sizeBytes - sentBytes) / rate : null;
  const stagedBytes = Math.max(sentBytes, ...[...views.values()].map((view) => view.stagedBytes));
  const staged = { label: 'staged', doneBytes: stagedBytes, sizeBytes, speedBytesPerSecond: rate, etaSeconds };
  return [
    fitted(`${job.name}  ${formatBytes(sizeBytes)}`, Math.max(20, columns - 1)).trimEnd(),
    progressLine(staged, columns),
    ...[...views.values()].map((view) =>
      progressLine({ ...view, label: labelOf(job, view), doneBytes: view.movedBytes }, columns),
    ),
  ];
}

function labelOf({ targets }: FileJob, { destinationId }: TransferView): string {
  return targets.length === 1 ? 'delivered' : destinationId;
}
