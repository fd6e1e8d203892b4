/** Asks for the token when the address brought none. */
import { KeyRound } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { Mark } from './mark.tsx';
import { LanguageSwitch, ThemeSwitch } from './switches.tsx';

export interface TokenGateProps {
  readonly isRefused: boolean;
  readonly onEnter: (token: string) => void;
}

export function TokenGate({ isRefused, onEnter }: TokenGateProps) {
  const { words } = useLocale();
  const [text, setText] = useState('');
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const token = text.includes('#token=') ? text.slice(text.indexOf('#token=') + '#token='.length) : text;
    if (token.trim()) onEnter(token.trim());
  };
  return (
    <main className="gate">
      <div className="gate-switches">
        <LanguageSwitch />
        <ThemeSwitch />
      </div>
      <form className="gate-card" onSubmit={submit}>
        <Mark />
        <h1>{words.token.title}</h1>
        <p>{words.token.text}</p>
        <label htmlFor={id}>{words.token.label}</label>
        <div className="gate-line">
          <input
            id={id}
            type="password"
            autoComplete="off"
            spellCheck={false}
            value={text}
            aria-describedby={isRefused ? `${id}-refused` : undefined}
            onChange={(event) => setText(event.target.value)}
          />
          <button type="submit" className="button primary">
            <KeyRound aria-hidden size={16} />
            {words.token.enter}
          </button>
        </div>
        {isRefused && (
          <p id={`${id}-refused`} role="alert" className="field-error">
            {words.token.refused}
          </p>
        )}
      </form>
    </main>
  );
}
