/** Where the page is, by what is behind the #: a section, or a transfer before the list of them. */
import { useSyncExternalStore } from 'react';

export const SECTIONS = ['transfers', 'links', 'destinations', 'agents'] as const;
export type Section = (typeof SECTIONS)[number];

export interface Route {
  readonly section: Section;
  /** A transfer's id, or the key of a row that is none yet. */
  readonly open: string | null;
}

export function routeOf(hash: string): Route {
  const [, word = '', rest = ''] = /^#\/([a-z]+)(?:\/(.+))?$/.exec(hash) ?? [];
  if (word === 't' && rest !== '') return { section: 'transfers', open: decoded(rest) };
  return { section: SECTIONS.find((name) => name === word) ?? 'transfers', open: null };
}

/** For an `href`: to be opened, copied and sent to others, who need the token too. */
export function linkTo(rowId: string): string {
  return `#/t/${encodeURIComponent(rowId)}`;
}

export function useRoute(): Route {
  return routeOf(useSyncExternalStore(subscribe, () => location.hash));
}

/** Back to the list, without a step more in the browser's history. */
export function closeOpened(): void {
  history.replaceState(history.state, '', '#/transfers');
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

/** What somebody typed need not be encoded as it should. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
