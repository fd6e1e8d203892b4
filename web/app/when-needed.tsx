/** Parts of the page that are fetched when they are first looked at. */
import { RotateCw } from 'lucide-react';
import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import { useLocale } from '../i18n/locale.tsx';

/**
 * A page that is open while its server is renewed asks for files that are gone: it then says so, instead of breaking down
 * with all that is under way in it.
 */
export function whenNeeded<Props>(
  load: () => Promise<ComponentType<Props>>,
): LazyExoticComponent<ComponentType<Props>> {
  return lazy(() =>
    load().then(
      (found) => ({ default: found }),
      () => ({ default: Missed }),
    ),
  );
}

function Missed() {
  const { words } = useLocale();
  return (
    <section className="notice warn missed" role="alert">
      <RotateCw aria-hidden size={18} />
      <div>{words.missed}</div>
      <div className="notice-end">
        <button type="button" className="button" onClick={() => location.reload()}>
          {words.reload}
        </button>
      </div>
    </section>
  );
}
