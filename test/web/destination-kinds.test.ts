import { expect, it } from 'vitest';
import { z } from 'zod';
import { providerKinds } from '#providers/index.ts';
import { KINDS } from '../../web/app/destination-kinds.ts';

it('the form offers the kinds of destinations that the server has, and no other', () => {
  expect(Object.keys(KINDS).sort()).toEqual(providerKinds.map(({ id }) => id).sort());
});

it.each(providerKinds)('the form asks for no key that $id does not know, and for all that it needs', (kind) => {
  const offered = KINDS[kind.id];
  for (const [schema, keys = []] of [
    [kind.settings, offered?.settings],
    [kind.credentials, offered?.credentials],
  ] as const) {
    if (schema === null) continue;
    const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' });
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(keys.map((key) => key.replace('?', ''))));
    expect(keys.filter((key) => !key.endsWith('?'))).toEqual(expect.arrayContaining(required));
  }
});
