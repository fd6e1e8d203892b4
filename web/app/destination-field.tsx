/** One setting or secret of a destination: typed, or chosen. */
import { useId } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import type { Field } from './destination-kinds.ts';

export interface DestinationFieldProps {
  readonly field: Field;
  readonly isSecret: boolean;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

export function DestinationField({ field, isSecret, value, onChange }: DestinationFieldProps) {
  const { words } = useLocale();
  const { fields, choices, optional } = words.destinations;
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>
        {fields[field.key]}
        {!field.isNeeded && !field.choices && <span className="hint"> {optional}</span>}
      </label>
      {field.choices ? (
        <select id={id} value={value || field.choices[0]} onChange={(event) => onChange(event.target.value)}>
          {field.choices.map((choice) => (
            <option key={choice} value={choice}>
              {choices[choice]}
            </option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          value={value}
          type={isSecret ? 'password' : 'text'}
          required={field.isNeeded}
          placeholder={field.placeholder}
          autoComplete={isSecret ? 'new-password' : 'off'}
          spellCheck={false}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </div>
  );
}
