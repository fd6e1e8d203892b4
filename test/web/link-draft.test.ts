import { describe, expect, it } from 'vitest';
import { CreateLink, LinkView, UpdateLink } from '#core/wire/link.ts';
import { bodyOf, draftOf, newDraft, parseSuffixes, wrongsOf } from '../../web/links/link-draft.ts';

const NOW_MS = Date.parse('2026-11-22T12:00:00.000Z');

describe('the form of a link', () => {
  it('takes nothing that the API would not', () => {
    const draft = { ...newDraft('nas'), name: ' Film ', files: '5', gigabytes: '1,5', suffixes: 'MP4, .mov *.tar.gz' };
    expect([...wrongsOf(draft)]).toEqual([]);
    expect(CreateLink.parse(bodyOf(draft, NOW_MS))).toEqual({
      name: 'Film',
      note: '',
      destinations: [{ id: 'nas', path: '/' }],
      expiresAt: '2026-12-06T12:00:00.000Z',
      filesMax: 5,
      bytesMax: 1_500_000_000,
      fileBytesMax: null,
      suffixes: ['.mp4', '.mov', '.tar.gz'],
      perSender: 'folder',
    });
    const bad = { ...newDraft(undefined), files: '1.5', gigabytes: 'much', fileGigabytes: '0', suffixes: 'mp4; a/b' };
    expect([...wrongsOf(bad)].sort()).toEqual(['fileGigabytes', 'files', 'gigabytes', 'name', 'places', 'suffixes']);
  });

  it('that is opened and saved unchanged changes nothing', () => {
    const limits = { filesMax: 7, bytesMax: 1_234_567, fileBytesMax: null, suffixes: ['.mp4'] };
    const words = { name: 'Film', note: 'Raw\nclips', perSender: 'flat' as const };
    const destinations = [{ id: 'nas', path: '/影视' }];
    const link = LinkView.parse({
      ...{ id: `lnk_${'0'.repeat(26)}`, ...words, ...limits, destinations, state: 'active' },
      ...{ filesUsed: 0, bytesUsed: 0, filesOpen: 0, lastUsedAt: null, revokedAt: null },
      ...{ createdAt: '2026-11-22T12:00:00.000Z', expiresAt: '2026-12-22T12:00:00.000Z' },
    });
    expect(UpdateLink.parse(bodyOf(draftOf(link), NOW_MS))).toEqual({ ...words, ...limits, destinations });
  });

  it('reads endings however they are written, each once', () => {
    expect(parseSuffixes('')).toBeNull();
    expect(parseSuffixes('mp4 .MP4，*.mov、wav')).toEqual(['.mp4', '.mov', '.wav']);
    expect(parseSuffixes('.a.b.c')).toBeUndefined();
  });
});
