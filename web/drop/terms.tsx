/** What a link takes: until when, how much, and which files. */
import { CalendarClock, Files, FileType2, HardDrive, type LucideIcon, Scaling } from 'lucide-react';
import type { DropView } from '#core/wire/link.ts';
import type { Messages } from '../i18n/en.ts';
import type { Formats } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.tsx';

export function Terms({ view }: { readonly view: DropView }) {
  const { words, format } = useLocale();
  return (
    <ul className="drop-terms" aria-label={words.drop.terms}>
      {termsOf(view, words.drop, format).map(([Icon, text]) => (
        <li key={text}>
          <Icon aria-hidden size={16} strokeWidth={1.75} />
          <span>{text}</span>
        </li>
      ))}
    </ul>
  );
}

function termsOf(view: DropView, words: Messages['drop'], format: Formats): readonly (readonly [LucideIcon, string])[] {
  const { expiresAt, filesMax, filesLeft, bytesMax, bytesLeft, fileBytesMax, suffixes } = view;
  const terms: (readonly [LucideIcon, string])[] = [[CalendarClock, words.until(format.moment(expiresAt))]];
  if (filesMax !== null && filesLeft !== null) terms.push([Files, words.filesLeft(filesLeft, filesMax)]);
  if (bytesMax !== null && bytesLeft !== null) {
    terms.push([HardDrive, words.bytesLeft(format.size(bytesLeft), format.size(bytesMax))]);
  }
  if (fileBytesMax !== null) terms.push([Scaling, words.fileMax(format.size(fileBytesMax))]);
  if (suffixes !== null) terms.push([FileType2, words.suffixes(suffixes)]);
  return terms;
}
