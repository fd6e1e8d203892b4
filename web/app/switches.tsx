/** Language and appearance: the system's at first, the person's choice from then on. */

import { Monitor, Moon, Sun } from 'lucide-react';
import { useEffect, useState } from 'react';
import { browserStore } from '../browser-store.ts';
import { LANGUAGES, type Language, useLocale } from '../i18n/locale.tsx';

export function LanguageSwitch() {
  const { language, choose } = useLocale();
  const next: Language = language === 'en' ? 'zh-CN' : 'en';
  return (
    <button type="button" className="button quiet" lang={next} onClick={() => choose(next)}>
      {LANGUAGES[next]}
    </button>
  );
}

type Theme = 'auto' | 'light' | 'dark';

const THEME_KEY = 'entrepot.theme';
const NEXT: Record<Theme, Theme> = { auto: 'light', light: 'dark', dark: 'auto' };
const ICONS = { auto: Monitor, light: Sun, dark: Moon };

export function ThemeSwitch() {
  const { words } = useLocale();
  const [theme, setTheme] = useState(firstTheme);
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
  }, [theme]);
  const Icon = ICONS[theme];
  const label = `${words.settings.theme}: ${words.settings[theme]}`;
  const turn = () => {
    browserStore.setItem(THEME_KEY, NEXT[theme]);
    setTheme(NEXT[theme]);
  };
  return (
    <button type="button" className="button quiet icon-only" aria-label={label} title={label} onClick={turn}>
      <Icon aria-hidden size={17} />
    </button>
  );
}

function firstTheme(): Theme {
  const kept = browserStore.getItem(THEME_KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'auto';
}
