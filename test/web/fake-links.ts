/** The fake's links, as their owner asks for them. */
import { ulid } from 'ulid';
import { LinkId } from '#core/wire/ids.ts';
import { CreateLink, type LinkView, type LinkWithUrl } from '#core/wire/link.ts';

export interface FakeLinks {
  readonly items: Map<string, LinkView>;
  create(body: unknown): LinkWithUrl;
  rotate(id: string): LinkWithUrl | null;
  revoke(id: string): LinkView | null;
}

export function fakeLinks(): FakeLinks {
  const items = new Map<string, LinkView>();
  let secrets = 0;

  function put(link: LinkView): LinkView {
    items.set(link.id, link);
    return link;
  }

  function told(link: LinkView): LinkWithUrl {
    secrets += 1;
    // A server behind a proxy knows itself by another name.
    return { link: put(link), url: `http://inside:1234/#drop=${link.id.slice('lnk_'.length)}.${secrets}` };
  }

  return {
    items,
    create(body) {
      const { expiresAt = '2031-06-01T16:00:00.000Z', ...asked } = CreateLink.parse(body);
      const used = { filesUsed: 0, bytesUsed: 0, filesOpen: 0, lastUsedAt: null };
      const times = { createdAt: new Date().toISOString(), expiresAt, revokedAt: null };
      return told({ id: LinkId.parse(`lnk_${ulid()}`), ...asked, ...used, ...times, state: 'active' });
    },
    rotate(id) {
      const link = items.get(id);
      return link ? told({ ...link, state: 'active', revokedAt: null }) : null;
    },
    revoke(id) {
      const link = items.get(id);
      return link ? put({ ...link, state: 'revoked', revokedAt: new Date().toISOString() }) : null;
    },
  };
}
