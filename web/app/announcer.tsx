/** Tells screen readers what ended, a few words at a time. */
import { useEffect, useRef, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { useProgress, useQueue } from './console.ts';
import { joinRows, type Row } from './rows.ts';

export function Announcer() {
  const { words } = useLocale();
  const queue = useQueue();
  const progress = useProgress();
  const [text, setText] = useState('');
  const seen = useRef<Map<string, string> | null>(null);

  useEffect(() => {
    const rows = joinRows(queue, progress, Date.now());
    const before = seen.current;
    seen.current = new Map(rows.map((row) => [row.key, row.status]));
    // What was there when the page opened is no news.
    if (!before) return;
    const turned = (status: (row: Row) => boolean) =>
      rows.filter((row) => status(row) && before.has(row.key) && before.get(row.key) !== row.status);
    const delivered = turned(({ status }) => status === 'success' || status === 'quick_success');
    const failed = turned(({ status }) => status === 'failed');
    const news: string[] = [];
    if (delivered[0]) news.push(words.live.delivered(delivered.length, delivered[0].name));
    if (failed[0]) news.push(words.live.failed(failed.length, failed[0].name));
    if (news.length > 0) setText(news.join(' '));
  }, [queue, progress, words]);

  return (
    <div className="unseen" aria-live="polite" role="log">
      {text}
    </div>
  );
}
