/** What 115 refuses, what that means to the engine, and what a person can do about it. */
import { Fault, type FaultKind } from '#core/fault.ts';

/** An access token that 115 does not take: renewed once before a person is asked. */
export const TOKEN_REFUSED = 'pan115.token_refused';
/** The name is taken by a folder. */
export const FOLDER_EXISTS = 'pan115.folder_exists';
export const NOT_FOUND = 'pan115.not_found';
/** The login has ended: only a person can begin another. */
export const LOGIN_ENDED = 'pan115.login_ended';

export interface Refusal {
  readonly number: number;
  readonly message: string;
}

/** A refusal in an envelope as a Fault. An unknown one is transient, with its number and 115's own words. */
export function refusalFault({ number, message }: Refusal): Fault {
  const meaning = MEANINGS.get(number) ?? byMessage(message);
  const said = `115 said ${number}${message === '' ? '' : `: ${message.slice(0, 120)}`}`;
  if (meaning === null) return new Fault('transient', 'pan115.refused', `115 refused the request (${said})`);
  const { kind, code, text, retryAfterMs } = meaning;
  return new Fault(kind, code, `${text} (${said})`, retryAfterMs === undefined ? {} : { retryAfterMs });
}

/** An answer that is no JSON: a page of the firewall, a gateway's error. */
export function strangeAnswer(status: number, text: string, retryAfterMs?: number): Fault {
  if (status === 429) {
    return new Fault('throttled', LIMITED.code, `${LIMITED.text} (HTTP 429)`, {
      retryAfterMs: retryAfterMs ?? LIMIT_MS,
    });
  }
  if (status >= 500 || status === 401 || status === 408) {
    return new Fault(
      'transient',
      'pan115.unavailable',
      `115 does not answer properly (HTTP ${status}): it is tried again`,
    );
  }
  if (status === 405 || status === 403 || /^\s*</.test(text)) {
    const what =
      "115's firewall has blocked this account for now. Nothing is sent for an hour, then it goes on by itself; if it stays blocked, open 115 in a browser, pass its check and press retry";
    return new Fault('throttled', 'pan115.blocked', `${what} (HTTP ${status}, no JSON)`, { retryAfterMs: BLOCK_MS });
  }
  return new Fault('transient', 'pan115.bad_answer', `115 answered something that is no JSON (HTTP ${status})`);
}

/** An answer whose shape we do not know. `where` is a path of ours, not of a person's file. */
export function unknownShape(endpoint: string, where: string): Fault {
  return new Fault('bug', 'pan115.bad_answer', `115 answered ${endpoint} in a shape that we do not know (${where})`);
}

interface Meaning {
  readonly kind: FaultKind;
  readonly code: string;
  readonly text: string;
  readonly retryAfterMs?: number;
}

/** An account that has been asked too often is refused for ten minutes at least. */
const LIMIT_MS = 10 * 60_000;
/** A block of the firewall lasts hours. */
const BLOCK_MS = 60 * 60_000;

const LIMITED: Meaning = {
  kind: 'throttled',
  code: 'pan115.limited',
  text: '115 limits this account for a while: it goes on by itself, in ten minutes or so',
  retryAfterMs: LIMIT_MS,
};
const ENDED: Meaning = {
  kind: 'auth',
  code: LOGIN_ENDED,
  text: '115 has ended our login: log in to 115 again, then press retry',
};
const STALE: Meaning = {
  kind: 'auth',
  code: TOKEN_REFUSED,
  text: '115 does not accept our access: log in to 115 again, then press retry',
};
const APP: Meaning = {
  kind: 'auth',
  code: 'pan115.app_refused',
  text: '115 does not accept the application: check its client id at open.115.com, then log in again',
};
const OURS: Meaning = { kind: 'bug', code: 'pan115.request_refused', text: '115 did not understand a request of ours' };
const MISSING: Meaning = {
  kind: 'rejected',
  code: NOT_FOUND,
  text: '115 no longer has this file or folder: check the target folder, then press retry',
};
const VERIFY: Meaning = {
  kind: 'risk',
  code: 'pan115.verify',
  text: '115 wants to see that it is you: open the 115 app, pass its check, then press retry',
};
const BUSY: Meaning = {
  kind: 'transient',
  code: 'pan115.busy',
  text: '115 is still at an earlier task of this account: it is tried again',
};
const NAME: Meaning = {
  kind: 'rejected',
  code: 'pan115.name_refused',
  text: '115 does not take this name: rename it and send it again',
};
const RETRY: Meaning = { kind: 'transient', code: 'pan115.unavailable', text: '115 asks to try again' };
const LOST: Meaning = {
  kind: 'gone',
  code: 'pan115.session_gone',
  text: '115 no longer knows the unfinished upload: it begins anew',
};

const MEANINGS: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  ...all([770004, 406, 590075], LIMITED),
  ...all([99, 40101032, 990001, 40140123, 40140124, 40140125, 40140126], STALE),
  ...all([40140114, 40140115, 40140116, 40140119, 40140120], ENDED),
  ...all([40140100, 40140106, 40140107, 40140108, 40140109, 40140110, 40140111, 40140118], APP),
  ...all([40140101, 40140102, 40140103, 40140104, 40140112, 40140113], OURS),
  ...all([40100000, 990002, 40140127, 40140132, 40140134, 40140136], OURS),
  ...all([911, 40101004, 40101017], VERIFY),
  ...all([990005, 990009, 990019, 990003], BUSY),
  ...all([20001, 20002, 20003, 20020, 20021], NAME),
  ...all([20009, 20013, 20018, 31003, 50015, 70005, 70008, 90008, 430004, 800001, 10014], MISSING),
  ...all([40110000, 40140105, 40140121], RETRY),
  ...all([50003, 70004], LOST),
  [
    10002,
    {
      kind: 'gone',
      code: 'pan115.check_failed',
      text: '115 found other bytes than the digest had promised: it is sent again from the start',
    },
  ],
  [40140117, { ...LIMITED, text: '115 was asked for access too often: it goes on by itself, in ten minutes or so' }],
  [
    40140122,
    {
      kind: 'auth',
      code: 'pan115.too_many_apps',
      text: 'too many applications may use this 115 account: remove one in the 115 app, then log in again',
    },
  ],
  [40199002, { kind: 'gone', code: 'pan115.login_expired', text: 'the QR code is too old: begin the login again' }],
  [20004, { kind: 'rejected', code: FOLDER_EXISTS, text: '115 has a folder of this name already' }],
  [
    91005,
    { kind: 'rejected', code: 'pan115.full', text: 'the 115 account has no room left: free some, then press retry' },
  ],
  [
    2,
    {
      kind: 'rejected',
      code: 'pan115.folder_full',
      text: 'the 115 folder holds 50,000 entries, the most it can: choose another, then press retry',
    },
  ],
]);

function all(numbers: readonly number[], meaning: Meaning): (readonly [number, Meaning])[] {
  return numbers.map((number) => [number, meaning]);
}

/** 115 also limits without a number of its own: "try again later", "access limit reached". */
function byMessage(message: string): Meaning | null {
  return /稍后再试|访问上限|频繁/.test(message) ? LIMITED : null;
}
