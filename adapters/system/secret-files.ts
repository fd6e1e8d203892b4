/** Variables that are given as files, as containers have their secrets: what `ENTREPOT_X_FILE` names is the value of `ENTREPOT_X`, and `AGENT_TOKEN_FILE` likewise. */
import { readFileSync } from 'node:fs';

type Variables = Readonly<Record<string, string | undefined>>;

const NAME = /^(ENTREPOT_\w+|AGENT_TOKEN)_FILE$/;
const FILE_MOST_CHARS = 16_384;

/**
 * The variables with the content of each file in place of its name, without the white space around it. Throws an Error that names
 * the variable and quotes nothing when a file cannot be read, is empty or longer than 16,384 characters, or when the value is
 * given in both ways.
 */
export function withSecretFiles(variables: Variables): Variables {
  const all = new Map(Object.entries(variables));
  for (const [name, path] of Object.entries(variables)) {
    const target = NAME.exec(name)?.[1];
    if (target === undefined || !path) continue;
    if (all.get(target)) throw new Error(`${target} and ${name} are both set: give one of them`);
    all.set(target, contentOf(name, path));
    all.delete(name);
  }
  return Object.fromEntries(all);
}

function contentOf(name: string, path: string): string {
  const text = readText(name, path).trim();
  if (text === '') throw new Error(`${name}: the file is empty`);
  if (text.length > FILE_MOST_CHARS) throw new Error(`${name}: the file is too long for a secret`);
  return text;
}

function readText(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new Error(`${name}: the file cannot be read (${code})`, { cause: error });
  }
}
