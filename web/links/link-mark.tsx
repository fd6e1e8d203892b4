/** That a file came by a link, and from whom. */
import { Link2 } from 'lucide-react';
import { useEffect, useSyncExternalStore } from 'react';
import type { TransferLink } from '#core/wire/transfer.ts';
import { useConsole } from '../app/console.ts';
import { useLocale } from '../i18n/locale.tsx';

/** Short, for a line of the list. */
export function LinkMark({ link }: { readonly link: TransferLink }) {
  const { words } = useLocale();
  const name = useLinkName(link);
  return (
    <span className="link-mark" title={words.links.by(name, link.sender ?? null)}>
      <Link2 aria-hidden size={12} />
      <span>{words.links.by(name, null)}</span>
    </span>
  );
}

/** With the name that was typed, which is no proof of who it was. */
export function LinkOrigin({ link }: { readonly link: TransferLink }) {
  const { words } = useLocale();
  return words.links.by(useLinkName(link), link.sender ?? null);
}

function useLinkName({ id }: TransferLink): string {
  const { words } = useLocale();
  const { links } = useConsole();
  const { items, error } = useSyncExternalStore(links.subscribe, links.snapshot);
  const isUnknown = items === null && error === null;
  useEffect(() => {
    if (isUnknown) void links.load();
  }, [links, isUnknown]);
  return items?.find((link) => link.id === id)?.name ?? words.links.some;
}
