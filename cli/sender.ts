/** `entrepot put --to-link`: the same files as ever, by somebody who has an address and no account. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { DROP_FRAGMENT, LinkSecret, SENDER_HEADER, SenderId } from '#core/wire/link.ts';
import type { Env } from './address.ts';
import { apiClient, type Client, type ClientPorts } from './client.ts';
import type { Target } from './files.ts';
import { Problem, usage } from './problem.ts';

export interface SenderPorts extends Pick<ClientPorts, 'clock' | 'signal'> {
  readonly env: Env;
}

/** Where files of a link go is not the sender's to know; folders that are sent keep theirs below it. */
export const LINK_TARGET: Target = { destinationId: 'link', folder: '/' };

/** `address` is what the owner of the link gave out. Throws a usage Problem for what is no such address. */
export async function senderClient(
  { env, clock, signal }: SenderPorts,
  address: string,
  senderName: string | undefined,
): Promise<Client> {
  const url = URL.canParse(address) ? new URL(address) : null;
  const secret = LinkSecret.safeParse(new URLSearchParams(url?.hash.slice(1)).get(DROP_FRAGMENT));
  if (url === null || !/^https?:$/.test(url.protocol) || !secret.success) {
    throw usage(`--to-link wants the whole address, as in 'https://…/#${DROP_FRAGMENT}=…'`);
  }
  const client = apiClient({
    address: { url: `${url.origin}${url.pathname}`.replace(/\/+$/, ''), token: secret.data },
    clock,
    signal,
    by: { uploads: '/api/v1/drop/uploads', headers: { [SENDER_HEADER]: await senderId(env) } },
  });
  return {
    ...client,
    announce: (idempotencyKey, { name, sizeBytes, ...where }) => {
      const folder = 'destinations' in where ? (where.destinations[0]?.path ?? '/') : where.folder;
      const named = senderName === undefined ? {} : { senderName };
      // Another name is another folder, and so another upload.
      return client.announce(keyAs(idempotencyKey, senderName), { name, sizeBytes, folder, ...named });
    },
    // Only the owner can: the file is there, whole, and need not be sent again.
    wish: async () => {
      throw new Problem(
        'link.delivery_failed',
        'the file is there, but could not be passed on: tell who gave you the link',
      );
    },
  };
}

function keyAs(idempotencyKey: string, senderName: string | undefined): string {
  const hash = createHash('sha256').update(JSON.stringify([idempotencyKey, senderName ?? null]));
  return `cli-${hash.digest('hex')}`;
}

/** Kept for the next run, which goes on with the same uploads; what cannot be kept is good for this run. */
async function senderId(env: Env): Promise<string> {
  const state = env['XDG_STATE_HOME'] || join(env['HOME'] || homedir(), '.local', 'state');
  const path = join(state, 'entrepot', 'sender');
  const kept = SenderId.safeParse(await readFile(path, 'utf8').catch(() => null));
  if (kept.success) return kept.data;
  const made = randomBytes(16).toString('base64url');
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, made, { mode: 0o600, flag: 'wx' });
    return made;
  } catch {
    // Another run may have been faster.
    const other = SenderId.safeParse(await readFile(path, 'utf8').catch(() => null));
    return other.success ? other.data : made;
  }
}
