/** A small sign for each kind of destination. */
import { Boxes, Cloud, CloudCog, Database, Folder, type LucideIcon, Tv } from 'lucide-react';

const ICONS: Record<string, LucideIcon> = {
  folder: Folder,
  s3: Database,
  oss: Boxes,
  pan115: Cloud,
  clouddrive2: CloudCog,
  bilibili: Tv,
};

export function ProviderIcon({ provider }: { readonly provider: string }) {
  const Icon = ICONS[provider] ?? Database;
  return <Icon aria-hidden size={16} strokeWidth={1.75} className="provider-icon" />;
}
