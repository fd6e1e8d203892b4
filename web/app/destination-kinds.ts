/** The kinds of destinations that the form offers: those that the server has, with the keys their guides name. It judges the values. */

export interface Kind {
  readonly title: string;
  /** A key with `?` may stay empty. */
  readonly settings: readonly string[];
  readonly credentials: readonly string[];
}

export interface Pair {
  readonly key: string;
  readonly value: string;
  readonly isNeeded: boolean;
}

export const KINDS: Readonly<Record<string, Kind>> = {
  folder: { title: 'Folder', settings: ['root', 'onConflict?'], credentials: [] },
  s3: {
    title: 'S3',
    settings: ['bucket', 'region', 'endpoint?', 'prefix?', 'onConflict?', 'forcePathStyle?'],
    credentials: ['accessKeyId', 'secretAccessKey', 'sessionToken?'],
  },
  oss: {
    title: 'Aliyun OSS',
    settings: ['bucket', 'region', 'endpoint', 'prefix?', 'onConflict?'],
    credentials: ['accessKeyId', 'accessKeySecret', 'stsToken?'],
  },
};

export function pairsOf(keys: readonly string[]): readonly Pair[] {
  return keys.map((key) => ({ key: key.replace('?', ''), value: '', isNeeded: !key.endsWith('?') }));
}

/** Empty values are left out. `true`, `false`, numbers, objects and lists mean what they say; everything else is text. */
export function settingsOf(pairs: readonly Pair[]): Record<string, unknown> {
  return Object.fromEntries(filled(pairs).map(([key, value]) => [key, meant(value)]));
}

/** Empty values are left out. A secret of digits is still text. */
export function credentialsOf(pairs: readonly Pair[]): Record<string, string> {
  return Object.fromEntries(filled(pairs));
}

function filled(pairs: readonly Pair[]): [key: string, value: string][] {
  return pairs
    .map(({ key, value }): [string, string] => [key.trim(), value.trim()])
    .filter(([key, value]) => key && value);
}

function meant(text: string): unknown {
  if (text === 'true') return true;
  if (text === 'false') return false;
  // Ids of many digits are names, not numbers: only what a number keeps whole becomes one.
  if (/^-?\d{1,9}(\.\d+)?$/.test(text)) return Number(text);
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
