/** What a Worker can deliver to: what speaks through `fetch`. Named one by one, since the rest does not load in workerd. */
import { bilibiliKind } from '#providers/bilibili/provider.ts';
import { bilibiliLoginKind } from '#providers/bilibili/qr-login.ts';
import { ossKind } from '#providers/oss/provider.ts';
import { pan115BrowserKind } from '#providers/pan115/browser.ts';
import { pan115Kind } from '#providers/pan115/provider.ts';
import { pan115LoginKind } from '#providers/pan115/qr-login.ts';
import { s3Kind } from '#providers/s3/provider.ts';
import type { Drivers } from '../deps.ts';

/** `sealKey` is 32 bytes, base64. */
export function workerDrivers(sealKey: string): Drivers {
  return {
    kinds: [s3Kind, ossKind, pan115Kind, bilibiliKind],
    browsers: [pan115BrowserKind],
    logins: [pan115LoginKind, bilibiliLoginKind],
    sealKey,
  };
}
