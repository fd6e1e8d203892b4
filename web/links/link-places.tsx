/** Where the files of a link go: destinations, and a folder in each. */
import { FolderSearch } from 'lucide-react';
import { useId, useSyncExternalStore } from 'react';
import type { DestinationView } from '#core/wire/destination.ts';
import { FolderPath } from '#core/wire/upload.ts';
import { useConsole } from '../app/console.ts';
import { KINDS, kindName } from '../app/destination-kinds.ts';
import { ProviderIcon } from '../app/provider-icon.tsx';
import { useLocale } from '../i18n/locale.tsx';
import type { Place } from './link-draft.ts';

export interface LinkPlacesProps {
  readonly places: readonly Place[];
  readonly onChange: (places: readonly Place[]) => void;
  /** To look for a folder in the destination. */
  readonly onBrowse: (item: DestinationView) => void;
}

/** One upload goes to this many destinations at most. */
const PLACES_MAX = 8;

export function LinkPlaces({ places, onChange, onBrowse }: LinkPlacesProps) {
  const { words } = useLocale();
  const { destinations } = useConsole();
  const { items, isLoaded } = useSyncExternalStore(destinations.subscribe, destinations.snapshot);
  const known = new Set(items.map(({ id }) => id));
  const toggle = (id: string) =>
    onChange(
      places.some((place) => place.id === id)
        ? places.filter((place) => place.id !== id)
        : [...places, { id, path: '/' }].slice(0, PLACES_MAX),
    );
  const setPath = (id: string, path: string) =>
    onChange(places.map((place) => (place.id === id ? { id, path } : place)));
  return (
    <fieldset className="to link-places">
      <legend>{words.send.to}</legend>
      {items.map((item) => (
        <PlaceLine
          key={item.id}
          item={item}
          path={places.find(({ id }) => id === item.id)?.path ?? null}
          onToggle={() => toggle(item.id)}
          onPath={(path) => setPath(item.id, path)}
          onBrowse={() => onBrowse(item)}
        />
      ))}
      {isLoaded &&
        places
          .filter(({ id }) => !known.has(id))
          .map(({ id }) => (
            <label key={id} className="to-item">
              <input type="checkbox" checked onChange={() => toggle(id)} />
              <span className="to-name">{id}</span>
              <span className="field-error">{words.links.placeGone}</span>
            </label>
          ))}
      {isLoaded && items.length === 0 && <p className="hint">{words.send.noDestination}</p>}
      {places.length === 0 && items.length > 0 && <p className="field-error">{words.send.pickOne}</p>}
    </fieldset>
  );
}

function PlaceLine(props: {
  readonly item: DestinationView;
  /** Null: not chosen. */
  readonly path: string | null;
  readonly onToggle: () => void;
  readonly onPath: (path: string) => void;
  readonly onBrowse: () => void;
}) {
  const { words } = useLocale();
  const { item, path, onToggle, onPath, onBrowse } = props;
  const id = useId();
  const isGood = path === null || FolderPath.safeParse(path).success;
  return (
    <div className="link-place">
      <label className="to-item">
        <input type="checkbox" checked={path !== null} onChange={onToggle} />
        <ProviderIcon provider={item.provider} />
        <span className="to-name">{item.id}</span>
        <span className="faint">{kindName(words, item.provider)}</span>
      </label>
      {path !== null && (
        <div className="field-row">
          <label className="unseen" htmlFor={id}>
            {words.links.folderOf(item.id)}
          </label>
          <input
            id={id}
            value={path}
            spellCheck={false}
            autoComplete="off"
            aria-invalid={!isGood}
            onChange={(event) => onPath(event.target.value)}
          />
          {KINDS[item.provider]?.shows !== undefined && (
            <button type="button" className="button" onClick={onBrowse}>
              <FolderSearch aria-hidden size={16} />
              {words.send.browse}
              <span className="unseen"> {item.id}</span>
            </button>
          )}
        </div>
      )}
      {!isGood && <p className="field-error">{words.send.badFolder}</p>}
    </div>
  );
}
