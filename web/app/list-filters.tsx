/** What the list is to show: of a state, of a destination, with a text. */
import { Search } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { useConsole } from './console.ts';
import { FILTERS, type Narrowed, type Wanted } from './narrow.ts';

export interface ListFiltersProps {
  readonly wanted: Wanted;
  readonly counts: Narrowed['counts'];
  readonly onChange: (wanted: Wanted) => void;
}

export function ListFilters({ wanted, counts, onChange }: ListFiltersProps) {
  const { words, format } = useLocale();
  const { destinations } = useConsole();
  const { items } = useSyncExternalStore(destinations.subscribe, destinations.snapshot);
  return (
    <>
      <fieldset className="segments" aria-label={words.list.filter}>
        {FILTERS.map((filter) => (
          <button
            key={filter}
            type="button"
            aria-pressed={wanted.filter === filter}
            onClick={() => onChange({ ...wanted, filter })}
          >
            {words.list[filter]}
            <span className="segment-count">{format.integer(counts[filter])}</span>
          </button>
        ))}
      </fieldset>
      <label className="search">
        <Search aria-hidden size={15} />
        <input
          type="search"
          value={wanted.search}
          placeholder={words.list.search}
          aria-label={words.list.search}
          onChange={(event) => onChange({ ...wanted, search: event.target.value })}
        />
      </label>
      {items.length > 1 && (
        <select
          className="toolbar-place"
          aria-label={words.detail.destination}
          value={wanted.destinationId}
          onChange={(event) => onChange({ ...wanted, destinationId: event.target.value })}
        >
          <option value="">{words.list.everywhere}</option>
          {items.map(({ id }) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
      )}
    </>
  );
}
