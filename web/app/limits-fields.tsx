/** How fast, and at which hours. */
import { useId } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { type LimitsDraft, parseSpeed } from './limits.ts';

export interface LimitsFieldsProps {
  readonly draft: LimitsDraft;
  /** What the server refused them for, in words. */
  readonly wrong: string | null;
  readonly onChange: (draft: LimitsDraft) => void;
}

export function LimitsFields({ draft, wrong, onChange }: LimitsFieldsProps) {
  const { words } = useLocale();
  const { limits: text } = words;
  const id = useId();
  const isSpeedBad = parseSpeed(draft.megabytesPerSecond) === null;
  return (
    <fieldset className="ways" aria-describedby={wrong === null ? undefined : `${id}-wrong`}>
      <legend>{text.title}</legend>
      {wrong !== null && (
        <p id={`${id}-wrong`} className="field-error" role="alert">
          {wrong}
        </p>
      )}
      <div className="field">
        <label htmlFor={`${id}-speed`}>
          {text.speed}
          <span className="hint"> {words.destinations.optional}</span>
        </label>
        <input
          id={`${id}-speed`}
          inputMode="decimal"
          autoComplete="off"
          value={draft.megabytesPerSecond}
          aria-invalid={isSpeedBad}
          aria-describedby={`${id}-speed-hint`}
          onChange={(event) => onChange({ ...draft, megabytesPerSecond: event.target.value })}
        />
        <p id={`${id}-speed-hint`} className={isSpeedBad ? 'field-error' : 'hint'}>
          {isSpeedBad ? text.speedBad : text.speedHint}
        </p>
      </div>
      <label className="check">
        <input
          type="checkbox"
          checked={draft.isTimed}
          onChange={(event) => onChange({ ...draft, isTimed: event.target.checked })}
        />
        <span>
          {text.timed}
          <span className="hint">{text.timedHint}</span>
        </span>
      </label>
      {draft.isTimed && (draft.keptHours ? <p className="hint">{text.kept}</p> : <Times {...{ draft, onChange }} />)}
    </fieldset>
  );
}

function Times({ draft, onChange }: Omit<LimitsFieldsProps, 'wrong'>) {
  const { words } = useLocale();
  const { limits: text } = words;
  const id = useId();
  const isBad = draft.from === draft.to || draft.from === '' || draft.to === '';
  return (
    <>
      <div className="field-pair">
        {(['from', 'to'] as const).map((end) => (
          <div key={end} className="field">
            <label htmlFor={`${id}-${end}`}>{text[end]}</label>
            <input
              id={`${id}-${end}`}
              type="time"
              required
              value={draft[end]}
              aria-invalid={isBad}
              aria-describedby={`${id}-hint`}
              onChange={(event) => onChange({ ...draft, [end]: event.target.value })}
            />
          </div>
        ))}
      </div>
      <p id={`${id}-hint`} className={isBad ? 'field-error' : 'hint'}>
        {isBad ? text.timesBad : text.zone(draft.zone)}
      </p>
    </>
  );
}
