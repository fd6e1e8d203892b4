/** One line of the ledger. */
import { Info, Pause, Play, RotateCw, Trash2, X, Zap } from 'lucide-react';
import type { Messages } from '../i18n/en.ts';
import { errorWords, useLocale } from '../i18n/locale.tsx';
import { LinkMark } from '../links/link-mark.tsx';
import { wantsLogin } from './destination-kinds.ts';
import { FileIcon } from './file-icon.tsx';
import { NameText } from './name-text.tsx';
import { ProgressBar } from './progress-bar.tsx';
import { linkTo } from './route.ts';
import type { Row, RowVerb } from './rows.ts';
import { SpeedEta } from './speed-eta.tsx';
import { StatusTag } from './status-tag.tsx';
import { stuckWhere } from './stuck.ts';

export interface UploadItemProps {
  readonly row: Row;
  readonly nowMs: number;
  readonly onVerb: (verb: RowVerb, row: Row) => void;
}

const VERB_ICONS = { pause: Pause, resume: Play, retry: RotateCw, cancel: X, remove: Trash2 } as const;

export function UploadItem({ row, nowMs, onVerb }: UploadItemProps) {
  const { words, format } = useLocale();
  const isDone = row.tone === 'good';
  const link = linkTo(row.transfer?.id ?? row.key);
  return (
    <article className={`item tone-${row.tone}`} aria-label={row.name} data-status={row.status}>
      <div className="item-file">
        <FileIcon name={row.name} />
        <div className="item-text">
          <a className="item-name" title={row.name} href={link}>
            <NameText name={row.name} />
          </a>
          <p className="item-sub">
            <span className="num">{bytesText(row, format.size)}</span>
            <span className="item-where" title={whereText(row)}>
              {isDone && row.receipt ? row.receipt.location : whereText(row)}
            </span>
            {row.transfer?.link && <LinkMark link={row.transfer.link} />}
          </p>
        </div>
      </div>
      <div className="item-bars">
        {row.hashedBytes === null ? (
          <ProgressBar
            kind="staged"
            label={words.row.staged}
            name={row.name}
            fraction={isDone ? 1 : fractionOf(row.stagedBytes, row)}
          />
        ) : (
          <ProgressBar
            kind="hashed"
            label={words.row.hashed}
            name={row.name}
            fraction={fractionOf(row.hashedBytes, row)}
          />
        )}
        <ProgressBar
          kind="moved"
          label={words.row.delivered}
          name={row.name}
          fraction={isDone ? 1 : fractionOf(row.movedBytes, row)}
        />
      </div>
      <SpeedEta row={row} nowMs={nowMs} />
      <div className="item-status">
        <StatusTag status={row.status} tone={row.tone} />
        {row.instant && (
          <span className="badge" title={words.row.instantHint}>
            <Zap aria-hidden size={12} />
            {words.row.instant}
          </span>
        )}
        <span className="item-parts hint num">{partsText(row, words)}</span>
      </div>
      <div className="item-verbs">
        {row.verbs.map((verb) => {
          const Icon = VERB_ICONS[verb];
          return (
            <button
              key={verb}
              type="button"
              className="button quiet icon-only"
              aria-label={words.row.of(words.row[verb], row.name)}
              title={words.row[verb]}
              onClick={() => onVerb(verb, row)}
            >
              <Icon aria-hidden size={16} />
            </button>
          );
        })}
        <a
          className="button quiet icon-only item-more"
          aria-label={words.row.of(words.row.details, row.name)}
          title={words.row.details}
          href={link}
        >
          <Info aria-hidden size={16} />
        </a>
      </div>
      <Remark row={row} nowMs={nowMs} />
    </article>
  );
}

/** The error, what it waits for, or the hint that nothing moves. */
function Remark({ row, nowMs }: Pick<UploadItemProps, 'row' | 'nowMs'>) {
  const { words } = useLocale();
  if (row.error) {
    const [what, next] = errorWords(words, row.error.code, row.error.message);
    return (
      <p className="item-remark bad">
        <strong>{what}</strong> {next}{' '}
        {wantsLogin(row.error.code) && <a href="#/destinations">{words.nav.destinations}</a>}{' '}
        <span className="code">{row.error.code}</span>
      </p>
    );
  }
  const { waitsFor } = row.transfer ?? {};
  if (row.status === 'waiting' && waitsFor !== undefined) {
    const [what, next] = errorWords(words, waitsFor, words.row.waits);
    return (
      <p className="item-remark">
        <strong>{what}</strong> {next}
      </p>
    );
  }
  const stuck = stuckWhere(row, nowMs);
  if (!stuck) return null;
  const seconds = Math.round((nowMs - row.movedAtMs) / 1000);
  return (
    <p className="item-remark warn">
      <strong>{words.row.stuck(seconds)}</strong> {stuck === 'here' ? words.row.stuckHere : words.row.stuckThere}
    </p>
  );
}

function bytesText(row: Row, size: (bytes: number) => string): string {
  if (row.group === 'ended' || row.status === 'queued') return size(row.sizeBytes);
  const doneBytes = row.movedBytes > 0 ? row.movedBytes : row.stagedBytes;
  return `${size(doneBytes)} / ${size(row.sizeBytes)}`;
}

function whereText(row: Row): string {
  return `${row.destinationIds.join(', ')} ${row.folder}`;
}

/** What is still on this device; once that is nothing, how many parts are delivered. */
function partsText(row: Row, { row: words }: Messages): string {
  if (row.chunksLeft > 0 && row.group !== 'ended') return words.chunksLeft(row.chunksLeft);
  if (row.attempt > 1 && row.status === 'failed') return words.attempt(row.attempt);
  return row.partCount > 1 && !row.instant ? words.parts(row.partsDone, row.partCount) : '';
}

/** An empty file has nothing to show until it is done. */
function fractionOf(bytes: number, { sizeBytes }: Row): number {
  return sizeBytes === 0 ? 0 : Math.min(1, bytes / sizeBytes);
}
