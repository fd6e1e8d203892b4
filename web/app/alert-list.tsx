/** What lasts, what is over, and what was said to whoever watches. */
import type { Alert } from '#core/wire/alert.ts';
import { useLocale } from '../i18n/locale.tsx';
import type { Message } from './alert-store.ts';
import { alertWords } from './alert-words.ts';
import { Dialog } from './dialog.tsx';

export interface AlertListProps {
  readonly alerts: readonly Alert[];
  readonly messages: readonly Message[];
  readonly onClose: () => void;
}

export function AlertList({ alerts, messages, onClose }: AlertListProps) {
  const { words, format } = useLocale();
  const { alerts: text } = words;
  return (
    <Dialog kind="drawer" title={text.title} onClose={onClose}>
      {alerts.length === 0 && messages.length === 0 && (
        <div className="empty">
          <strong>{text.none}</strong>
          <p>{text.noneText}</p>
        </div>
      )}
      <ul className="alerts">
        {alerts.map((alert) => (
          <AlertLine key={alert.id} alert={alert} onGo={onClose} />
        ))}
      </ul>
      {messages.length > 0 && (
        <>
          <h3>{text.messages}</h3>
          <ul className="alerts">
            {messages.map(({ key, notice, atMs }) => (
              <li key={key}>
                <p>
                  <strong>{notice.title}</strong>
                </p>
                <p className="alert-more">{notice.content}</p>
                <p className="hint num">{format.time(new Date(atMs).toISOString())}</p>
              </li>
            ))}
          </ul>
        </>
      )}
    </Dialog>
  );
}

function AlertLine({ alert, onGo }: { readonly alert: Alert; readonly onGo: () => void }) {
  const { words, format } = useLocale();
  const { what, more, goTo } = alertWords(words, format, alert);
  const isOver = alert.endedAt !== null;
  return (
    <li className={isOver ? 'is-over' : 'is-on'}>
      <p>
        <strong>{what}</strong>
        {isOver && <span className="alert-over">{words.alerts.over}</span>}
      </p>
      <p className="alert-more">{more}</p>
      <p className="hint num">
        <time dateTime={alert.raisedAt}>{format.time(alert.raisedAt)}</time>
        {alert.endedAt !== null && (
          <>
            {' – '}
            <time dateTime={alert.endedAt}>{format.time(alert.endedAt)}</time>
          </>
        )}
      </p>
      {!isOver && (
        <a href={`#/${goTo}`} onClick={onGo}>
          {words.alerts.see(words.nav[goTo])}
        </a>
      )}
    </li>
  );
}
