import { expect, it } from 'vitest';
import { z } from 'zod';
import { providerKinds } from '#providers/index.ts';
import { filled, KINDS } from '../../web/app/destination-kinds.ts';

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
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(fields.map(({ key }) => key)));
    const needed = fields.filter(({ isNeeded }) => isNeeded).map(({ key }) => key);
    expect(needed.sort()).toEqual([...required].sort());
  }
});

it('what is left empty, and the first of the choices, is left to the server', () => {
  const { settings = [] } = KINDS['s3'] ?? {};
  const values = { region: ' eu ', bucket: 'films', prefix: '', onConflict: 'replace', forcePathStyle: 'false' };
  expect(filled(settings, values)).toEqual({ region: 'eu', bucket: 'films', forcePathStyle: false });
});
