/** The zone that takes files and folders, and what hangs over the page while some are dragged. */
import { FileUp } from 'lucide-react';
import { type ChangeEvent, useRef } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { inputFiles, pickFiles } from '../upload/drop.ts';
import type { PickedFile } from '../upload/queue.ts';

export interface FileZoneProps {
  /** Beside other things, or the page's own business. */
  readonly size: 'panel' | 'page';
  /** What became of what was chosen last. */
  readonly note: string;
  readonly onFiles: (picked: readonly PickedFile[]) => void;
  readonly onError: (error: unknown) => void;
}

const SIZES = {
  panel: { className: 'zone', icon: { size: 26, strokeWidth: 1.5 } },
  page: { className: 'zone drop-zone', icon: { size: 38, strokeWidth: 1.3 } },
} as const;

export function FileZone({ size, note, onFiles, onError }: FileZoneProps) {
  const { words } = useLocale();
  const fileInput = useRef<HTMLInputElement>(null);
  const folderInput = useRef<HTMLInputElement>(null);
  const { className, icon } = SIZES[size];

  const chooseFiles = async () => {
    const picked = await pickFiles();
    if (picked === null) fileInput.current?.click();
    else if (picked.length > 0) onFiles(picked);
  };
  const onInput = (event: ChangeEvent<HTMLInputElement>) => {
    const picked = inputFiles(event.target.files ?? []);
    // The same file may be chosen again.
    event.target.value = '';
    onFiles(picked);
  };
  return (
    <div className={className}>
      <FileUp aria-hidden {...icon} />
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
        {note}
      </p>
    </div>
  );
}

/** `where`: what dropping them now would do. */
export function DropVeil({ where }: { readonly where: string }) {
  const { words } = useLocale();
  return (
    <div className="veil" aria-hidden>
      <div className="veil-card">
        <FileUp size={34} strokeWidth={1.5} />
        <strong>{words.send.dropAnywhere}</strong>
        <span>{where}</span>
      </div>
    </div>
  );
}

/** React's types do not know the attribute that makes an input pick folders. */
const FOLDER: Record<string, string> = { webkitdirectory: '' };
