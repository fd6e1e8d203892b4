/** Everything known of one transfer, with its history. */

import { Check, Copy, Link } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Receipt } from '#core/wire/transfer.ts';
import { errorWords, useLocale } from '../i18n/locale.tsx';
import { LinkOrigin } from '../links/link-mark.tsx';
import { Dialog } from './dialog.tsx';
import { linkTo } from './route.ts';
import type { Row, RowVerb } from './rows.ts';
import { Sparkline } from './sparkline.tsx';
import { SpeedEta } from './speed-eta.tsx';
import { StatusTag } from './status-tag.tsx';
import { StoryView } from './story-view.tsx';
import { useCopy } from './use-copy.ts';
import { useNow } from './use-now.ts';

export interface DetailDialogProps {
  readonly row: Row;
  readonly onVerb: (verb: RowVerb, row: Row) => void;
  readonly onClose: () => void;
}

export function DetailDialog({ row, onVerb, onClose }: DetailDialogProps) {
  const { words, format } = useLocale();
  const { detail } = words;
  const { receipt, transfer } = row;
  const nowMs = useNow(1000);
  return (
    <Dialog kind="drawer" title={row.name} onClose={onClose}>
      <p className="detail-status">
        <StatusTag status={row.status} tone={row.tone} />
        {row.instant && <span className="badge">{words.row.instant}</span>}
        {transfer && <CopyLink id={transfer.id} />}
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
            <Evidence receipt={receipt} />
          </Fact>
        )}
      </dl>
      {row.group === 'underWay' && (
        <div className="detail-speed">
          <SpeedEta row={row} nowMs={nowMs} />
          <Sparkline stageRate={row.stageRate} moveRate={row.moveRate} label={detail.speed} />
        </div>
      )}
      {transfer && <StoryView transfer={transfer} />}
      <dl className="facts">
        <Fact label={detail.created}>{format.time(new Date(row.addedAtMs).toISOString())}</Fact>
        {transfer?.startedAt && <Fact label={detail.started}>{format.time(transfer.startedAt)}</Fact>}
        {transfer?.endedAt && <Fact label={detail.ended}>{format.time(transfer.endedAt)}</Fact>}
        {row.attempt > 1 && <Fact label={detail.attempt}>{row.attempt}</Fact>}
        {transfer?.link && (
          <Fact label={words.links.fact}>
            <LinkOrigin link={transfer.link} />
          </Fact>
        )}
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

/** What the destination proved, and what that is worth. */
function Evidence({ receipt: { evidence, checkedBy } }: { readonly receipt: Receipt }) {
  const { words } = useLocale();
  return (
    <span className="evidence">
      <span className={`grade grade-${evidence.toLowerCase()}`}>{evidence}</span>
      <span>
        {words.detail.evidences[evidence]}
        {checkedBy && <span className="faint"> ({checkedBy})</span>}
        <span className="hint">{words.detail.evidenceMeans[evidence]}</span>
      </span>
    </span>
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
  const { isCopied, copy } = useCopy(text);
  const Icon = isCopied ? Check : Copy;
  const label = isCopied ? words.detail.copied : words.detail.copy;
  return (
    <span className="copy">
      <span className="mono">{text}</span>
      {copy && (
        <button
          type="button"
          className="button quiet icon-only"
          aria-label={words.row.of(label, text)}
          title={label}
          onClick={copy}
        >
          <Icon aria-hidden size={14} />
        </button>
      )}
    </span>
  );
}

function CopyLink({ id }: { readonly id: string }) {
  const { words } = useLocale();
  const { isCopied, copy } = useCopy(new URL(linkTo(id), location.href).href);
  const Icon = isCopied ? Check : Link;
  return (
    copy && (
      <button type="button" className="button quiet detail-link" onClick={copy}>
        <Icon aria-hidden size={14} />
        {isCopied ? words.detail.copied : words.detail.copyLink}
      </button>
    )
  );
}
