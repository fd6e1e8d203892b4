/** A modal dialog of the browser's own: it keeps the focus, Esc closes it, and the page behind it is out of reach. */
import { X } from 'lucide-react';
import { type ReactNode, useId, useLayoutEffect, useRef } from 'react';
import { useLocale } from '../i18n/locale.tsx';

export interface DialogProps {
  readonly title: ReactNode;
  readonly kind: 'drawer' | 'card';
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Dialog({ title, kind, onClose, children }: DialogProps) {
  const { words } = useLocale();
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before the element goes: only then does the browser give the focus back to where it was.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the backdrop is for the mouse; the keyboard has Esc and the button
    <dialog
      ref={dialog}
      className={`dialog ${kind}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        // React tells an outer dialog of what was meant for one inside of it.
        if (event.target === event.currentTarget) onClose();
      }}
      onClick={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
    >
      <div className="dialog-body">
        <header className="dialog-head">
          <h2 id={id}>{title}</h2>
          <button
            type="button"
            className="button quiet icon-only"
            aria-label={words.detail.close}
            title={words.detail.close}
            onClick={onClose}
          >
            <X aria-hidden size={18} />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
