/** What is asked, by host, method and path. */
import * as archives from './archives.ts';
import { edit } from './edit.ts';
import type { Handler, Operation, Place } from './exchange.ts';
import * as passport from './passport.ts';
import { preupload, probe } from './preupload.ts';
import * as renewal from './renewal.ts';
import * as upos from './upos.ts';

export const handlers: Readonly<Record<Operation, Handler>> = {
  probe,
  preupload,
  cover: archives.cover,
  add: archives.add,
  archives: archives.archives,
  view: archives.view,
  pre: archives.pre,
  edit: edit,
  geetest: archives.geetest,
  nav: passport.nav,
  myinfo: passport.myinfo,
  finger: passport.finger,
  'qr generate': passport.qrGenerate,
  'qr poll': passport.qrPoll,
  'cookie info': passport.cookieInfo,
  correspond: renewal.correspond,
  'cookie refresh': renewal.cookieRefresh,
  'confirm refresh': renewal.confirmRefresh,
  'line ok': upos.lineOk,
  init: upos.init,
  part: upos.part,
  complete: upos.complete,
  read: upos.read,
};

/** Some paths have more than one meaning. Null of what the fake does not know. */
export function operationOf({ host }: Place, method: string, path: string, query: URLSearchParams): Operation | null {
  const known = ROUTES[`${host} ${method} ${path}`];
  if (known !== undefined) return known;
  if (host === 'member' && `${method} ${path}` === 'GET /preupload')
    return query.get('r') === 'probe' ? 'probe' : 'preupload';
  if (host === 'www') return method === 'GET' && path.startsWith('/correspond/1/') ? 'correspond' : null;
  if (host !== 'line') return null;
  if (method === 'PUT') return 'part';
  if (method === 'GET') return 'read';
  if (method !== 'POST') return null;
  if (query.has('uploads')) return 'init';
  return query.has('uploadId') ? 'complete' : null;
}

const ROUTES: Readonly<Record<string, Operation>> = {
  'member POST /x/vu/web/cover/up': 'cover',
  'member POST /x/vu/web/add/v3': 'add',
  'member GET /x/web/archives': 'archives',
  'member GET /x/vupre/web/archive/view': 'view',
  'member GET /x/vupre/web/archive/pre': 'pre',
  'member POST /x/vu/web/edit': 'edit',
  'member GET /x/geetest/pre/add': 'geetest',
  'api GET /x/web-interface/nav': 'nav',
  'api GET /x/space/myinfo': 'myinfo',
  'api GET /x/frontend/finger/spi': 'finger',
  'passport GET /x/passport-login/web/qrcode/generate': 'qr generate',
  'passport GET /x/passport-login/web/qrcode/poll': 'qr poll',
  'passport GET /x/passport-login/web/cookie/info': 'cookie info',
  'passport POST /x/passport-login/web/cookie/refresh': 'cookie refresh',
  'passport POST /x/passport-login/web/confirm/refresh': 'confirm refresh',
  'line GET /OK': 'line ok',
  'line POST /OK': 'line ok',
};
