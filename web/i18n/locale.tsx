/** Which language the page speaks: the browser's at first, the person's choice from then on. */

import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { browserStore } from '../browser-store.ts';
import type { Messages } from './en.ts';
import { type Formats, formats } from './format.ts';

/** By the name that each calls itself. */
export const LANGUAGES = { en: 'English', 'zh-CN': '中文' } as const;
export type Language = keyof typeof LANGUAGES;

export interface Locale {
  readonly language: Language;
  readonly words: Messages;
  readonly format: Formats;
  readonly choose: (language: Language) => void;
}

/** A language with its words. */
export interface Spoken {
  readonly language: Language;
  readonly words: Messages;
}

const STORE_KEY = 'entrepot.language';
const LocaleContext = createContext<Locale | null>(null);

/** What the page speaks at first. The words of other languages are not fetched. */
export function firstSpoken(): Promise<Spoken> {
  return spoken(firstLanguage());
}

export function LocaleProvider({ first, children }: { readonly first: Spoken; readonly children: ReactNode }) {
  const [{ language, words }, speak] = useState(first);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const locale = useMemo<Locale>(
    () => ({
      language,
      words,
      format: formats(regionOf(language)),
      choose(next) {
        browserStore.setItem(STORE_KEY, next);
        // Words that cannot be fetched now are there after the next reload.
        void spoken(next).then(speak, () => undefined);
      },
    }),
    [language, words],
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

async function spoken(language: Language): Promise<Spoken> {
  const words = language === 'en' ? (await import('./en.ts')).en : (await import('./zh.ts')).zh;
  return { language, words };
}

/** The reader's own region, for dates and numbers: `en-GB` rather than `en`. */
function regionOf(language: Language): string {
  const base = language.slice(0, 2);
  return navigator.languages.find((wanted) => wanted.toLowerCase().startsWith(base)) ?? language;
}

function firstLanguage(): Language {
  const chosen = browserStore.getItem(STORE_KEY);
  if (chosen === 'en' || chosen === 'zh-CN') return chosen;
  const wanted = navigator.languages.find((language) => /^(zh|en)\b/i.test(language));
  return wanted?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}
