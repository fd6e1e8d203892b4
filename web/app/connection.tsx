/** Whether what the page shows is live, and what to do when it is not. */
import { RotateCw, WifiOff } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { useSocketStatus, useUploadProgress } from './console.ts';
import { useNow } from './use-now.ts';

/** A line that comes back this soon is not worth a notice. */
const PATIENCE_MS = 2500;

export function ConnectionSign() {
  const { words } = useLocale();
  const { kind } = useSocketStatus();
  return (
    <span className={`sign sign-${kind}`}>
      <span className="sign-dot" aria-hidden />
      <span className="sign-word">{words.connection[kind]}</span>
    </span>
  );
}

export function ConnectionNotice() {
  const { words } = useLocale();
  const { connected, reconnect } = useUploadProgress();
  const status = useSocketStatus();
  const isDown = useIsDown();
  const nowMs = useNow(1000);
  if (!isDown || connected) return null;
  const reason = status.kind !== 'waiting' ? null : status.reason;
  const seconds = status.kind === 'waiting' ? Math.max(0, Math.ceil((status.untilMs - nowMs) / 1000)) : 0;
  return (
    <section className="notice warn" role="status">
      <WifiOff aria-hidden size={18} />
      <div>
        <strong>{words.connection.notice}</strong>
        {reason && <p>{reason === 'no_ticket' ? words.connection.noTicket : words.connection.noSocket}</p>}
      </div>
      <div className="notice-end">
        {seconds > 0 && (
          <span className="faint" aria-hidden>
            {words.connection.again(seconds)}
          </span>
        )}
        <button type="button" className="button" disabled={status.kind === 'connecting'} onClick={reconnect}>
          <RotateCw aria-hidden size={15} />
          {words.connection.reconnect}
        </button>
      </div>
    </section>
  );
}

/** True once the socket has been down for a while; stays true until it is open again. */
function useIsDown(): boolean {
  const isOpen = useSocketStatus().kind === 'open';
  const [isDown, setIsDown] = useState(false);
  useEffect(() => {
    if (isOpen) {
      setIsDown(false);
      return;
    }
    const timer = setTimeout(() => setIsDown(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [isOpen]);
  return isDown;
}
