/** One file of the customer's list. */
import { Pause, Play, RotateCw, Trash2, X } from 'lucide-react';
import { FileIcon } from '../app/file-icon.tsx';
import { NameText } from '../app/name-text.tsx';
import type { Messages } from '../i18n/en.ts';
import { errorWords, useLocale } from '../i18n/locale.tsx';
import type { DropRow, DropVerb } from './drop-rows.ts';

export interface DropItemProps {
  readonly row: DropRow;
  readonly onVerb: (verb: DropVerb) => void;
}

const ICONS = { pause: Pause, resume: Play, retry: RotateCw, cancel: X, remove: Trash2 } as const;

export function DropItem({ row, onVerb }: DropItemProps) {
  const { words, format } = useLocale();
  const { name, folder, sizeBytes, sentBytes, status, tone } = row;
  const isMoving = tone === 'moving' || tone === 'warn';
  const isSending = isMoving && row.verbs.length > 0;
  const fraction = sizeBytes === 0 ? 0 : Math.min(1, sentBytes / sizeBytes);
  return (
    <article className={`drop-item tone-${tone}`} aria-label={name} data-status={status}>
      <FileIcon name={name} />
      <div className="drop-text">
        <p className="drop-file" title={folder === '' ? name : `${folder}/${name}`}>
          <NameText name={name} />
        </p>
        <p className="drop-sub num">
          <span>
            {isSending ? words.drop.of(format.size(sentBytes), format.size(sizeBytes)) : format.size(sizeBytes)}
          </span>
          {folder !== '' && <span className="drop-folder">{folder}</span>}
          {row.bytesPerSecond >= 1 && <span>{format.rate(row.bytesPerSecond)}</span>}
          {row.etaSeconds !== null && row.etaSeconds > 0 && (
            <span>{words.row.left(format.duration(row.etaSeconds))}</span>
          )}
        </p>
        {isSending && (
          <div
            className="bar-track"
            role="progressbar"
            aria-label={words.row.of(words.drop.statuses.sending, name)}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.floor(fraction * 100)}
          >
            <div className="bar-fill" style={{ transform: `scaleX(${fraction})` }} />
          </div>
        )}
        {row.error && <p className="drop-error">{problem(words, row.error).join(' ')}</p>}
      </div>
      <p className={`tag tone-${tone}`}>
        <span className="tag-dot" aria-hidden />
        <span>{words.drop.statuses[status]}</span>
      </p>
      <div className="drop-verbs">
        {row.verbs.map((verb) => {
          const Icon = ICONS[verb];
          return (
            <button
              key={verb}
              type="button"
              className="button quiet icon-only"
              aria-label={words.row.of(words.row[verb], name)}
              title={words.row[verb]}
              onClick={() => onVerb(verb)}
            >
              <Icon aria-hidden size={16} />
            </button>
          );
        })}
      </div>
    </article>
  );
}

/** Words of the console speak to who runs the server: some have others here. */
function problem(words: Messages, { code, message }: NonNullable<DropRow['error']>): readonly [string, string] {
  return words.drop.errors[code] ?? errorWords(words, code, message);
}
