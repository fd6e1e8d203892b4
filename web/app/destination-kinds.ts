/** The kinds of destinations that the form offers: those that the server has, with what each asks for. The server judges the values. */
import type { KindView } from '#core/wire/kind.ts';
import type { Messages } from '../i18n/en.ts';

type Label = keyof Messages['destinations']['fields'];
type Value = string | number | boolean | readonly string[];

export interface Field {
  /** As the server calls it; `mountRoot.here` is a key inside another. */
  readonly key: string;
  /** Its words. */
  readonly label: Label;
  readonly isNeeded: boolean;
  readonly placeholder?: string;
  /** To be chosen instead of typed; the first is what the server takes when nothing is said. */
  readonly choices?: readonly Choice[];
  /** What the server takes when nothing is typed, where it then says so. */
  readonly standard?: string;
  /** Asked for behind a fold. */
  readonly isRare?: boolean;
  /** Of credentials: typed in the open, for it is no secret. */
  readonly isOpen?: boolean;
}

export interface Choice {
  readonly label: keyof Messages['destinations']['choices'];
  readonly value: Value;
}

export interface Kind {
  readonly title: string;
  readonly settings: readonly Field[];
  readonly credentials: readonly Field[];
  /** A login that a person confirms in the service's app, which needs these settings to be filled in. */
  readonly login?: { readonly needs: readonly string[] };
  /** What can be looked at: its folders, and besides them what its server is doing. */
  readonly shows?: 'folders' | 'folders and server';
  /** It asks for bytes when and as fast as it likes: hours and a speed of ours would not hold it. */
  readonly fetches?: true;
}

/** By key; of a chosen one the label. */
export type Values = Readonly<Record<string, string>>;

type More = Partial<Omit<Field, 'key' | 'isNeeded'>>;

const needed = (key: Label, placeholder = '', more: More = {}): Field => ({
  key,
  label: key,
  isNeeded: true,
  placeholder,
  ...more,
});
const optional = (key: Label, placeholder = '', more: More = {}): Field => ({
  ...needed(key, placeholder, more),
  isNeeded: false,
});
const inside = (key: string, label: Label, placeholder: string, more: More = {}): Field => ({
  ...optional(label, placeholder, more),
  key,
});
const chosen = (key: Label, ...choices: readonly (Choice['label'] | Choice)[]): Field => ({
  key,
  label: key,
  isNeeded: false,
  choices: choices.map((one) => (typeof one === 'string' ? { label: one, value: one } : one)),
});

const RARE = { isRare: true } as const;
const OPEN = { isOpen: true } as const;

export const KINDS: Readonly<Record<string, Kind>> = {
  folder: {
    title: 'Folder',
    settings: [needed('root', '/srv/media'), chosen('onConflict', 'rename', 'replace', 'fail')],
    credentials: [],
    shows: 'folders',
  },
  s3: {
    title: 'S3',
    settings: [
      optional('endpoint', 'https://s3.example.com'),
      needed('region', 'us-east-1'),
      needed('bucket'),
      optional('prefix', 'films'),
      chosen('onConflict', 'replace', 'rename', 'fail'),
      chosen('forcePathStyle', 'auto', { label: 'true', value: true }, { label: 'false', value: false }),
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
    settings: [
      optional('clientId'),
      inside('prefix', 'folderThere', 'films'),
      chosen('onConflict', 'both', 'rename', 'fail'),
    ],
    credentials: [optional('accessToken'), optional('refreshToken')],
    login: { needs: ['clientId'] },
    shows: 'folders',
  },
  clouddrive2: {
    fetches: true,
    title: 'CloudDrive2',
    settings: [
      needed('address', 'nas.lan:19798'),
      inside('prefix', 'folderThere', '115/films', { standard: '/' }),
      chosen('onConflict', 'rename', 'replace', 'fail'),
      { ...chosen('tls', { label: 'clear', value: false }, { label: 'tls', value: true }), ...RARE },
      {
        ...chosen(
          'order',
          { label: 'allWays', value: ['mount', 'remote', 'webdav'] },
          { label: 'noMount', value: ['remote', 'webdav'] },
          { label: 'onlyMount', value: ['mount'] },
          { label: 'onlyRemote', value: ['remote'] },
          { label: 'onlyWebdav', value: ['webdav'] },
        ),
        ...RARE,
      },
      inside('mountRoot.there', 'mountThere', '/CloudNAS', RARE),
      inside('mountRoot.here', 'mountHere', '/srv/clouds', RARE),
      optional('webdav', 'http://nas.lan:19798/dav', RARE),
    ],
    credentials: [
      optional('apiToken'),
      optional('userName', '', OPEN),
      optional('password'),
      optional('totp', '', RARE),
      optional('webdavUserName', '', { ...RARE, ...OPEN }),
      optional('webdavPassword', '', RARE),
    ],
    shows: 'folders and server',
  },
  bilibili: {
    title: 'Bilibili',
    settings: [
      needed('tid', '160'),
      needed('tags', '旅行, 山'),
      chosen('copyright', { label: 'ownWork', value: 1 }, { label: 'repost', value: 2 }),
      optional('source', 'https://example.com/films'),
      inside('title', 'videoTitle', '{name}', { ...RARE, standard: '{name}' }),
      inside('desc', 'videoText', '', RARE),
      { ...chosen('onlySelf', { label: 'everybody', value: false }, { label: 'onlyMe', value: true }), ...RARE },
      chosen('join', { label: 'apart', value: 'never' }, { label: 'together', value: 'folder' }),
      optional('cover', 'https://i0.hdslb.com/…', RARE),
      { ...chosen('publish', 'submit', 'upload-only'), ...RARE },
      optional('line', 'bda2', RARE),
    ],
    credentials: [needed('cookies', 'SESSDATA=…; bili_jct=…; ac_time_value=…')],
    login: { needs: ['tid', 'tags'] },
  },
};

/** Those of them that the home has; all while it is not known which. */
export function offered(kinds: readonly KindView[] | null): readonly string[] {
  const known = Object.keys(KINDS);
  return kinds === null ? known : known.filter((id) => kinds.some((kind) => kind.id === id));
}

/** Without a provider: whether there is any whose calls can be run at agents. */
export function mayUseAgents(kinds: readonly KindView[] | null, provider?: string): boolean {
  return (kinds ?? []).some(
    ({ id, placements }) => placements.includes('agents') && (provider === undefined || id === provider),
  );
}

/** As the reader calls it. */
export function kindName({ destinations }: Messages, provider: string): string {
  return destinations.kinds[provider] ?? KINDS[provider]?.title ?? provider;
}

/** After these a destination of a kind with a login wants a person to log in again. */
const LOGIN_CODES: readonly string[] = [
  'credentials.missing',
  'credentials.unreadable',
  'pan115.login_ended',
  'pan115.login_changed',
  'pan115.token_refused',
  'pan115.too_many_apps',
  'pan115.cookie_off',
  'bilibili.login_ended',
  'bilibili.csrf_refused',
];

export function wantsLogin(code: string | null): boolean {
  return code !== null && LOGIN_CODES.includes(code);
}
