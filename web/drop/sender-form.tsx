/** Who hands in; and what was chosen before that was known. */
import { Send, X } from 'lucide-react';
import { type RefObject, useId } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import type { HandInState } from './use-hand-in.ts';

export interface SenderFormProps {
  readonly name: string;
  readonly onName: (name: string) => void;
  readonly need: 'required' | 'optional';
  readonly handIn: HandInState;
  readonly input: RefObject<HTMLInputElement | null>;
  readonly onError: (error: unknown) => void;
}

export function SenderForm({ name, onName, need, handIn, input, onError }: SenderFormProps) {
  const { words } = useLocale();
  const { held, isNameGood } = handIn;
  const id = useId();
  const isBad = name.trim() !== '' && !isNameGood;
  const hint = need === 'required' ? words.drop.senderHint : words.drop.senderFree;
  return (
    <form
      className="drop-name"
      onSubmit={(event) => {
        event.preventDefault();
        void handIn.sendHeld().catch(onError);
      }}
    >
      <div className="field">
        <label htmlFor={`${id}-name`}>
          {words.drop.sender}
          {need === 'optional' && <span className="hint"> {words.destinations.optional}</span>}
        </label>
        <input
          ref={input}
          id={`${id}-name`}
          value={name}
          maxLength={80}
          autoComplete="name"
          required={need === 'required'}
          aria-invalid={isBad || (held.length > 0 && !isNameGood)}
          aria-describedby={`${id}-hint`}
          onChange={(event) => onName(event.target.value)}
        />
        <p id={`${id}-hint`} className={isBad ? 'field-error' : 'hint'}>
          {isBad ? words.drop.senderBad : hint}
        </p>
      </div>
      {held.length > 0 && (
        <div className="drop-held">
          <p role="status">{words.drop.held(held.length)}</p>
          <button type="button" className="button quiet" onClick={handIn.letGo}>
            <X aria-hidden size={15} />
            {words.drop.letGo}
          </button>
          <button type="submit" className="button primary" disabled={!isNameGood}>
            <Send aria-hidden size={15} />
            {words.drop.sendHeld(held.length)}
          </button>
        </div>
      )}
    </form>
  );
}
