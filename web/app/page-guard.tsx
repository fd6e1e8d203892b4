/** While bytes are only on this device: no closing by accident, no sleeping screen, and the progress in the tab's title. */
import { useEffect } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import type { QueueSnapshot } from '../upload/queue.ts';
import { hasLocalBytes } from './totals.ts';

export interface PageGuardProps {
  readonly queue: QueueSnapshot;
  /** What the tab is called. */
  readonly name: string;
}

export function PageGuard({ queue, name }: PageGuardProps) {
  const { format } = useLocale();
  const isBusy = hasLocalBytes(queue);
  const busy = queue.uploads.filter(({ phase }) => phase !== 'staged' && phase !== 'canceled' && phase !== 'failed');
  const sizeBytes = busy.reduce((sum, upload) => sum + upload.sizeBytes, 0);
  const sentBytes = busy.reduce((sum, upload) => sum + upload.sentBytes, 0);
  const title = isBusy && sizeBytes > 0 ? `${format.percent(sentBytes / sizeBytes)} · ${name}` : name;

  useEffect(() => {
    document.title = title;
  }, [title]);

  useEffect(() => {
    if (!isBusy) return;
    const onUnload = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', onUnload);
    const release = keepAwake();
    return () => {
      window.removeEventListener('beforeunload', onUnload);
      release();
    };
  }, [isBusy]);
  return null;
}

/** A phone that sleeps stops sending. Browsers let the lock go with the page in the background: it is taken again. */
function keepAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  let isOver = false;
  const take = async () => {
    if (isOver || document.visibilityState !== 'visible') return;
    // Refused on low battery and on plain http: sending goes on without it.
    lock = (await navigator.wakeLock?.request('screen').catch(() => null)) ?? null;
    if (isOver) await lock?.release();
  };
  void take();
  document.addEventListener('visibilitychange', take);
  return () => {
    isOver = true;
    document.removeEventListener('visibilitychange', take);
    void lock?.release();
  };
}
