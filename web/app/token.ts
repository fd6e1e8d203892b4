/** The token: it comes in the address (`#token=…`), is kept in this browser, and leaves the address at once. */
import { browserStore } from '../browser-store.ts';

const STORE_KEY = 'entrepot.token';

/** Null when there is none yet. */
export function takeToken(): string | null {
  const params = new URLSearchParams(location.hash.slice(1));
  const fresh = params.get('token');
  if (fresh) {
    browserStore.setItem(STORE_KEY, fresh);
    params.delete('token');
    const rest = params.size > 0 ? `#${params}` : '';
    history.replaceState(null, '', `${location.pathname}${location.search}${rest}`);
  }
  return fresh ?? browserStore.getItem(STORE_KEY);
}

export function keepToken(token: string): void {
  browserStore.setItem(STORE_KEY, token);
}

export function forgetToken(): void {
  browserStore.removeItem(STORE_KEY);
}
