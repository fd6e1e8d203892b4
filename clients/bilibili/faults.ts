/** What Bilibili refuses, what that means to the engine, and what a person can do about it. */
import { Fault, type FaultKind } from '#core/fault.ts';

/** The account is asked to rest, wherever it is used. */
export const LIMITED = 'bilibili.limited';
/** Bilibili wants to see a person; the account rests until then. */
export const NEEDS_PERSON = 'bilibili.needs_person';
/** The repeated cookie is not the one that Bilibili has: perhaps it has just changed it. */
export const CSRF_REFUSED = 'bilibili.csrf_refused';
/** The token of a renewal was spent before, or another one has been given since. */
export const RENEWAL_REFUSED = 'bilibili.renewal_refused';
/** Nothing that could be read came back: whatever was asked for may have been done. */
export const UNAVAILABLE = 'bilibili.unavailable';

export interface Refusal {
  readonly number: number;
  readonly message: string;
  /** The answer names a check that a person can pass. */
  readonly hasVoucher: boolean;
  /** Of HTTP: it counts where nobody knows the number. */
  readonly status: number;
}

/** What was asked for: nobody knows how often an unknown refusal of a submission may be met. */
export type Asked = 'preupload' | 'submit' | 'question';

/** A refusal in an envelope as a Fault, with its number and Bilibili's own words. */
export function refusalFault({ number, message, hasVoucher, status }: Refusal, asked: Asked): Fault {
  const isForPerson = hasVoucher || (asked === 'submit' && number === 601 && /验证码/.test(message));
  const unknown = asked === 'submit' ? UNKNOWN_SUBMIT : UNKNOWN;
  const meaning = isForPerson ? PERSON : (MEANINGS.get(number) ?? meaningOf(status) ?? unknown);
  const said = `Bilibili said ${number}${message === '' ? '' : `: ${message.slice(0, 120)}`}`;
  return faultOf(meaning, said);
}

/** An answer that is no JSON: a page of the gateway, or nothing at all. */
export function strangeAnswer(status: number): Fault {
  return faultOf(meaningOf(status) ?? BUSY, `HTTP ${status}, no JSON`);
}

/** An answer whose shape we do not know. `where` is a path of ours, not of a person's file. */
export function unknownShape(endpoint: string, where: string): Fault {
  const text = `Bilibili answered ${endpoint} in a shape that we do not know (${where})`;
  return new Fault('bug', 'bilibili.bad_answer', text);
}

interface Meaning {
  readonly kind: FaultKind;
  readonly code: string;
  readonly text: string;
  readonly retryAfterMs?: number;
}

/** Null: the status says nothing of its own. */
function meaningOf(status: number): Meaning | null {
  if (status === 406 || status === 412 || status === 429) return LIMIT;
  if (status === 401) return ENDED;
  if (status === 403) return FORBIDDEN;
  return status >= 500 && status < 600 ? BUSY : null;
}

function faultOf({ kind, code, text, retryAfterMs }: Meaning, said: string): Fault {
  return new Fault(kind, code, `${text} (${said})`, retryAfterMs === undefined ? {} : { retryAfterMs });
}

const DAY_MS = 24 * 60 * 60_000;
/** What Bilibili asks for after two submissions in a row. */
const TOO_SOON_MS = 30_000;

const LIMIT: Meaning = {
  kind: 'throttled',
  code: LIMITED,
  text: 'Bilibili limits this account: nothing is sent for a while, then it goes on by itself',
};
const PERSON: Meaning = {
  kind: 'risk',
  code: NEEDS_PERSON,
  text: "Bilibili wants to see that it is you: open its app or bilibili.com with this account, pass its check (submitting a video by hand brings it up), then press retry. The account's other files wait meanwhile",
};
const ENDED: Meaning = {
  kind: 'auth',
  code: 'bilibili.login_ended',
  text: 'Bilibili does not accept our login: log in to Bilibili again, then press retry',
};
const FORBIDDEN: Meaning = {
  kind: 'risk',
  code: 'bilibili.forbidden',
  text: 'Bilibili refuses this account or this place: see whether a video can be submitted at bilibili.com from here, then press retry',
};
const BUSY: Meaning = {
  kind: 'transient',
  code: UNAVAILABLE,
  text: 'Bilibili does not answer properly: it is tried again',
};
const UNKNOWN: Meaning = { kind: 'transient', code: 'bilibili.refused', text: 'Bilibili refused the request' };
const UNKNOWN_SUBMIT: Meaning = {
  kind: 'rejected',
  code: 'bilibili.submit_refused',
  text: 'Bilibili has the video and did not take the submission: see what it says, then press retry',
};

const AGAIN = 'mend it in the settings of the destination, then press retry: the video is not sent again';
const refused = (code: string, text: string): Meaning => ({ kind: 'rejected', code: `bilibili.${code}`, text });
const METADATA = refused('metadata_refused', `Bilibili has the video and did not take what is said of it: ${AGAIN}`);
const TITLE = refused('title_refused', `Bilibili has the video and did not take the title: ${AGAIN}`);
const TAGS = refused('tags_refused', `Bilibili has the video and did not take the tags: ${AGAIN}`);
const SOURCE = refused('source_missing', `Bilibili has the video and wants to know where it is from: ${AGAIN}`);
const TWICE = refused('duplicate', 'Bilibili has this video in another submission already: look there first');

const MEANINGS: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  ...all([406, 601, 21566, 137022, -352, -412, -509, -799], LIMIT),
  [21564, { ...LIMIT, retryAfterMs: DAY_MS }],
  [
    21070,
    {
      kind: 'throttled',
      code: 'bilibili.too_soon',
      text: 'Bilibili wants more time between two submissions: it goes on by itself',
      retryAfterMs: TOO_SOON_MS,
    },
  ],
  [-101, ENDED],
  [-111, { ...ENDED, code: CSRF_REFUSED }],
  [
    86095,
    {
      kind: 'auth',
      code: RENEWAL_REFUSED,
      text: 'Bilibili does not renew this login: a person has to log in to Bilibili again before it ends',
    },
  ],
  [-403, FORBIDDEN],
  ...all([-500, -503, -504, 20001, 21111, 21150], BUSY),
  ...all([-400, 21001, 21058], METADATA),
  ...all([21012, 21013, 21103], TITLE),
  [21005, TAGS],
  [21021, SOURCE],
  [10009, TWICE],
  [
    21015,
    {
      kind: 'gone',
      code: 'bilibili.object_refused',
      text: 'Bilibili does not accept the uploaded video: it is sent again',
    },
  ],
]);

function all(numbers: readonly number[], meaning: Meaning): (readonly [number, Meaning])[] {
  return numbers.map((number) => [number, meaning]);
}
