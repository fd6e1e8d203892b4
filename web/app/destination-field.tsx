/** One setting or secret of a destination: typed, or chosen. */
import { useId } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import type { Field, Values } from './destination-kinds.ts';

export interface DestinationFieldProps {
  readonly field: Field;
  readonly isSecret: boolean;
  readonly value: string;
  /** What the server refused it for. */
  readonly wrong?: string | undefined;
  readonly onChange: (value: string) => void;
}

export function DestinationField({ field, isSecret, value, wrong, onChange }: DestinationFieldProps) {
  const { words } = useLocale();
  const { fields, hints, choices, optional } = words.destinations;
  const id = useId();
  const hint = hints[field.label];
  const isHidden = isSecret && field.isOpen !== true;
  const described = [hint !== undefined && `${id}-hint`, wrong !== undefined && `${id}-wrong`]
    .filter(Boolean)
    .join(' ');
  const told = { 'aria-invalid': wrong !== undefined, 'aria-describedby': described || undefined };
  return (
    <div className="field">
      <label htmlFor={id}>
        {fields[field.label]}
        {!field.isNeeded && !field.choices && <span className="hint"> {optional}</span>}
      </label>
      {field.choices ? (
        <select
          id={id}
          value={value || field.choices[0]?.label}
          {...told}
          onChange={(event) => onChange(event.target.value)}
        >
          {field.choices.map(({ label }) => (
            <option key={label} value={label}>
              {choices[label]}
            </option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          value={value}
          type={isHidden ? 'password' : 'text'}
          required={field.isNeeded}
          placeholder={field.placeholder}
          autoComplete={isHidden ? 'new-password' : 'off'}
          spellCheck={false}
          {...told}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
      {wrong !== undefined && (
        <p id={`${id}-wrong`} className="field-error">
          {wrong}
        </p>
      )}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

export interface FieldListProps {
  readonly fields: readonly Field[];
  readonly isSecret: boolean;
  readonly values: Values;
  /** What the server refused, by key. */
  readonly wrong?: Values;
  readonly onChange: (key: string, value: string) => void;
}

const NOTHING: Values = {};

/** The usual ones, and the rare ones behind a fold. */
export function FieldList({ fields, isSecret, values, wrong = NOTHING, onChange }: FieldListProps) {
  const { words } = useLocale();
  const drawn = (isRare: boolean) =>
    fields
      .filter((field) => (field.isRare === true) === isRare)
      .map((field) => (
        <DestinationField
          key={field.key}
          field={field}
          isSecret={isSecret}
          value={values[field.key] ?? ''}
          wrong={wrong[field.key]}
          onChange={(value) => onChange(field.key, value)}
        />
      ));
  const rare = drawn(true);
  const isRareWrong = fields.some(({ key, isRare }) => isRare && wrong[key] !== undefined);
  return (
    <>
      {drawn(false)}
      {rare.length > 0 && (
        <details className="fold" open={isRareWrong || undefined}>
          <summary>{words.destinations.more}</summary>
          <div className="form">{rare}</div>
        </details>
      )}
    </>
  );
}
