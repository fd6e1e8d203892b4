/** Covers, and archives: what a person sees as one contribution of one or more videos. */
import { createHash, randomInt } from 'node:crypto';
import * as z from 'zod';
import { done, type Exchange, jsonOf, type Reply } from './exchange.ts';
import { checkCsrf, mustBeLoggedIn } from './passport.ts';
import { refuse } from './refusal.ts';
import { type Archive, mergedObject, type Session, type Video, type World } from './world.ts';

const TITLE_CHARACTERS_MAX = 80;
const TAGS_MAX = 12;
const TAG_CHARACTERS_MAX = 20;
const VIDEOS_MAX = 100;

/** As a base64 address of data, in a form. The csrf may be in the address instead. */
export function cover(exchange: Exchange): Reply {
  const session = mustBeLoggedIn(exchange);
  const form = new URLSearchParams(exchange.body.toString());
  checkCsrf(session, [form.get('csrf'), exchange.query.get('csrf')]);
  const [, base64 = ''] = /^data:image\/(?:jpeg|png);base64,([A-Za-z0-9+/=]+)$/.exec(form.get('cover') ?? '') ?? [];
  if (base64 === '') refuse(-400);
  const sha1 = createHash('sha1').update(Buffer.from(base64, 'base64')).digest('hex');
  return done({ url: `https://archive.biliimg.com/bfs/archive/${sha1}.jpg` });
}

/** The same object may be submitted twice, and makes two archives: there is no key to repeat it by. */
export function add(exchange: Exchange): Reply {
  const { world, query, body, request } = exchange;
  const session = mustBeLoggedIn(exchange);
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) refuse(-400);
  checkCsrf(session, [query.get('csrf') ?? '']);
  const { csrf, ...submission } = Submission.safeParse(jsonOf(body)).data ?? refuse(21001);
  checkCsrf(session, [csrf ?? session.csrf]);
  const videos = videosOf(world, session, submission);
  const made: Archive = {
    mid: session.mid,
    aid: 115_000_000_000_000 + world.archives.length * 7919,
    bvid: bvid(),
    title: submission.title,
    videos,
    submission,
    madeAtMs: world.settings.now(),
    before: null,
    state: -30,
  };
  world.archives.push(made);
  return done({ aid: made.aid, bvid: made.bvid });
}

/** The newest first. A page without any is `null`, as programs in Go have it: seen by others' clients. */
export function archives(exchange: Exchange): Reply {
  const { world, query } = exchange;
  const { mid } = mustBeLoggedIn(exchange);
  const { listLagMs, now, pageMax } = world.settings;
  const wanted = (query.get('status') ?? Object.keys(STATUSES).join()).split(',');
  const [pn, ps] = [Number(query.get('pn') ?? 1), Math.min(Number(query.get('ps') ?? 10), pageMax)];
  if (!(Number.isInteger(pn) && Number.isInteger(ps) && pn >= 1 && ps >= 1)) refuse(-400);
  const all = world.archives
    .filter((each) => each.mid === mid && each.madeAtMs + listLagMs <= now())
    .filter((each) => wanted.some((status) => STATUSES[status]?.(each.state)))
    .reverse();
  const page = all.slice((pn - 1) * ps, pn * ps).map((each) => ({ Archive: told(each), stat: { aid: each.aid } }));
  return done({ arc_audits: page.length === 0 ? null : page, page: { pn, ps, count: all.length } });
}

/** By `bvid` or `aid`, of one's own. */
export function view(exchange: Exchange): Reply {
  const { world, query } = exchange;
  const { mid } = mustBeLoggedIn(exchange);
  const found = world.archives.find(
    (each) => each.mid === mid && (each.bvid === query.get('bvid') || String(each.aid) === query.get('aid')),
  );
  if (found === undefined) return refuse(-404);
  const { before } = found;
  const shown = before !== null && world.settings.now() < before.untilMs ? before.videos : found.videos;
  const videos = shown.map((video, i) => ({
    ...video,
    aid: found.aid,
    bvid: found.bvid,
    index: i + 1,
    duration: 0,
    status: found.state,
    fail_code: 0,
    xcode_state: 0,
  }));
  return done({ archive: told(found), videos, watermark: found.submission['watermark'] ?? { state: 0 } });
}

/** What may be said of an archive: its partitions among it. */
export function pre(exchange: Exchange): Reply {
  mustBeLoggedIn(exchange);
  const children = [
    { id: 21, name: '日常', parent: 160, desc: '', show: true },
    { id: 138, name: '搞笑', parent: 160, desc: '', show: false },
  ];
  return done({
    typelist: [
      { id: 160, name: '生活', children },
      { id: 4, name: '游戏', children: null },
    ],
  });
}

export function geetest(exchange: Exchange): Reply {
  mustBeLoggedIn(exchange);
  return done({});
}

/** Unset members may be null. */
export const Submission = z.looseObject({
  copyright: z.union([z.literal(1), z.literal(2)]),
  source: z.string().nullish(),
  title: z.string().trim().min(1),
  tid: z.int().positive(),
  tag: z.string(),
  desc: z.string().max(2000).nullish(),
  videos: z
    .array(
      z.looseObject({
        filename: z.string().min(1),
        title: z.string().nullish(),
        desc: z.string().nullish(),
        cid: z.int().nullish(),
      }),
    )
    .min(1),
  csrf: z.string().nullish(),
});

export type Submission = z.infer<typeof Submission>;

type Words = Pick<Submission, 'title' | 'tag' | 'copyright' | 'source' | 'videos'>;

const STATUSES: Readonly<Record<string, (state: number) => boolean>> = {
  is_pubing: (state) => state === -30 || state === -6,
  pubed: (state) => state >= 0,
  not_pubed: (state) => state < 0 && state !== -30 && state !== -6,
};

/** Characters are code points: an assumption. */
function checkWords({ title, tag, copyright, source, videos }: Words): void {
  const isLong = (text: string, max: number) => [...text].length > max;
  if ([title, ...videos.map((video) => video.title ?? '')].some((text) => isLong(text, TITLE_CHARACTERS_MAX)))
    refuse(21103);
  const tags = tag.split(',');
  if (tags.length > TAGS_MAX || tags.some((each) => each.trim() === '' || isLong(each, TAG_CHARACTERS_MAX)))
    refuse(21005);
  if (copyright === 2 && (source ?? '').trim() === '') refuse(21021);
  if (videos.length > VIDEOS_MAX) refuse(21058);
}

/** The videos of a submission or an edit, whose words are as they must be. */
export function videosOf(world: World, session: Session, submission: Submission): Video[] {
  checkWords(submission);
  return submission.videos.map((video, i) => videoOf(world, session, video, `P${i + 1}`));
}

/** A merged object of this account; a `cid` that is told must be its own. */
function videoOf(world: World, { mid }: Session, video: Submission['videos'][number], name: string): Video {
  const { filename, cid, title, desc } = video;
  const stored = mergedObject(world, filename);
  if (stored?.mid !== mid || (typeof cid === 'number' && cid !== stored.bizId)) return refuse(21015);
  return { filename, cid: stored.bizId, title: title ?? name, desc: desc ?? '' };
}

function told({ aid, bvid, mid, title, state, submission, madeAtMs }: Archive): object {
  const { videos: _, cover, ...said } = submission;
  return {
    ...said,
    aid,
    bvid,
    mid,
    title,
    state,
    state_desc: '',
    // Chosen by the site, where nobody has.
    cover: cover || 'http://i0.hdslb.com/bfs/archive/0123456789abcdef.jpg',
    attrs: null,
    activity: null,
    human_type2: 0,
    tp_info: {},
    ctime: Math.floor(madeAtMs / 1000),
  };
}

const BASE_58 = 'FcwAPNKTMug3GV5Lj7EJnHpWsx4tb8haYeviqBz6rkCy12mUSDQX9RdoZf';

function bvid(): string {
  return `BV1${Array.from({ length: 9 }, () => BASE_58[randomInt(58)]).join('')}`;
}
