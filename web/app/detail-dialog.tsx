/** Everything known of one transfer, with its history. */

import { Check, Copy } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import type { TransferEvent } from '#core/wire/transfer.ts';
import { errorWords, useLocale } from '../i18n/locale.tsx';
import { useConsole } from './console.ts';
import { Dialog } from './dialog.tsx';
import { eventWords } from './event-words.ts';
import type { Row, RowVerb } from './rows.ts';
import { StatusTag } from './status-tag.tsx';

export interface DetailDialogProps {
  readonly row: Row;
  readonly onVerb: (verb: RowVerb, row: Row) => void;
  readonly onClose: () => void;
}

export function DetailDialog({ row, onVerb, onClose }: DetailDialogProps) {
  const { words, format } = useLocale();
  const { detail } = words;
  const events = useEvents(row);
  const { receipt, transfer } = row;
  return (
    <Dialog kind="drawer" title={row.name} onClose={onClose}>
      <p className="detail-status">
        <StatusTag status={row.status} tone={row.tone} />
        {row.instant && <span className="badge">{words.row.instant}</span>}
      </p>
      {row.error && (
        <p className="item-remark bad">
          <strong>{errorWords(words, row.error.code, row.error.message)[0]}</strong>{' '}
          {errorWords(words, row.error.code, row.error.message)[1]}
          <span className="detail-message">{row.error.message}</span>
          <span className="code">{row.error.code}</span>
        </p>
      )}
      <dl className="facts">
        <Fact label={detail.size}>
          {format.size(row.sizeBytes)} <span className="faint num">({format.integer(row.sizeBytes)} B)</span>
        </Fact>
        {row.tone !== 'good' && (
          <Fact label={words.row.staged}>
            {format.size(row.stagedBytes)}
            {row.chunksLeft > 0 && <span className="faint"> · {words.row.chunksLeft(row.chunksLeft)}</span>}
          </Fact>
        )}
        {row.tone !== 'good' && (
          <Fact label={words.row.delivered}>
            {format.size(row.movedBytes)}
            {row.partCount > 0 && <span className="faint"> · {words.row.parts(row.partsDone, row.partCount)}</span>}
          </Fact>
        )}
        <Fact label={detail.destination}>{row.destinationIds.join(', ')}</Fact>
        <Fact label={detail.folder}>{row.folder}</Fact>
        {receipt && (
          <Fact label={detail.location}>
            <CopyText text={receipt.location} />
          </Fact>
        )}
        {receipt?.remoteId && (
          <Fact label={detail.remoteId}>
            <CopyText text={receipt.remoteId} />
          </Fact>
        )}
        {receipt && (
          <Fact label={detail.evidence}>
            {detail.evidences[receipt.evidence]}
            {receipt.checkedBy && <span className="faint"> ({receipt.checkedBy})</span>}
          </Fact>
        )}
        <Fact label={detail.created}>{format.time(new Date(row.addedAtMs).toISOString())}</Fact>
        {transfer?.startedAt && <Fact label={detail.started}>{format.time(transfer.startedAt)}</Fact>}
        {transfer?.endedAt && <Fact label={detail.ended}>{format.time(transfer.endedAt)}</Fact>}
        {row.attempt > 1 && <Fact label={detail.attempt}>{row.attempt}</Fact>}
        {transfer && (
          <Fact label={detail.transfer}>
            <CopyText text={transfer.id} />
          </Fact>
        )}
        {transfer && (
          <Fact label={detail.upload}>
            <CopyText text={transfer.uploadId} />
          </Fact>
        )}
      </dl>
      {transfer && (
        <>
          <h3>{detail.history}</h3>
          {events.length === 0 && <p className="hint">{detail.noHistory}</p>}
          <ol className="history">
            {events.map((event) => (
              <li key={event.seq}>
                <time className="num" dateTime={event.at}>
                  {format.time(event.at)}
                </time>
                <span>{eventWords(detail, event)}</span>
                {event.code && <span className="code">{event.code}</span>}
              </li>
            ))}
          </ol>
        </>
      )}
      <footer className="dialog-foot">
        {row.verbs.map((verb) => (
          <button
            key={verb}
            type="button"
            className={verb === 'cancel' ? 'button danger' : 'button'}
            onClick={() => onVerb(verb, row)}
          >
            {words.row[verb]}
          </button>
        ))}
      </footer>
    </Dialog>
  );
}

function Fact({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function CopyText({ text }: { readonly text: string }) {
  const { words } = useLocale();
  const [isCopied, setIsCopied] = useState(false);
  const Icon = isCopied ? Check : Copy;
  const label = isCopied ? words.detail.copied : words.detail.copy;
  return (
    <span className="copy">
      <span className="mono">{text}</span>
      {/* Plain-http pages have no clipboard: there the text is selected by hand. */}
      {navigator.clipboard && (
        <button
          type="button"
          className="button quiet icon-only"
          aria-label={words.row.of(label, text)}
          title={label}
          onClick={() => void navigator.clipboard.writeText(text).then(() => setIsCopied(true))}
        >
          <Icon aria-hidden size={14} />
        </button>
      )}
    </span>
  );
}

/** Read when opened, and again with each change of phase. */
function useEvents({ transfer }: Row): readonly TransferEvent[] {
  const { api } = useConsole();
  const [events, setEvents] = useState<readonly TransferEvent[]>([]);
  const id = transfer?.id;
  const phase = `${transfer?.phase} ${transfer?.status} ${transfer?.attempt}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new phase is what brings new events
  useEffect(() => {
    if (!id) return;
    const stop = new AbortController();
    // Without the server the facts above still stand.
    void api.listEvents(id, stop.signal).then(setEvents, () => undefined);
    return () => stop.abort();
  }, [api, id, phase]);
  return events;
}
