/** Every kind of destination there is. The only list. */
import type { ProviderKind } from '#core/ports/provider.ts';
import { folderKind } from './folder/provider.ts';

export const providerKinds: readonly ProviderKind[] = [folderKind];
