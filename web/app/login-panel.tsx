/** A code to scan, how long it is good for, and how far the login is. */
import { CircleCheck, LoaderCircle, RefreshCw, Smartphone } from 'lucide-react';
import { useEffect } from 'react';
import type { BeginLogin } from '#core/wire/login.ts';
import { errorWords, useLocale } from '../i18n/locale.tsx';
import { useConsole } from './console.ts';
import { ErrorLine } from './error-line.tsx';
import { QrCode } from './qr-code.tsx';
import { isEnd, type LoginStage, useLogin } from './use-login.ts';
import { useNow } from './use-now.ts';

export interface LoginPanelProps {
  readonly wanted: BeginLogin & { readonly destinationId: string };
  /** As people call it: `115`. */
  readonly service: string;
  /** Absent: there is nothing to go back to. */
  readonly onBack?: () => void;
  readonly onClose: () => void;
}

type Shown = Extract<LoginStage, { kind: 'shown' }>;

export function LoginPanel({ wanted, service, onBack, onClose }: LoginPanelProps) {
  const { words } = useLocale();
  const { destinations } = useConsole();
  const { stage, renew } = useLogin(wanted);
  const isConfirmed = stage.kind === 'shown' && stage.state === 'confirmed';
  useEffect(() => {
    if (isConfirmed) void destinations.load();
  }, [isConfirmed, destinations]);

  return (
    <div className="login">
      {stage.kind === 'failed' && <ErrorLine error={stage.error} />}
      {stage.kind !== 'failed' && (
        <div className="login-row">
          <Code stage={stage} service={service} onRenew={renew} />
          <div className="login-text">
            <ol className="login-steps">
              {words.login.steps(service).map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ol>
            <Progress stage={stage} service={service} id={wanted.destinationId} />
          </div>
        </div>
      )}
      <footer className="dialog-foot">
        {!isConfirmed && onBack && (
          <button type="button" className="button" onClick={onBack}>
            {words.login.back}
          </button>
        )}
        {isConfirmed ? (
          <button type="button" className="button primary" onClick={onClose}>
            {words.login.done}
          </button>
        ) : (
          <button type="button" className="button" onClick={onClose}>
            {words.destinations.cancel}
          </button>
        )}
        {stage.kind === 'failed' && (
          <button type="button" className="button primary" onClick={renew}>
            {words.login.newCode}
          </button>
        )}
      </footer>
    </div>
  );
}

function Code({
  stage,
  service,
  onRenew,
}: {
  readonly stage: Exclude<LoginStage, { kind: 'failed' }>;
  readonly service: string;
  readonly onRenew: () => void;
}) {
  const { words } = useLocale();
  if (stage.kind === 'beginning') return <div className="qr-frame waiting" />;
  const isOver = isEnd(stage.state);
  return (
    <div className={`qr-frame ${stage.state}`}>
      <QrCode text={stage.qrText} label={words.login.picture(service)} />
      {isOver && stage.state !== 'confirmed' && (
        <button type="button" className="button primary qr-over" onClick={onRenew}>
          <RefreshCw aria-hidden size={15} />
          {words.login.newCode}
        </button>
      )}
      {stage.state === 'scanned' && <Smartphone aria-hidden className="qr-over" size={44} />}
      {stage.state === 'confirmed' && <CircleCheck aria-hidden className="qr-over" size={56} />}
    </div>
  );
}

/** The words are announced when they change; the seconds are not. */
function Progress({
  stage,
  service,
  id,
}: {
  readonly stage: Exclude<LoginStage, { kind: 'failed' }>;
  readonly service: string;
  readonly id: string;
}) {
  const { words } = useLocale();
  const isOpen = stage.kind === 'shown' && !isEnd(stage.state);
  return (
    <div className="login-progress">
      <p role="status" className={`login-state ${stage.kind === 'shown' ? stage.state : ''}`}>
        {(stage.kind === 'beginning' || stage.state === 'waiting') && (
          <LoaderCircle aria-hidden size={15} className="spin" />
        )}
        {stage.kind === 'beginning' ? words.login.beginning(service) : <State stage={stage} id={id} />}
      </p>
      {isOpen && <TimeLeft untilMs={stage.expiresAtMs} />}
      {stage.kind === 'shown' && stage.isCut && <p className="hint">{words.login.stuck}</p>}
    </div>
  );
}

function State({ stage, id }: { readonly stage: Shown; readonly id: string }) {
  const { words } = useLocale();
  if (stage.state === 'confirmed') return words.login.confirmed(id);
  if (stage.error === null) return words.login[stage.state];
  return errorWords(words, stage.error.code, stage.error.message).join(' ');
}

function TimeLeft({ untilMs }: { readonly untilMs: number }) {
  const { words, format } = useLocale();
  const nowMs = useNow(1_000);
  return (
    <p className="hint num" role="timer" aria-live="off">
      {words.login.left(format.duration(Math.max(0, (untilMs - nowMs) / 1_000)))}
    </p>
  );
}
