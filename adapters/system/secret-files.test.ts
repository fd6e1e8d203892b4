import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { withSecretFiles } from './secret-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'entrepot-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

it('puts the content of a file in the place of its name, without the line end', () => {
  const path = file('token', 'a-secret\n');
  expect(
    withSecretFiles({ ENTREPOT_TOKEN_FILE: path, ENTREPOT_URL: 'u', OTHER_FILE: path, ENTREPOT_X_FILE: '' }),
  ).toEqual({
    ENTREPOT_TOKEN: 'a-secret',
    ENTREPOT_URL: 'u',
    OTHER_FILE: path,
    ENTREPOT_X_FILE: '',
  });
});

it.each([
  [
    'is given in both ways',
    () => ({ ENTREPOT_TOKEN: 'hidden', ENTREPOT_TOKEN_FILE: file('both', 'hidden') }),
    /both set/,
  ],
  ['has no file', () => ({ ENTREPOT_TOKEN_FILE: join(folder, 'none') }), /ENTREPOT_TOKEN_FILE.*ENOENT/],
  ['has an empty file', () => ({ ENTREPOT_TOKEN_FILE: file('empty', '\n') }), /empty/],
  ['has a file that is no secret', () => ({ ENTREPOT_TOKEN_FILE: file('long', 'hidden'.repeat(9_999)) }), /too long/],
])('refuses a secret that %s, and quotes nothing', (_, variables, message) => {
  const given = variables();
  expect(() => withSecretFiles(given)).toThrow(message);
  expect(() => withSecretFiles(given)).not.toThrow(/hidden/);
});
