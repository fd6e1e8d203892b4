/** An account of the cloud drive 115. README.md says what it promises and what it cannot. */
import { abortUpload } from '#clients/oss/multipart.ts';
import { Fault } from '#core/fault.ts';
import { providerKind } from '#core/ports/connection.ts';
import { type CheckReport, type Holding, type Item, type PushProvider, pushProvider } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { finish } from './finish.ts';
import { putForm } from './form.ts';
import { type Link, link, settled, standing, told } from './link.ts';
import { accountOf } from './login.ts';
import { open } from './open.ts';
import { heldParts, put, uploadOf } from './parts.ts';
import { planForm, planParts } from './plan.ts';
import { Pan115Session, type PartsSession } from './session.ts';
import { Pan115Login, Pan115Settings } from './settings.ts';

export const pan115Kind = providerKind<Pan115Settings, Pan115Login>({
  id: 'pan115',
  settings: Pan115Settings,
  credentials: Pan115Login,
  siteSettings: ['prefix', 'endpoints'],
  account: accountOf,
  connect: (connection) => pushProvider(Pan115Session, pan115Driver(link(connection))),
});

function pan115Driver(to: Link): Omit<PushProvider<Pan115Session>, 'mode'> {
  return {
    id: 'pan115',
    needs: ['sha1'],
    instant: 'by-digest',
    plan: ({ kind }, sizeBytes, chunkBytes) =>
      kind === 'form' ? planForm(sizeBytes, chunkBytes) : planParts(sizeBytes, chunkBytes),
    open: (item, { signal }) => open(to, item, signal),
    put: (session, item, part, { signal }) =>
      session.kind === 'form'
        ? putForm(to, session, announced(item, session), part, signal)
        : put(to, partsOf(session), part, signal),
    finish: async (session, item, receipts, { signal }) => {
      signal.throwIfAborted();
      return finish(to, session, announced(item, session), receipts, signal);
    },
    inspect: async (session, item, parts, { signal }) => {
      signal.throwIfAborted();
      return inspect(to, session, announced(item, session), parts, signal);
    },
    discard: async (session, _item, { signal }) => {
      signal.throwIfAborted();
      if (session.kind !== 'parts') return;
      const client = await to.bucket(session.bucket, signal);
      await told(signal, abortUpload(client, uploadOf(session), signal));
    },
    check: ({ signal }) => check(to, signal),
  };
}

/** The file as 115 was told of it. */
function announced(item: Item, { sha1 }: Pan115Session): Item {
  return { ...item, digests: { ...item.digests, sha1 } };
}

/** An upload that is no more was given up, or has become a file, which may take seconds to show. */
async function inspect(
  to: Link,
  session: Pan115Session,
  item: Item,
  parts: { readonly from: number; readonly to: number },
  signal: AbortSignal,
): Promise<Holding> {
  if (session.kind === 'whole') return allOrNothing(await standing(to, item, session, signal));
  if (session.kind === 'form') {
    // One whose answer nobody has heard may take seconds to show, and may not be sent again before that.
    to.untried.take(session);
    return allOrNothing(await settled(to, item, session, signal));
  }
  const held = await heldParts(to, session, parts, signal);
  if (held !== null) return { kind: 'partial', held };
  const receipt = await settled(to, item, session, signal);
  return receipt === null ? { kind: 'gone' } : { kind: 'complete', receipt };
}

function allOrNothing(receipt: Receipt | null): Holding {
  return receipt === null ? { kind: 'partial', held: [] } : { kind: 'complete', receipt };
}

async function check(to: Link, signal: AbortSignal): Promise<CheckReport> {
  signal.throwIfAborted();
  const { freeBytes } = await (await to.drive()).space(signal);
  return { message: 'the 115 account answers; what it takes is compared by SHA-1', freeBytes };
}

function partsOf(session: Pan115Session): PartsSession {
  if (session.kind === 'parts') return session;
  throw new Fault('bug', 'pan115.no_parts', 'an empty file has no parts');
}
