/** Which language the page speaks: the browser's at first, the person's choice from then on. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { en, type Messages } from './en.ts';
import { type Formats, formats } from './format.ts';
import { zh } from './zh.ts';

export const LANGUAGES = { en, 'zh-CN': zh } as const satisfies Record<string, Messages>;
export type Language = keyof typeof LANGUAGES;

export interface Locale {
  readonly language: Language;
  readonly words: Messages;
  readonly format: Formats;
  readonly choose: (language: Language) => void;
}

const STORE_KEY = 'entrepot.language';
const LocaleContext = createContext<Locale | null>(null);

export function LocaleProvider({ children }: { readonly children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const locale = useMemo<Locale>(
    () => ({
      language,
      words: LANGUAGES[language],
      format: formats(regionOf(language)),
      choose(next) {
        localStorage.setItem(STORE_KEY, next);
        setLanguage(next);
      },
    }),
    [language],
  );
  return <LocaleContext value={locale}>{children}</LocaleContext>;
}

export function useLocale(): Locale {
  const locale = useContext(LocaleContext);
  if (!locale) throw new Error('outside of LocaleProvider');
  return locale;
}

/** What went wrong and what to do next; the server's own words where the page has none for the code. */
export function errorWords(words: Messages, code: string, message: string): readonly [what: string, next: string] {
  const general = `*.${code.split('.').slice(1).join('.')}`;
  return words.errors[code] ?? words.errors[general] ?? [message || words.unknownError, ''];
}

/** The reader's own region, for dates and numbers: `en-GB` rather than `en`. */
function regionOf(language: Language): string {
  const base = language.slice(0, 2);
  return navigator.languages.find((wanted) => wanted.toLowerCase().startsWith(base)) ?? language;
}

function firstLanguage(): Language {
  const chosen = localStorage.getItem(STORE_KEY);
  if (chosen === 'en' || chosen === 'zh-CN') return chosen;
  const wanted = navigator.languages.find((language) => /^(zh|en)\b/i.test(language));
  return wanted?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}
