/** Every kind of destination there is. The only list. */
import type { ProviderKind } from '#core/ports/provider.ts';
import { folderKind } from './folder/provider.ts';
import { ossKind } from './oss/provider.ts';
import { pan115Kind } from './pan115/provider.ts';
import { s3Kind } from './s3/provider.ts';

export const providerKinds: readonly ProviderKind[] = [folderKind, s3Kind, ossKind, pan115Kind];
