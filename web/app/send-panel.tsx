/** Where to, and what: destinations, a folder, and the zone that takes files and folders. */
import { FolderSearch, Plus } from 'lucide-react';
import { useCallback, useId, useState, useSyncExternalStore } from 'react';
import type { DestinationView } from '#core/wire/destination.ts';
import { FolderPath } from '#core/wire/upload.ts';
import { useLocale } from '../i18n/locale.tsx';
import { droppedFiles } from '../upload/drop.ts';
import type { PickedFile } from '../upload/queue.ts';
import { CLAIMS, INSTANT_KEY, useConsole } from './console.ts';
import { KINDS, kindName } from './destination-kinds.ts';
import { DropVeil, FileZone } from './file-zone.tsx';
import { FolderPicker } from './folder-picker.tsx';
import { ProviderIcon } from './provider-icon.tsx';
import { useFileDrag } from './use-file-drag.ts';
import { useKept } from './use-kept.ts';

/** One upload goes to this many destinations at most. */
const DESTINATIONS_MAX = 8;

export interface SendPanelProps {
  readonly isShown: boolean;
  readonly onError: (error: unknown) => void;
}

export function SendPanel({ isShown, onError }: SendPanelProps) {
  const { words } = useLocale();
  const { queue, destinations } = useConsole();
  const { items, isLoaded } = useSyncExternalStore(destinations.subscribe, destinations.snapshot);
  const [kept, setKept] = useKept<readonly string[]>('entrepot.destinations', FIRST);
  const [folder, setFolder] = useKept('entrepot.folder', '/');
  const [instant, setInstant] = useKept(INSTANT_KEY, 'yes');
  const [reading, setReading] = useState<number | null>(null);
  const [note, setNote] = useState('');
  const [isPicking, setIsPicking] = useState(false);
  const id = useId();

  const chosen = chosenOf(kept, items);
  const path = FolderPath.safeParse(folder);
  const mayAsk = items.some((item) => chosen.includes(item.id) && CLAIMS[item.provider] !== undefined);

  const browsable = items.filter((item) => chosen.includes(item.id) && KINDS[item.provider]?.shows !== undefined);

  const send = useCallback(
    async (groups: AsyncIterable<readonly PickedFile[]> | Iterable<readonly PickedFile[]>) => {
      setNote('');
      if (!path.success) return setNote(words.send.badFolder);
      // Files may come before the server's first answer: whoever has just opened the page need not choose them twice.
      const known = await destinations.loaded().catch(onError);
      if (!known) return setNote(words.send.noAnswer);
      const to = chosenOf(kept, known).map((one) => ({ id: one, path: path.data }));
      if (to.length === 0) return setNote(words.send.pickOne);
      let count = 0;
      try {
        for await (const group of groups) {
          count += group.length;
          setReading(count);
          await queue.add(group, to);
        }
        setNote(count === 0 ? words.send.nothing : words.live.added(count));
      } catch (error) {
        setNote(words.send.unreadable);
        onError(error);
      } finally {
        setReading(null);
      }
    },
    [kept, destinations, path, queue, words, onError],
  );

  const isOver = useFileDrag(isShown, (data) => void send(droppedFiles(data)));

  const toggle = (one: string) =>
    setKept(
      chosen.includes(one) ? chosen.filter((other) => other !== one) : [...chosen, one].slice(0, DESTINATIONS_MAX),
    );

  return (
    <section className="send" aria-labelledby={`${id}-title`}>
      <h1 id={`${id}-title`} className="send-title">
        {words.send.title}
      </h1>
      <FileZone
        size="panel"
        note={reading === null ? note : words.send.reading(reading)}
        onFiles={(picked) => void send([picked])}
        onError={onError}
      />

      <fieldset className="to">
        <legend>{words.send.to}</legend>
        {items.map((item) => (
          <label key={item.id} className="to-item">
            <input type="checkbox" checked={chosen.includes(item.id)} onChange={() => toggle(item.id)} />
            <ProviderIcon provider={item.provider} />
            <span className="to-name">{item.id}</span>
            <span className="faint">{kindName(words, item.provider)}</span>
          </label>
        ))}
        {isLoaded && items.length === 0 && (
          <div className="to-none">
            <strong>{words.send.noDestination}</strong>
            <p>{words.send.noDestinationText}</p>
          </div>
        )}
        <a className="button quiet to-add" href="#/destinations">
          <Plus aria-hidden size={15} />
          {words.send.addDestination}
        </a>
      </fieldset>

      <div className="field">
        <label htmlFor={`${id}-folder`}>{words.send.folder}</label>
        <div className="field-row">
          <input
            id={`${id}-folder`}
            value={folder}
            spellCheck={false}
            autoComplete="off"
            aria-invalid={!path.success}
            aria-describedby={`${id}-hint`}
            onChange={(event) => setFolder(event.target.value)}
          />
          {browsable.length > 0 && (
            <button type="button" className="button" onClick={() => setIsPicking(true)}>
              <FolderSearch aria-hidden size={16} />
              {words.send.browse}
            </button>
          )}
        </div>
        <p id={`${id}-hint`} className={path.success ? 'hint' : 'field-error'}>
          {path.success ? words.send.folderHint : words.send.badFolder}
        </p>
      </div>

      {mayAsk && (
        <label className="check">
          <input
            type="checkbox"
            checked={instant === 'yes'}
            onChange={(event) => setInstant(event.target.checked ? 'yes' : 'no')}
          />
          <span>
            {words.send.instant}
            <span className="hint">{words.send.instantHint}</span>
          </span>
        </label>
      )}

      {isPicking && (
        <FolderPicker
          destinations={browsable}
          folder={path.success ? path.data : '/'}
          onChoose={(chosenFolder) => {
            setFolder(chosenFolder);
            setIsPicking(false);
          }}
          onClose={() => setIsPicking(false)}
        />
      )}
      {isOver && <DropVeil where={chosen.length > 0 ? words.send.dropTo(chosen.join(', ')) : words.send.pickOne} />}
    </section>
  );
}

/** The ids of `kept` that are there. Who has never chosen, or whose choices are gone, most likely wants the first one. */
function chosenOf(kept: readonly string[], items: readonly DestinationView[]): string[] {
  const known = kept.filter((one) => items.some((item) => item.id === one));
  const isUnchosen = kept === FIRST || (kept.length > 0 && known.length === 0);
  return isUnchosen ? items.slice(0, 1).map((item) => item.id) : known;
}

/** Nothing was ever chosen, which is not the same as choosing nothing. */
const FIRST: readonly string[] = [];
