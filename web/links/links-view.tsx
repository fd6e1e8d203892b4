/** Links: addresses by which people without an account hand in files. */
import { Link2, Plus } from 'lucide-react';
import { useEffect, useState, useSyncExternalStore } from 'react';
import type { LinkView, LinkWithUrl } from '#core/wire/link.ts';
import { useConsole } from '../app/console.ts';
import { ErrorLine } from '../app/error-line.tsx';
import { useLocale } from '../i18n/locale.tsx';
import '../style/links.css';
import { LinkAddress } from './link-address.tsx';
import { LinkForm } from './link-form.tsx';
import { LinkLine } from './link-line.tsx';

/** Customers come and go while one looks. */
const LOOK_MS = 15_000;

export function LinksView() {
  const { words } = useLocale();
  const { links } = useConsole();
  const { items, error, told: addresses } = useSyncExternalStore(links.subscribe, links.snapshot);
  const [editing, setEditing] = useState<LinkView | 'new' | null>(null);
  const [told, setTold] = useState<LinkWithUrl | null>(null);
  useEffect(() => {
    void links.load();
    const timer = setInterval(() => {
      if (!document.hidden) void links.load();
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [links]);
  const add = (
    <button type="button" className="button primary" onClick={() => setEditing('new')}>
      <Plus aria-hidden size={16} />
      {words.links.add}
    </button>
  );
  return (
    <section className="places" aria-labelledby="links-title">
      <header className="places-head">
        <div>
          <h1 id="links-title">{words.links.title}</h1>
          <p className="hint">{words.links.text}</p>
        </div>
        {items !== null && items.length > 0 && add}
      </header>
      {error && <ErrorLine error={error} />}
      {items?.length === 0 && (
        <div className="empty links-empty">
          <Link2 aria-hidden size={40} strokeWidth={1.2} />
          <strong>{words.links.empty}</strong>
          <p>{words.links.emptyText}</p>
          {add}
        </div>
      )}
      {items !== null && items.length > 0 && (
        <ul className="places-list">
          {items.map((link) => (
            <LinkLine
              key={link.id}
              link={link}
              told={addresses.get(link.id)}
              onEdit={() => setEditing(link)}
              onTold={setTold}
            />
          ))}
        </ul>
      )}
      {editing && (
        <LinkForm
          {...(editing === 'new' ? {} : { link: editing })}
          onClose={() => setEditing(null)}
          onSaved={(made) => {
            setEditing(null);
            setTold(made);
          }}
        />
      )}
      {told && <LinkAddress told={told} onClose={() => setTold(null)} />}
    </section>
  );
}
