/** Logs in to a destination that stands already. */
import { type FormEvent, useState } from 'react';
import type { DestinationView } from '#core/wire/destination.ts';
import { useLocale } from '../i18n/locale.tsx';
import { FieldList } from './destination-field.tsx';
import { KINDS, kindName, type Values } from './destination-kinds.ts';
import { filled } from './destination-values.ts';
import { Dialog } from './dialog.tsx';
import { LoginPanel } from './login-panel.tsx';

export interface LoginDialogProps {
  readonly destination: DestinationView;
  readonly onClose: () => void;
}

export function LoginDialog({ destination, onClose }: LoginDialogProps) {
  const { words } = useLocale();
  const { settings = [], login } = KINDS[destination.provider] ?? {};
  const service = kindName(words, destination.provider);
  const lacking = settings
    .filter(({ key }) => login?.needs.includes(key) && destination.settings[key] === undefined)
    .map((field) => ({ ...field, isNeeded: true }));
  const [values, setValues] = useState<Values>({});
  const [isAsking, setIsAsking] = useState(lacking.length > 0);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setIsAsking(false);
  };
  return (
    <Dialog kind="card" title={words.login.title(service)} onClose={onClose}>
      {isAsking ? (
        <form className="form" onSubmit={submit}>
          <FieldList
            fields={lacking}
            isSecret={false}
            values={values}
            onChange={(key, value) => setValues((before) => ({ ...before, [key]: value }))}
          />
          <footer className="dialog-foot">
            <button type="button" className="button" onClick={onClose}>
              {words.destinations.cancel}
            </button>
            <button type="submit" className="button primary">
              {words.login.start}
            </button>
          </footer>
        </form>
      ) : (
        <LoginPanel
          wanted={{
            provider: destination.provider,
            destinationId: destination.id,
            settings: filled(lacking, values),
          }}
          service={service}
          {...(lacking.length > 0 ? { onBack: () => setIsAsking(true) } : {})}
          onClose={onClose}
        />
      )}
    </Dialog>
  );
}
