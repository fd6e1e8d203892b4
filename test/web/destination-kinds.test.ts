import { expect, it } from 'vitest';
import * as z from 'zod';
import { browserKinds, loginKinds, providerKinds } from '#providers/index.ts';
import { type Field, KINDS } from '../../web/app/destination-kinds.ts';
import { facts, filled, mended, refused, standing } from '../../web/app/destination-values.ts';

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

it.each(providerKinds)('what $id is set to stays as it is when nothing in its form is changed', ({ id, settings }) => {
  const all = KINDS[id]?.settings ?? [];
  const typed = Object.fromEntries(all.map((field) => [field.key, field.placeholder || '12345']));
  const stands = Object(settings.parse(filled(all, typed)));
  const { fields, values } = standing(all, stands);
  expect(mended(fields, values, { ...values, root: ` ${values['root'] ?? ''} ` }, stands)).toBe(stands);
});

it('a change of a form leaves alone what the form does not know, and gives back what is emptied', () => {
  const { settings = [] } = KINDS['clouddrive2'] ?? {};
  const stands = {
    address: 'nas.lan',
    order: ['webdav', 'mount'],
    mountRoot: { there: '/CloudNAS', here: '/srv' },
    endpoints: { api: 'http://stand-in' },
  };
  const { fields, values } = standing(settings, stands);
  expect(fields.find(({ key }) => key === 'order')?.choices?.at(-1)?.label).toBe(values['order']);
  const moved = mended(fields, values, { ...values, address: 'nas2.lan', 'mountRoot.there': '' }, stands);
  expect(moved).toEqual({ ...stands, address: 'nas2.lan', mountRoot: { here: '/srv' } });
  const emptied = mended(fields, values, { ...values, 'mountRoot.there': '', 'mountRoot.here': '' }, stands);
  expect(emptied).not.toHaveProperty('mountRoot');
  expect(mended(fields, values, { ...values, order: 'allWays' }, stands)).not.toHaveProperty('order');
});

it('a refusal of the server is told at the field that it names', () => {
  const { settings = [], credentials = [] } = KINDS['clouddrive2'] ?? {};
  const message = 'settings.order.0: unknown way; settings.mountRoot: both or none; credentials.totp: no Base32';
  expect(refused('settings', settings, message)).toEqual({
    order: 'unknown way',
    'mountRoot.there': 'both or none',
  });
  expect(refused('credentials', credentials, message)).toEqual({ totp: 'no Base32' });
  expect(refused('settings', settings, 'settings.endpoints.api: no address')).toEqual({});
});

function outerKey({ key }: Field): string {
  return key.split('.')[0] ?? key;
}
