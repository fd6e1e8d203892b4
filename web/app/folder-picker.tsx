/** Chooses a folder of a destination: a tree for the mouse, the keyboard and the screen reader. */
import { FolderPlus } from 'lucide-react';
import { type FormEvent, type KeyboardEvent, type RefObject, useId, useRef, useState } from 'react';
import type { DestinationView } from '#core/wire/destination.ts';
import { FileName } from '#core/wire/upload.ts';
import { useLocale } from '../i18n/locale.tsx';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { Dialog } from './dialog.tsx';
import { ErrorLine } from './error-line.tsx';
import { FolderLines } from './folder-lines.tsx';
import { type FolderReader, useFolderTree } from './use-folder-tree.ts';

export interface FolderPickerProps {
  /** One or more; the first is shown at first. */
  readonly destinations: readonly DestinationView[];
  /** Where it begins, `/a/b`. */
  readonly folder: string;
  readonly onChoose: (folder: string) => void;
  readonly onClose: () => void;
}

export function FolderPicker({ destinations, folder, onChoose, onClose }: FolderPickerProps) {
  const { words } = useLocale();
  const [id, setId] = useState(destinations[0]?.id ?? '');
  const [path, setPath] = useState(folder);
  const wantsFocus = useRef(true);
  const selectId = useId();
  return (
    <Dialog kind="card" title={words.picker.title} onClose={onClose}>
      {destinations.length > 1 && (
        <div className="field picker-which">
          <label htmlFor={selectId}>{words.picker.destination}</label>
          <select id={selectId} value={id} onChange={(event) => setId(event.target.value)}>
            {destinations.map((one) => (
              <option key={one.id}>{one.id}</option>
            ))}
          </select>
        </div>
      )}
      <Folders key={id} destinationId={id} path={path} wantsFocus={wantsFocus} onPath={setPath} onChoose={onChoose} />
      <footer className="dialog-foot picker-foot">
        <output className="picker-path mono">{path}</output>
        <button type="button" className="button" onClick={onClose}>
          {words.destinations.cancel}
        </button>
        <button type="button" className="button primary" onClick={() => onChoose(path)}>
          {words.picker.choose}
        </button>
      </footer>
    </Dialog>
  );
}

function Folders({
  destinationId,
  path,
  wantsFocus,
  onPath,
  onChoose,
}: {
  readonly destinationId: string;
  readonly path: string;
  readonly wantsFocus: RefObject<boolean>;
  readonly onPath: (path: string) => void;
  readonly onChoose: (path: string) => void;
}) {
  const { words } = useLocale();
  const reader = useFolderTree(destinationId, path);
  const { failure } = reader;
  return (
    <>
      <FolderLines
        reader={reader}
        label={words.picker.tree(destinationId)}
        rootName={destinationId}
        path={path}
        wantsFocus={wantsFocus}
        onPath={onPath}
        onChoose={onChoose}
      />
      {failure && (
        <div className="picker-failure">
          <ErrorLine error={failure.error} />
          <button type="button" className="button" onClick={() => reader.open(failure.path)}>
            {words.picker.retry}
          </button>
        </div>
      )}
      <NewFolder reader={reader} parent={path} onMade={onPath} />
    </>
  );
}

function NewFolder({
  reader,
  parent,
  onMade,
}: {
  readonly reader: FolderReader;
  readonly parent: string;
  readonly onMade: (path: string) => void;
}) {
  const { words } = useLocale();
  const [name, setName] = useState<string | null>(null);
  const [note, setNote] = useState('');
  const [error, setError] = useState<UploadError | null>(null);
  const [isMaking, setIsMaking] = useState(false);
  const id = useId();
  const isGood = name === null || name === '' || FileName.safeParse(name.trim()).success;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wanted = name?.trim() ?? '';
    if (!FileName.safeParse(wanted).success) return;
    setIsMaking(true);
    setError(null);
    void reader
      .make(parent, wanted)
      .then(
        (path) => {
          setName(null);
          setNote(words.picker.made(wanted));
          onMade(path);
        },
        (cause: unknown) => setError(toUploadError(cause)),
      )
      .finally(() => setIsMaking(false));
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return;
    // It closes what was opened last, and no more.
    event.preventDefault();
    event.stopPropagation();
    setName(null);
  };
  return (
    <div className="picker-new">
      <p role="status" className="unseen">
        {note}
      </p>
      {name === null ? (
        <button type="button" className="button quiet" onClick={() => setName('')}>
          <FolderPlus aria-hidden size={16} />
          {words.picker.newFolder}
        </button>
      ) : (
        <form className="picker-form" onSubmit={submit}>
          <label className="unseen" htmlFor={id}>
            {words.picker.newName}
          </label>
          <input
            id={id}
            // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
            autoFocus
            value={name}
            placeholder={words.picker.newName}
            spellCheck={false}
            autoComplete="off"
            aria-invalid={!isGood}
            onKeyDown={onKey}
            onChange={(event) => setName(event.target.value)}
          />
          <button type="submit" className="button" disabled={isMaking || name.trim() === '' || !isGood}>
            {words.picker.create}
          </button>
        </form>
      )}
      {!isGood && <p className="field-error">{words.picker.badName}</p>}
      {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
    </div>
  );
}
