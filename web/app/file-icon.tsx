/** What kind of file, by its ending. */
import { File, FileArchive, FileAudio, FileCode, FileImage, FileText, FileVideo, type LucideIcon } from 'lucide-react';

const KINDS: readonly (readonly [LucideIcon, RegExp])[] = [
  [FileVideo, /\.(mp4|mkv|mov|avi|webm|flv|ts|m4v|wmv|iso)$/i],
  [FileImage, /\.(jpe?g|png|gif|webp|avif|heic|svg|raw|dng|tiff?)$/i],
  [FileAudio, /\.(mp3|flac|wav|aac|ogg|m4a|opus)$/i],
  [FileArchive, /\.(zip|7z|rar|tar|gz|xz|zst|bz2|tgz)$/i],
  [FileText, /\.(pdf|docx?|xlsx?|pptx?|txt|md|csv|epub)$/i],
  [FileCode, /\.(json|js|tsx?|html|css|py|go|rs|java|c|cpp|sh|sql)$/i],
];

export function FileIcon({ name }: { readonly name: string }) {
  const Icon = KINDS.find(([, ending]) => ending.test(name))?.[0] ?? File;
  return <Icon aria-hidden size={20} strokeWidth={1.5} className="file-icon" />;
}
