/** The way to the alerts, with the number of those that last. */
import { Bell } from 'lucide-react';
import { Suspense, useEffect, useState, useSyncExternalStore } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { useConsole } from './console.ts';
import { whenNeeded } from './when-needed.tsx';

const AlertList = whenNeeded(async () => (await import('./alert-list.tsx')).AlertList);

/** Words on the socket bring news at once; this is for those that were missed. */
const LOOK_MS = 60_000;

export function AlertBell() {
  const { words, format } = useLocale();
  const { alerts: store } = useConsole();
  const { alerts, messages } = useSyncExternalStore(store.subscribe, store.snapshot);
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    void store.load();
    const timer = setInterval(() => void store.load(), LOOK_MS);
    return () => clearInterval(timer);
  }, [store]);
  if (alerts === null) return null;
  const lasting = alerts.filter(({ endedAt }) => endedAt === null).length;
  const label = lasting === 0 ? words.alerts.title : words.alerts.lasting(lasting);
  return (
    <>
      <button
        type="button"
        className="button quiet icon-only bell"
        aria-label={label}
        aria-haspopup="dialog"
        title={label}
        onClick={() => setIsOpen(true)}
      >
        <Bell aria-hidden size={17} />
        {lasting > 0 && (
          <span className="bell-count num" aria-hidden>
            {lasting > 9 ? '9+' : format.integer(lasting)}
          </span>
        )}
      </button>
      <span className="unseen" role="status">
        {lasting > 0 && words.alerts.lasting(lasting)}
      </span>
      {isOpen && (
        <Suspense>
          <AlertList alerts={alerts} messages={messages} onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
