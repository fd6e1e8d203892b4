/** State that this browser remembers. What cannot be read back starts afresh. */

import { useCallback, useState } from 'react';
import { browserStore } from '../browser-store.ts';

export function useKept<Value>(key: string, first: Value): readonly [Value, (next: Value) => void] {
  const [value, setValue] = useState<Value>(() => read(key, first));
  const keep = useCallback(
    (next: Value) => {
      browserStore.setItem(key, typeof next === 'string' ? next : JSON.stringify(next));
      setValue(next);
    },
    [key],
  );
  return [value, keep];
}

/** Strings are kept as they are; lists of strings as JSON. Anything else found there was put by somebody else. */
function read<Value>(key: string, first: Value): Value {
  const text = browserStore.getItem(key);
  if (text === null) return first;
  // `Value` is what `first` is: a string, or a list of strings.
  if (typeof first === 'string') return text as Value;
  try {
    const parsed: unknown = JSON.parse(text);
    const isList = Array.isArray(parsed) && parsed.every((one) => typeof one === 'string');
    return isList ? (parsed as Value) : first;
  } catch {
    return first;
  }
}
