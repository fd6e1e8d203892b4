/** The kinds of destinations that the form offers: those that the server has, with what each asks for. The server judges the values. */
import type { Messages } from '../i18n/en.ts';

export interface Field {
  /** As the server calls it; its words are those of the page. */
  readonly key: keyof Messages['destinations']['fields'];
  readonly isNeeded: boolean;
  readonly placeholder?: string;
  /** To be chosen instead of typed; the first is what the server takes when nothing is said. */
  readonly choices?: readonly (keyof Messages['destinations']['choices'])[];
}

export interface Kind {
  readonly title: string;
  readonly settings: readonly Field[];
  readonly credentials: readonly Field[];
}

export type Values = Readonly<Partial<Record<Field['key'], string>>>;

const needed = (key: Field['key'], placeholder = ''): Field => ({ key, isNeeded: true, placeholder });
const optional = (key: Field['key'], placeholder = ''): Field => ({ key, isNeeded: false, placeholder });
const chosen = (key: Field['key'], ...choices: NonNullable<Field['choices']>): Field => ({
  key,
  isNeeded: false,
  choices,
});

export const KINDS: Readonly<Record<string, Kind>> = {
  folder: {
    title: 'Folder',
    settings: [needed('root', '/srv/media'), chosen('onConflict', 'rename', 'replace', 'fail')],
    credentials: [],
  },
  s3: {
    title: 'S3',
    settings: [
      optional('endpoint', 'https://s3.example.com'),
      needed('region', 'us-east-1'),
      needed('bucket'),
      optional('prefix', 'films'),
      chosen('onConflict', 'replace', 'rename', 'fail'),
      chosen('forcePathStyle', 'auto', 'true', 'false'),
    ],
    credentials: [needed('accessKeyId'), needed('secretAccessKey'), optional('sessionToken')],
  },
  oss: {
    title: 'Aliyun OSS',
    settings: [
      needed('endpoint', 'https://oss-cn-hangzhou.aliyuncs.com'),
      needed('region', 'cn-hangzhou'),
      needed('bucket'),
      optional('prefix', 'films'),
      chosen('onConflict', 'replace', 'rename', 'fail'),
    ],
    credentials: [needed('accessKeyId'), needed('accessKeySecret'), optional('stsToken')],
  },
  pan115: {
    title: '115',
    settings: [optional('prefix', 'films')],
    credentials: [optional('accessToken'), optional('refreshToken')],
  },
};

/** What was filled in. What is left empty, and a first choice, is left to the server; `true` and `false` are no text. */
export function filled(fields: readonly Field[], values: Values): Record<string, string | boolean> {
  return Object.fromEntries(
    fields.flatMap(({ key, choices }) => {
      const value = values[key]?.trim() ?? '';
      if (value === '' || value === choices?.[0]) return [];
      return [[key, choices !== undefined && (value === 'true' || value === 'false') ? value === 'true' : value]];
    }),
  );
}
