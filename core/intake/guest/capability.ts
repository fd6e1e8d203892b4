/** A right to put files into one folder of one destination for a while, carried in a URL by clients that can send nothing else. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { DestinationId } from '#core/wire/ids.ts';
import { FolderPath } from '#core/wire/upload.ts';

/** Where, and on whose behalf. */
export interface Scope {
  readonly ownerId: string;
  readonly destinationId: string;
  /** `/` or `/a/b`; everything a client names lies below it. */
  readonly folder: string;
}

const Claims = z.object({ o: z.string().min(1), d: DestinationId, f: FolderPath, e: z.int() });

/** More than the longest folder needs. */
const TOKEN_CHARACTERS_MAX = 4096;

/** `secret` is of 16 characters or more. The token is `claims.signature`, both base64url. */
export function mintCapability(secret: string, scope: Scope, expiresAtMs: number): string {
  const claims = { o: scope.ownerId, d: scope.destinationId, f: scope.folder, e: expiresAtMs };
  const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${text}.${signed(secret, text).toString('base64url')}`;
}

/** Null for a token that is forged, changed or over. */
export function readCapability(secret: string, token: string, nowMs: number): Scope | null {
  const [text = '', signature = '', ...rest] = token.slice(0, TOKEN_CHARACTERS_MAX + 1).split('.');
  const given = Buffer.from(signature, 'base64url');
  const expected = signed(secret, text);
  if (rest.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const { o, d, f, e } = Claims.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  return nowMs < e ? { ownerId: o, destinationId: d, folder: f } : null;
}

function signed(secret: string, text: string): Buffer {
  return createHmac('sha256', secret).update(`guest capability v1\n${text}`).digest();
}
