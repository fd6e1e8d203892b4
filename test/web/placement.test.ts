import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Placement } from '#core/wire/agent.ts';
import type { KindView } from '#core/wire/kind.ts';
import { agentKinds, providerKinds } from '#providers/index.ts';
import { kindViews } from '../../functions/kind-views.ts';
import { refusalWords } from '../../web/app/agent-notes.tsx';
import { KINDS, mayUseAgents, offered } from '../../web/app/destination-kinds.ts';
import { filled } from '../../web/app/destination-values.ts';
import { draftOf, parseTags, placementOf, placementWords, tagText } from '../../web/app/placement.ts';
import { en } from '../../web/i18n/en.ts';
import { zh } from '../../web/i18n/zh.ts';
import { NO_STORE } from '../support/no-store.ts';

const SPACED = Placement.parse({
  on: 'agents',
  tags: { region: 'cn', isp: 'ct' },
  spacingSeconds: 330,
  perHourMax: 12,
});

it.each([Placement.parse({ on: 'here' }), Placement.parse({ on: 'agents' }), SPACED])(
  'what stands comes out of the form as it went in',
  (placement) => {
    expect(placementOf(draftOf(placement))).toEqual(placement);
  },
);

it('tags that the form cannot write come out as they went in, whatever they are', () => {
  const odd = Placement.parse({ on: 'agents', tags: { note: 'a, b=c', empty: '' } });
  expect(draftOf(odd)).toMatchObject({ keptTags: { note: 'a, b=c', empty: '' } });
  expect(draftOf(SPACED)).toMatchObject({ keptTags: null });
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), (tags) => {
      const placement = { ...odd, tags };
      expect(placementOf(draftOf(placement))).toEqual(placement);
    }),
  );
});

it.each([
  ['a tag without a value', { tags: 'region' }],
  ['a tag without a key', { tags: '=cn' }],
  ['less than nothing', { spacingMinutes: '-1' }],
  ['more than a day', { spacingMinutes: '1441' }],
  ['no number', { perHourMax: 'many' }],
  ['more than 1000', { perHourMax: '1001' }],
  ['half a file', { perHourMax: '1.5' }],
])('%s is not taken', (_, wrong) => {
  expect(placementOf({ ...draftOf(SPACED), ...wrong })).toBeNull();
  // What is not asked for cannot be wrong.
  expect(placementOf({ ...draftOf(SPACED), ...wrong, on: 'here' })).toEqual({ on: 'here' });
});

it('tags are pairs between commas of either script, with room around them, and read back the same', () => {
  expect(parseTags(' region = cn，isp=telecom, ,')).toEqual({ region: 'cn', isp: 'telecom' });
  expect(parseTags('')).toEqual({});
  expect(parseTags('url=a=b')).toEqual({ url: 'a=b' });
  expect(parseTags(tagText(SPACED.on === 'agents' ? SPACED.tags : {}))).toEqual({ region: 'cn', isp: 'ct' });
});

it('says of a placement what is set, and nothing of one that is here', () => {
  expect(placementWords(en, { on: 'here' })).toEqual([]);
  expect(placementWords(en, Placement.parse({ on: 'agents' }))).toEqual(['The least busy']);
  expect(placementWords(en, SPACED)).toEqual([
    'The least busy',
    'region=cn, isp=ct',
    'every 5.5 min',
    '12 an hour at most',
  ]);
});

it('a refusal is said in the words of its code, or in general', () => {
  expect(refusalWords(en, 'any.risk')).toBe(en.errors['*.risk']?.[0]);
  expect(refusalWords(en, 'any.strange')).toBe(en.agents.turnedDown);
});

it('what has words in one language has them in the other', () => {
  expect(Object.keys(zh.errors).sort()).toEqual(Object.keys(en.errors).sort());
});

describe('kinds', () => {
  it('are offered as far as the home has them, and all while nobody has said', () => {
    expect(offered(null)).toEqual(Object.keys(KINDS));
    const cloud: readonly KindView[] = [
      { id: 's3', placements: ['here'] },
      { id: 'of a newer server', placements: ['here'] },
    ];
    expect(offered(cloud)).toEqual(['s3']);
    expect(mayUseAgents(cloud)).toBe(false);
    expect(mayUseAgents(null)).toBe(false);
  });

  it('may use agents just where the home says so of them', () => {
    const kinds = kindViews(providerKinds, agentKinds);
    expect(mayUseAgents(kinds)).toBe(true);
    expect(providerKinds.filter(({ id }) => mayUseAgents(kinds, id)).map(({ id }) => id)).toEqual(
      agentKinds.map(({ id }) => id),
    );
  });

  it.each(agentKinds)('$id is pushed to, so that an agent can run its calls', (kind) => {
    const fields = KINDS[kind.id]?.settings ?? [];
    const typed = Object.fromEntries(fields.map(({ key, placeholder }) => [key, placeholder || '12345']));
    const credentials = { read: async () => null, rotate: async () => null };
    const clock = { now: () => 0, random: () => 0, sleep: async () => undefined };
    const connection = { destinationId: 'x', deviceId: 'd', credentials, clock, staging: NO_STORE };
    const settings = kind.settings.parse(filled(fields, typed));
    expect(kind.connect({ ...connection, settings }).mode).toBe('push');
  });
});
