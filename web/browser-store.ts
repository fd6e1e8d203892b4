/** What this browser remembers from one visit to the next; where it refuses to, what the page remembers as long as it is open. */
export type BrowserStore = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export const browserStore: BrowserStore = inBrowser() ?? inMemory();

/** Null where a person has forbidden pages to keep anything: then even to look is refused. */
function inBrowser(): BrowserStore | null {
  try {
    const { localStorage } = window;
    localStorage.getItem('entrepot');
    return localStorage;
  } catch {
    return null;
  }
}

function inMemory(): BrowserStore {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}
