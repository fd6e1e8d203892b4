/** Where a destination's calls are run: here, or at agents, and at which. */
import { useId } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import {
  PER_HOUR_MAX,
  type PlacementDraft,
  parsePerHour,
  parseSpacing,
  parseTags,
  SPACING_MINUTES_MAX,
  STRATEGIES,
} from './placement.ts';

export interface PlacementFieldsProps {
  readonly draft: PlacementDraft;
  /** What the server refused it for, in words. */
  readonly wrong?: string | null;
  readonly onChange: (draft: PlacementDraft) => void;
}

export function PlacementFields({ draft, wrong = null, onChange }: PlacementFieldsProps) {
  const { words } = useLocale();
  const { placement: text } = words;
  const id = useId();
  const choose = (on: PlacementDraft['on']) => onChange({ ...draft, on });
  return (
    <fieldset className="ways" aria-describedby={wrong === null ? undefined : `${id}-wrong`}>
      <legend>{text.title}</legend>
      {wrong !== null && (
        <p id={`${id}-wrong`} className="field-error" role="alert">
          {wrong}
        </p>
      )}
      <label className="check">
        <input type="radio" name={id} checked={draft.on === 'here'} onChange={() => choose('here')} />
        <span>
          {text.here}
          <span className="hint">{text.hereHint}</span>
        </span>
      </label>
      <label className="check">
        <input type="radio" name={id} checked={draft.on === 'agents'} onChange={() => choose('agents')} />
        <span>
          {text.agents}
          <span className="hint">{text.agentsHint}</span>
        </span>
      </label>
      {draft.on === 'agents' && <AgentChoice draft={draft} onChange={onChange} />}
    </fieldset>
  );
}

function AgentChoice({ draft, onChange }: PlacementFieldsProps) {
  const { words } = useLocale();
  const { placement: text, destinations } = words;
  const id = useId();
  const isKept = draft.keptTags !== null;
  const isTagsBad = !isKept && parseTags(draft.tags) === null;
  return (
    <div className="form agent-choice">
      <div className="field">
        <label htmlFor={`${id}-tags`}>
          {text.tags}
          <span className="hint"> {destinations.optional}</span>
        </label>
        <input
          id={`${id}-tags`}
          value={draft.tags}
          placeholder="region=cn, isp=telecom"
          autoComplete="off"
          spellCheck={false}
          readOnly={isKept}
          aria-invalid={isTagsBad}
          aria-describedby={`${id}-tags-hint`}
          onChange={(event) => onChange({ ...draft, tags: event.target.value })}
        />
        <p id={`${id}-tags-hint`} className={isTagsBad ? 'field-error' : 'hint'}>
          {isKept ? text.tagsKept : isTagsBad ? text.tagsBad : text.tagsHint}
        </p>
      </div>
      <div className="field">
        <label htmlFor={`${id}-strategy`}>{text.strategy}</label>
        <select
          id={`${id}-strategy`}
          value={draft.strategy}
          onChange={(event) => {
            const strategy = STRATEGIES.find((one) => one === event.target.value);
            if (strategy !== undefined) onChange({ ...draft, strategy });
          }}
        >
          {STRATEGIES.map((strategy) => (
            <option key={strategy} value={strategy}>
              {text.strategies[strategy]}
            </option>
          ))}
        </select>
      </div>
      <div className="field-pair">
        <NumberField
          label={text.spacing}
          hint={text.spacingHint}
          wrong={parseSpacing(draft.spacingMinutes) === null ? text.numberBad(SPACING_MINUTES_MAX) : null}
          value={draft.spacingMinutes}
          max={SPACING_MINUTES_MAX}
          step="any"
          onChange={(spacingMinutes) => onChange({ ...draft, spacingMinutes })}
        />
        <NumberField
          label={text.hourly}
          hint={text.hourlyHint}
          wrong={parsePerHour(draft.perHourMax) === null ? text.wholeBad(PER_HOUR_MAX) : null}
          value={draft.perHourMax}
          max={PER_HOUR_MAX}
          step="1"
          onChange={(perHourMax) => onChange({ ...draft, perHourMax })}
        />
      </div>
    </div>
  );
}

function NumberField(props: {
  readonly label: string;
  readonly hint: string;
  /** What is wrong with the value; null: nothing. */
  readonly wrong: string | null;
  readonly value: string;
  readonly max: number;
  readonly step: string;
  readonly onChange: (value: string) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        type="number"
        inputMode="decimal"
        min={0}
        max={props.max}
        step={props.step}
        value={props.value}
        aria-invalid={props.wrong !== null}
        aria-describedby={`${id}-hint`}
        onChange={(event) => props.onChange(event.target.value)}
      />
      <p id={`${id}-hint`} className={props.wrong === null ? 'hint' : 'field-error'}>
        {props.wrong ?? props.hint}
      </p>
    </div>
  );
}
