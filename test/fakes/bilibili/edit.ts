/** The edit of an archive: what it says takes the place of all that was said before, the list of videos included. */
import * as z from 'zod';
import { Submission, videosOf } from './archives.ts';
import { done, type Exchange, jsonOf, type Reply } from './exchange.ts';
import { checkCsrf, mustBeLoggedIn } from './passport.ts';
import { refuse } from './refusal.ts';

/** What `view` tells and other clients take out before they say the rest again. That it is refused is an assumption. */
const NOT_FOR_EDITS = ['attrs', 'activity', 'human_type2', 'tp_info', 'recreate'];

/** Of one's own, in review or not: seen by others' clients. A video that is not named any more is no part of it any more. */
export function edit(exchange: Exchange): Reply {
  const { world, query, body, request, habit } = exchange;
  const session = mustBeLoggedIn(exchange);
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) refuse(-400);
  checkCsrf(session, [query.get('csrf') ?? '']);
  const { csrf, aid, ...submission } = Edit.safeParse(jsonOf(body)).data ?? refuse(21001);
  checkCsrf(session, [csrf ?? session.csrf]);
  if (NOT_FOR_EDITS.some((name) => name in submission)) refuse(21001);
  const found = world.archives.find((each) => each.mid === session.mid && each.aid === aid);
  if (found === undefined) return refuse(-404);
  const videos = videosOf(world, session, submission);
  if (habit === 'forgotten') return done({ aid: found.aid, bvid: found.bvid });
  found.before = { videos: found.videos, untilMs: world.settings.now() + world.settings.viewLagMs };
  Object.assign(found, { videos, submission, title: submission.title, state: -6 });
  return done({ aid: found.aid, bvid: found.bvid });
}

const Edit = Submission.extend({ aid: z.int().positive() });
