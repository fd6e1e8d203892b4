/** Tells screen readers how far it is, now and then: not with every file. */
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { dropNews } from './drop-news.ts';
import type { DropTotals } from './drop-rows.ts';

/** News within this time are told as one. */
const GATHER_MS = 4_000;

export function DropAnnouncer({ totals }: { readonly totals: DropTotals }) {
  const { words } = useLocale();
  const [text, setText] = useState('');
  const { received, failed } = totals;
  const told = useRef({ received, failed });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const tell = useEffectEvent(() => {
    timer.current = undefined;
    told.current = { received, failed };
    setText(dropNews(totals, words));
  });

  useEffect(() => {
    // What was there when the page opened is no news.
    if (told.current.received === received && told.current.failed === failed) return;
    timer.current ??= setTimeout(tell, GATHER_MS);
  }, [received, failed]);
  useEffect(() => () => clearTimeout(timer.current), []);

  return (
    <div className="unseen" aria-live="polite" role="log">
      {text}
    </div>
  );
}
