/** Who hands in, and the zone that takes files and folders. */
import { useRef } from 'react';
import type { DropView } from '#core/wire/link.ts';
import { DropVeil, FileZone } from '../app/file-zone.tsx';
import { useFileDrag } from '../app/use-file-drag.ts';
import { useKept } from '../app/use-kept.ts';
import { useLocale } from '../i18n/locale.tsx';
import { droppedFiles } from '../upload/drop.ts';
import { Refused } from './refused.tsx';
import { SenderForm } from './sender-form.tsx';
import { type Groups, useHandIn } from './use-hand-in.ts';

export interface HandInProps {
  readonly view: DropView;
  readonly onError: (error: unknown) => void;
}

export function HandIn({ view, onError }: HandInProps) {
  const { words } = useLocale();
  const [name, setName] = useKept('entrepot.sender.name', '');
  const nameInput = useRef<HTMLInputElement>(null);
  const handIn = useHandIn({ view, name, onHeld: () => nameInput.current?.focus(), onError });
  const take = (groups: Groups) => void handIn.take(groups).catch(onError);
  const isOver = useFileDrag(true, (data) => take(droppedFiles(data)));

  return (
    <>
      <SenderForm
        name={name}
        onName={setName}
        need={view.senderName}
        handIn={handIn}
        input={nameInput}
        onError={onError}
      />
      <FileZone
        size="page"
        note={handIn.reading === null ? handIn.note : words.send.reading(handIn.reading)}
        onFiles={(picked) => take([picked])}
        onError={onError}
      />
      {handIn.refused.length > 0 && <Refused refused={handIn.refused} view={view} onDismiss={handIn.forgetRefused} />}
      {isOver && <DropVeil where={view.name} />}
    </>
  );
}
