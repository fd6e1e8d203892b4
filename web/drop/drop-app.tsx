/** The customer's page: whoever opened a link hands in files here, without the console around it. */
import { type ReactNode, useEffect, useState } from 'react';
import { Mark } from '../app/mark.tsx';
import { LanguageSwitch, ThemeSwitch } from '../app/switches.tsx';
import { useLocale } from '../i18n/locale.tsx';
import '../style/drop.css';
import { takeAddress } from './address.ts';
import { Closed } from './closed.tsx';
import { type Desk, DeskContext, openDesk } from './desk.ts';
import { DropPage } from './drop-page.tsx';
import { isDropAddress } from './is-drop.ts';

export function DropApp() {
  const [address] = useState(takeAddress);
  const [desk, setDesk] = useState<Desk | null>(null);

  useEffect(() => {
    if (address === null) return;
    let isCurrent = true;
    let opened: Desk | null = null;
    void openDesk(address).then((fresh) => {
      opened = fresh;
      if (isCurrent) setDesk(fresh);
      else fresh.stop();
    });
    return () => {
      isCurrent = false;
      opened?.stop();
    };
  }, [address]);

  // Another link, opened over this one.
  useEffect(() => {
    const onHash = () => {
      if (!isDropAddress(location.hash)) return;
      takeAddress();
      location.reload();
    };
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, []);

  if (address === null) {
    return (
      <Frame>
        <section className="drop-card">
          <Closed why="unknown" />
        </section>
      </Frame>
    );
  }
  return (
    <Frame>
      {desk && (
        <DeskContext value={desk}>
          <DropPage />
        </DeskContext>
      )}
    </Frame>
  );
}

function Frame({ children }: { readonly children: ReactNode }) {
  const { words } = useLocale();
  return (
    <>
      <header className="drop-head">
        <Mark />
        <span className="drop-brand">{words.name}</span>
        <LanguageSwitch />
        <ThemeSwitch />
      </header>
      <main className="drop">{children}</main>
    </>
  );
}
