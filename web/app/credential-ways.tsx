/** Where a destination's credentials come from: those that it has, the service's app, or typed in. */
import { useId } from 'react';
import { useLocale } from '../i18n/locale.tsx';

/** `keep` only for a destination that stands. */
export type CredentialWay = 'keep' | 'app' | 'typed';

export interface CredentialWaysProps {
  readonly ways: readonly CredentialWay[];
  readonly way: CredentialWay;
  readonly service: string;
  readonly hasCredentials: boolean;
  readonly onChange: (way: CredentialWay) => void;
}

export function CredentialWays({ ways, way, service, hasCredentials, onChange }: CredentialWaysProps) {
  const { words } = useLocale();
  const id = useId();
  const texts: Record<CredentialWay, readonly [label: string, hint: string]> = {
    keep: hasCredentials ? [words.destinations.keep, words.destinations.keepHint] : [words.destinations.keepNone, ''],
    app: [words.login.byApp(service), words.login.byAppHint],
    typed: [ways.includes('app') || !hasCredentials ? words.login.byTokens : words.destinations.replace, ''],
  };
  return (
    <fieldset className="ways">
      <legend>{ways.includes('app') ? words.login.way : words.destinations.secret}</legend>
      {ways.map((one) => {
        const [label, hint] = texts[one];
        return (
          <label key={one} className="check">
            <input type="radio" name={id} checked={way === one} onChange={() => onChange(one)} />
            <span>
              {label}
              {hint !== '' && <span className="hint">{hint}</span>}
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}
