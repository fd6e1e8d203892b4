/** Puts a text on the clipboard. */
import { useState } from 'react';

/** `copy` is null on plain-http pages, which have no clipboard: there text is selected by hand. */
export function useCopy(text: string): { readonly isCopied: boolean; readonly copy: (() => void) | null } {
  const [isCopied, setIsCopied] = useState(false);
  const copy = () =>
    void navigator.clipboard.writeText(text).then(
      () => setIsCopied(true),
      () => setIsCopied(false),
    );
  return { isCopied, copy: navigator.clipboard ? copy : null };
}
