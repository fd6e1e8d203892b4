/** What a link takes at most, behind a fold: most links need no limits. */
import { type HTMLAttributes, useId, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import type { LinkDraft, Wrong } from './link-draft.ts';

export interface LinkLimitsProps {
  readonly draft: LinkDraft;
  readonly wrong: ReadonlySet<Wrong>;
  readonly onChange: (part: Partial<LinkDraft>) => void;
}

export function LinkLimits({ draft, wrong, onChange }: LinkLimitsProps) {
  const { words } = useLocale();
  const text = words.links.limits;
  const [isOpenAtFirst] = useState(draft.files + draft.gigabytes + draft.fileGigabytes + draft.suffixes !== '');
  const field = (key: 'files' | 'gigabytes' | 'fileGigabytes', inputMode: 'numeric' | 'decimal') => (
    <Limit
      label={text[key]}
      hint={wrong.has(key) ? text.numberBad : text.none}
      isBad={wrong.has(key)}
      value={draft[key]}
      inputMode={inputMode}
      onChange={(value) => onChange({ [key]: value })}
    />
  );
  return (
    <details className="fold" open={isOpenAtFirst || undefined}>
      <summary>{text.title}</summary>
      <div className="form">
        <div className="field-pair">
          {field('files', 'numeric')}
          {field('gigabytes', 'decimal')}
        </div>
        <div className="field-pair">
          {field('fileGigabytes', 'decimal')}
          <Limit
            label={text.suffixes}
            hint={wrong.has('suffixes') ? text.suffixesBad : text.suffixesHint}
            isBad={wrong.has('suffixes')}
            value={draft.suffixes}
            inputMode="text"
            onChange={(suffixes) => onChange({ suffixes })}
          />
        </div>
      </div>
    </details>
  );
}

function Limit(props: {
  readonly label: string;
  readonly hint: string;
  readonly isBad: boolean;
  readonly value: string;
  readonly inputMode: HTMLAttributes<HTMLInputElement>['inputMode'];
  readonly onChange: (value: string) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        value={props.value}
        inputMode={props.inputMode}
        autoComplete="off"
        spellCheck={false}
        aria-invalid={props.isBad}
        aria-describedby={`${id}-hint`}
        onChange={(event) => props.onChange(event.target.value)}
      />
      <p id={`${id}-hint`} className={props.isBad ? 'field-error' : 'hint'}>
        {props.hint}
      </p>
    </div>
  );
}
