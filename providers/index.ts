/** Every kind of destination there is, and what some can do besides. The only lists. */
import type { BrowserKind } from '#core/ports/browser.ts';
import type { ProviderKind } from '#core/ports/connection.ts';
import type { LoginKind } from '#core/ports/login.ts';
import { bilibiliKind } from './bilibili/provider.ts';
import { bilibiliLoginKind } from './bilibili/qr-login.ts';
import { cloudDrive2BrowserKind } from './clouddrive2/browser.ts';
import { cloudDrive2Kind } from './clouddrive2/provider.ts';
import { folderBrowserKind } from './folder/browser.ts';
import { folderKind } from './folder/provider.ts';
import { ossKind } from './oss/provider.ts';
import { pan115BrowserKind } from './pan115/browser.ts';
import { pan115Kind } from './pan115/provider.ts';
import { pan115LoginKind } from './pan115/qr-login.ts';
import { s3Kind } from './s3/provider.ts';

export const providerKinds: readonly ProviderKind[] = [
  folderKind,
  s3Kind,
  ossKind,
  pan115Kind,
  cloudDrive2Kind,
  bilibiliKind,
];

/** Not those that deliver to the machine that the code runs on, nor those that fetch the bytes themselves. */
export const agentKinds: readonly ProviderKind[] = providerKinds.filter(
  ({ id }) => id !== folderKind.id && id !== cloudDrive2Kind.id,
);

/** Those with a login that a person confirms by a code. */
export const loginKinds: readonly LoginKind[] = [pan115LoginKind, bilibiliLoginKind];

/** Those that can be looked around in. */
export const browserKinds: readonly BrowserKind[] = [folderBrowserKind, pan115BrowserKind, cloudDrive2BrowserKind];
