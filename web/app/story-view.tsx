/** A transfer's story drawn: where the time went, and what happened when. */
import { useEffect, useState } from 'react';
import type { TransferEvent, TransferView } from '#core/wire/transfer.ts';
import { useLocale } from '../i18n/locale.tsx';
import { useConsole } from './console.ts';
import { eventReason, eventWords } from './event-words.ts';
import { ReceiptButton } from './receipt-button.tsx';
import { meanRate, type Story, type StoryLine, storyOf } from './story.ts';
import { useNow } from './use-now.ts';

export function StoryView({ transfer }: { readonly transfer: TransferView }) {
  const { words, format } = useLocale();
  const { detail } = words;
  const events = useEvents(transfer);
  const nowMs = useNow(1000);
  const story = storyOf(events, transfer, nowMs);
  const rate = meanRate(story, transfer);
  return (
    <section aria-label={detail.history}>
      <h3>{detail.history}</h3>
      {events.length === 0 && <p className="hint">{detail.noHistory}</p>}
      <TimeBar story={story} />
      {rate !== null && <p className="hint">{detail.meanRate(format.rate(rate))}</p>}
      {story.isCut && <p className="hint">{detail.cut}</p>}
      <ol className="history">
        {story.lines.map((line, index) => (
          <Line key={line.event.seq} line={line} before={story.lines[index - 1] ?? null} />
        ))}
      </ol>
      {transfer.phase === 'done' && <ReceiptButton transfer={transfer} />}
    </section>
  );
}

/** How the time divides. The same figures follow in words, and the list has each. */
function TimeBar({ story: { sums } }: { readonly story: Story }) {
  const { words, format } = useLocale();
  const totalMs = sums.reduce((sum, { ms }) => sum + ms, 0);
  if (totalMs < 1000) return null;
  const shown = sums.filter(({ ms }) => ms >= 500);
  return (
    <div className="times">
      <div className="times-bar" aria-hidden>
        {shown.map(({ stage, ms }) => (
          <span key={stage} className={`stage-${stage}`} style={{ flexGrow: ms }} />
        ))}
      </div>
      <ul className="times-list">
        {shown.map(({ stage, ms }) => (
          <li key={stage}>
            <span className={`swatch stage-${stage}`} aria-hidden />
            {words.detail.stages[stage]} <span className="num">{format.duration(ms / 1000)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface LineProps {
  readonly line: StoryLine;
  readonly before: StoryLine | null;
}

function Line({ line: { event, atMs, stage, lastsMs, isOpen, times }, before }: LineProps) {
  const { words, format } = useLocale();
  const reason = eventReason(words, event);
  // The date is told where it is another than on the line above.
  const isSameDay = before !== null && new Date(before.atMs).toDateString() === new Date(atMs).toDateString();
  return (
    <li className={`tone-${TONES[event.type] ?? 'quiet'}${stage === null ? ' is-mark' : ''}`}>
      <p className="history-what">
        <span className={stage === null ? 'history-dot' : `history-dot stage-${stage}`} aria-hidden />
        <strong>{eventWords(words.detail, event)}</strong>
        {times > 1 && <span className="hint num">{words.detail.times(times)}</span>}
        {lastsMs !== null && (
          <span className="history-length num">
            {isOpen ? words.detail.since(format.duration(lastsMs / 1000)) : format.duration(lastsMs / 1000)}
          </span>
        )}
      </p>
      {(reason !== '' || event.code) && (
        <p className="history-why">
          {reason} {event.code && <span className="code">{event.code}</span>}
        </p>
      )}
      <time className="hint num" dateTime={event.at}>
        {isSameDay ? format.timeOfDay(event.at) : format.time(event.at)}
      </time>
    </li>
  );
}

const TONES: Readonly<Record<string, string>> = {
  done: 'good',
  failed: 'bad',
  fault: 'warn',
  gone: 'warn',
  retry: 'warn',
};

/** Read when opened, and again with each change of phase. */
function useEvents(transfer: TransferView): readonly TransferEvent[] {
  const { api } = useConsole();
  const [events, setEvents] = useState<readonly TransferEvent[]>([]);
  const turn = `${transfer.phase} ${transfer.status} ${transfer.attempt} ${transfer.waitsFor}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new phase is what brings new events
  useEffect(() => {
    const stop = new AbortController();
    // Without the server the facts above still stand.
    void api.listEvents(transfer.id, stop.signal).then(setEvents, () => undefined);
    return () => stop.abort();
  }, [api, transfer.id, turn]);
  return events;
}
