import { expect, it } from 'vitest';
import * as z from 'zod';
import { browserKinds, loginKinds, providerKinds } from '#providers/index.ts';
import { type Field, facts, filled, KINDS } from '../../web/app/destination-kinds.ts';

it('the form offers the kinds of destinations that the server has, and no other', () => {
  expect(Object.keys(KINDS).sort()).toEqual(providerKinds.map(({ id }) => id).sort());
});

it.each(providerKinds)('the form asks for no key that $id does not know, and for all that it needs', (kind) => {
  const offered = KINDS[kind.id];
  for (const [schema, fields = []] of [
    [kind.settings, offered?.settings],
    [kind.credentials, offered?.credentials],
  ] as const) {
    if (schema === null) continue;
    const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' });
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(fields.map(outerKey)));
    const needed = fields.filter(({ isNeeded }) => isNeeded).map(({ key }) => key);
    expect(needed.sort()).toEqual([...required].sort());
  }
});

it('the page offers a login by a code, and a look around, just where the server has them', () => {
  const having = (isThere: (kind: (typeof KINDS)[string]) => boolean) =>
    Object.entries(KINDS).flatMap(([id, kind]) => (isThere(kind) ? [id] : []));
  expect(having(({ login }) => login !== undefined).sort()).toEqual(loginKinds.map(({ id }) => id).sort());
  expect(having(({ shows }) => shows !== undefined).sort()).toEqual(browserKinds.map(({ id }) => id).sort());
});

it.each(providerKinds)('whatever is chosen in the form, $id takes it', ({ id, settings }) => {
  const fields = KINDS[id]?.settings ?? [];
  const typed = Object.fromEntries(fields.map((field) => [field.key, field.placeholder || '12345']));
  for (const field of fields) {
    for (const { label } of field.choices ?? [{ label: typed[field.key] ?? '' }]) {
      const found = settings.safeParse(filled(fields, { ...typed, [field.key]: label }));
      expect(found.error?.issues ?? []).toEqual([]);
    }
  }
});

it('a key inside another is sent inside it, and shown again', () => {
  const { settings = [] } = KINDS['clouddrive2'] ?? {};
  const values = { address: 'nas.lan', 'mountRoot.there': '/CloudNAS', 'mountRoot.here': '/srv', order: 'onlyRemote' };
  const sent = filled(settings, values);
  expect(sent).toEqual({
    address: 'nas.lan',
    mountRoot: { there: '/CloudNAS', here: '/srv' },
    order: ['remote'],
  });
  const shown = facts('clouddrive2', { ...sent, tls: false, prefix: '' });
  expect(shown.map(({ field, text, choice }) => [field.key, choice?.label ?? text])).toEqual([
    ['address', 'nas.lan'],
    ['order', 'onlyRemote'],
    ['mountRoot.there', '/CloudNAS'],
    ['mountRoot.here', '/srv'],
  ]);
});

it.each(providerKinds)('of $id nothing is shown that nobody has set', ({ id, settings }) => {
  const needed = (KINDS[id]?.settings ?? []).filter(({ isNeeded }) => isNeeded);
  const typed = Object.fromEntries(needed.map(({ key, placeholder }) => [key, placeholder || '12345']));
  const stands = Object(settings.parse(filled(needed, typed)));
  expect(facts(id, stands).map(({ field }) => field.key)).toEqual(needed.map(({ key }) => key));
});

it('a list is shown as a person would write it', () => {
  const shown = facts('bilibili', { tid: 160, tags: ['旅行', '山'], title: '{name} 4K' });
  expect(shown.map(({ text }) => text)).toEqual(['160', '旅行, 山', '{name} 4K']);
});

it('what is left empty, and the first of the choices, is left to the server', () => {
  const { settings = [] } = KINDS['s3'] ?? {};
  const values = { region: ' eu ', bucket: 'films', prefix: '', onConflict: 'replace', forcePathStyle: 'false' };
  expect(filled(settings, values)).toEqual({ region: 'eu', bucket: 'films', forcePathStyle: false });
});

function outerKey({ key }: Field): string {
  return key.split('.')[0] ?? key;
}
