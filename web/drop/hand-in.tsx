/** Who hands in, and the zone that takes files and folders. */
import { FileUp } from 'lucide-react';
import { type ChangeEvent, useRef } from 'react';
import type { DropView } from '#core/wire/link.ts';
import { useFileDrag } from '../app/use-file-drag.ts';
import { useKept } from '../app/use-kept.ts';
import { useLocale } from '../i18n/locale.tsx';
import { droppedFiles, inputFiles, pickFiles } from '../upload/drop.ts';
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
  const fileInput = useRef<HTMLInputElement>(null);
  const folderInput = useRef<HTMLInputElement>(null);
  const handIn = useHandIn({ view, name, onHeld: () => nameInput.current?.focus(), onError });
  const take = (groups: Groups) => void handIn.take(groups).catch(onError);
  const isOver = useFileDrag(true, (data) => take(droppedFiles(data)));

  const chooseFiles = async () => {
    const picked = await pickFiles();
    if (picked === null) fileInput.current?.click();
    else if (picked.length > 0) take([picked]);
  };
  const onInput = (event: ChangeEvent<HTMLInputElement>) => {
    const picked = inputFiles(event.target.files ?? []);
    // The same file may be chosen again.
    event.target.value = '';
    take([picked]);
  };
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
      <div className="zone drop-zone">
        <FileUp aria-hidden size={38} strokeWidth={1.3} />
        <p>{words.send.drop}</p>
        <div className="zone-buttons">
          <button type="button" className="button primary" onClick={() => void chooseFiles().catch(onError)}>
            {words.send.chooseFiles}
          </button>
          <button type="button" className="button" onClick={() => folderInput.current?.click()}>
            {words.send.chooseFolder}
          </button>
        </div>
        <input ref={fileInput} type="file" multiple hidden data-pick="files" onChange={onInput} />
        <input ref={folderInput} type="file" multiple hidden data-pick="folder" onChange={onInput} {...FOLDER} />
        <p className="zone-note" role="status">
          {handIn.reading === null ? handIn.note : words.send.reading(handIn.reading)}
        </p>
      </div>
      {handIn.refused.length > 0 && <Refused refused={handIn.refused} view={view} onDismiss={handIn.forgetRefused} />}
      {isOver && (
        <div className="veil" aria-hidden>
          <div className="veil-card">
            <FileUp size={34} strokeWidth={1.5} />
            <strong>{words.send.dropAnywhere}</strong>
            <span>{view.name}</span>
          </div>
        </div>
      )}
    </>
  );
}

/** React's types do not know the attribute that makes an input pick folders. */
const FOLDER: Record<string, string> = { webkitdirectory: '' };
