/** Head, sections, and what watches over the whole page. */
import { LogOut } from 'lucide-react';
import { Suspense, useEffect, useSyncExternalStore } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { AlertBell } from './alert-bell.tsx';
import { Announcer } from './announcer.tsx';
import { ConnectionNotice, ConnectionSign } from './connection.tsx';
import { useConsole, useQueue } from './console.ts';
import { mayUseAgents } from './destination-kinds.ts';
import { Mark } from './mark.tsx';
import { PageGuard } from './page-guard.tsx';
import { SECTIONS, useRoute } from './route.ts';
import { LanguageSwitch, ThemeSwitch } from './switches.tsx';
import { TransfersView } from './transfers-view.tsx';
import { whenNeeded } from './when-needed.tsx';

const DestinationsView = whenNeeded(async () => (await import('./destinations-view.tsx')).DestinationsView);
const LinksView = whenNeeded(async () => (await import('../links/links-view.tsx')).LinksView);
const AgentsView = whenNeeded(async () => (await import('./agents-view.tsx')).AgentsView);

export function Shell({ onLeave }: { readonly onLeave: () => void }) {
  const { words } = useLocale();
  const { destinations } = useConsole();
  const { kinds } = useSyncExternalStore(destinations.subscribe, destinations.snapshot);
  const sections = SECTIONS.filter((name) => name !== 'agents' || mayUseAgents(kinds));
  const { section: asked } = useRoute();
  const section = sections.includes(asked) ? asked : 'transfers';
  useEffect(() => {
    void destinations.load();
  }, [destinations]);
  return (
    <>
      <header className="head">
        <a className="brand" href="#/transfers">
          <Mark />
          <span>{words.name}</span>
        </a>
        <nav aria-label={words.nav.label}>
          {sections.map((name) => (
            <a key={name} href={`#/${name}`} aria-current={section === name ? 'page' : undefined}>
              {words.nav[name]}
            </a>
          ))}
        </nav>
        <div className="head-end">
          <ConnectionSign />
          <AlertBell />
          <LanguageSwitch />
          <ThemeSwitch />
          <button
            type="button"
            className="button quiet icon-only"
            aria-label={words.token.leave}
            title={words.token.leave}
            onClick={onLeave}
          >
            <LogOut aria-hidden size={17} />
          </button>
        </div>
      </header>
      <ConnectionNotice />
      <main className="main">
        <div hidden={section !== 'transfers'}>
          <TransfersView isShown={section === 'transfers'} />
        </div>
        {section === 'destinations' && (
          <Suspense>
            <DestinationsView />
          </Suspense>
        )}
        {section === 'links' && (
          <Suspense>
            <LinksView />
          </Suspense>
        )}
        {section === 'agents' && (
          <Suspense>
            <AgentsView />
          </Suspense>
        )}
      </main>
      <Announcer />
      <Guard />
    </>
  );
}

/** Apart from the shell, which need not be drawn anew with every byte. */
function Guard() {
  const { words } = useLocale();
  return <PageGuard queue={useQueue()} name={words.name} />;
}
