/** A transfer's events as a story: what it was busy with and for how long, and what happened on the way. Pure. */
import type { TransferEvent, TransferView } from '#core/wire/transfer.ts';

/** What a time was spent with. */
export type Stage = 'staging' | 'hashing' | 'line' | 'opening' | 'moving' | 'finishing' | 'paused';

export interface StoryLine {
  readonly event: TransferEvent;
  readonly atMs: number;
  /** Null for what has no length: something that happened, or an end. */
  readonly stage: Stage | null;
  /** Null without a stage. Of the last one: until now. */
  readonly lastsMs: number | null;
  /** It has not ended yet. */
  readonly isOpen: boolean;
  /** How often the very same happened in a row; `event` is the first of them. */
  readonly times: number;
}

export interface Story {
  readonly lines: readonly StoryLine[];
  /** Milliseconds, in the order in which stages first came. */
  readonly sums: readonly { readonly stage: Stage; readonly ms: number }[];
  /** The server keeps the last 16 events: there were earlier ones. */
  readonly isCut: boolean;
}

/** `events` in their order. A transfer that is under way is in its last stage until `nowMs`. */
export function storyOf(
  events: readonly TransferEvent[],
  view: Pick<TransferView, 'endedAt' | 'status'>,
  nowMs: number,
): Story {
  const folded = fold(events);
  const stages = stagesOf(
    folded.map(({ event }) => event),
    view,
  );
  const turns = folded.map(({ event }, index) => stages[index] !== null || isEnd(event));
  const lines = folded.map(({ event, times }, index): StoryLine => {
    const atMs = Date.parse(event.at);
    const stage = stages[index] ?? null;
    const next = turns.indexOf(true, index + 1);
    const until = folded[next]?.event.at ?? view.endedAt;
    const endMs = until === null ? nowMs : Date.parse(until);
    const lastsMs = stage === null ? null : Math.max(0, endMs - atMs);
    return { event, atMs, stage, lastsMs, isOpen: stage !== null && until === null, times };
  });
  const sums = new Map<Stage, number>();
  for (const { stage, lastsMs } of lines) if (stage !== null) sums.set(stage, (sums.get(stage) ?? 0) + (lastsMs ?? 0));
  return {
    lines,
    sums: [...sums].map(([stage, ms]) => ({ stage, ms })),
    isCut: (events[0]?.seq ?? 1) > 1,
  };
}

/** Bytes per second of the delivery itself. Null where it is not known, as after a second attempt or of an instant one. */
export function meanRate({ sums, isCut }: Story, view: TransferView): number | null {
  const ms = sums.find(({ stage }) => stage === 'moving')?.ms ?? 0;
  if (view.instant || view.attempt > 1 || isCut || view.movedBytes === 0 || ms < 1000) return null;
  return view.movedBytes / (ms / 1000);
}

const STAGES: Readonly<Record<string, Stage>> = {
  staging: 'staging',
  hashing: 'hashing',
  queued: 'line',
  opening: 'opening',
  moving: 'moving',
  finishing: 'finishing',
};

function stagesOf(events: readonly TransferEvent[], view: Pick<TransferView, 'status'>): readonly (Stage | null)[] {
  let working: Stage = 'staging';
  return events.map(({ type }, index) => {
    const stage = type === 'gone' ? 'opening' : STAGES[type];
    if (stage !== undefined) {
      if (stage !== 'line' && stage !== 'hashing') working = stage;
      return stage;
    }
    // What failed goes on where it stopped, and so does what was paused. Trouble in line means that its turn had come.
    if (type === 'retry' || type === 'resumed') return working;
    if (type === 'fault' && events[index - 1]?.type === 'queued') return working;
    if (type === 'paused') return isPauseKnown(events[index + 1], view) ? 'paused' : null;
    return null;
  });
}

/** Not every pause leaves word of its end: then only its beginning is known. */
function isPauseKnown(next: TransferEvent | undefined, { status }: Pick<TransferView, 'status'>): boolean {
  return next === undefined ? status === 'paused' : next.type === 'resumed' || isEnd(next);
}

function isEnd({ type }: TransferEvent): boolean {
  return type === 'done' || type === 'failed' || type === 'canceled';
}

/** The same trouble again and again is one line. */
function fold(events: readonly TransferEvent[]): readonly { readonly event: TransferEvent; readonly times: number }[] {
  const folded: { event: TransferEvent; times: number }[] = [];
  for (const event of events) {
    const last = folded.at(-1);
    if (event.type === 'fault' && last?.event.type === 'fault' && last.event.code === event.code) last.times += 1;
    else folded.push({ event, times: 1 });
  }
  return folded;
}
