/** What 115 refuses to whoever comes with a cookie. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { parsed } from '../envelope.ts';
import { refusalFault } from '../faults.ts';
import { looseInt, looseText, looseTruth } from '../loose.ts';

/** 115's refusal of a call that a cookie vouched for; its numbers for a bad token say that the login has ended. */
export function cookieRefused(number: number, message: string): Fault {
  const fault = refusalFault({ number, message });
  if (fault.kind !== 'auth') return fault;
  const text = '115 no longer takes this cookie: log in to 115 in a browser, paste its cookie again, then press retry';
  return new Fault('auth', 'pan115.cookie_refused', `${text} (115 said ${number})`);
}

/** What the servers of uploads say beside `statuscode`. */
export function statusFault(statusCode: number, message: string): Fault {
  if (statusCode === 403) {
    const text = '115 no longer takes this version of the cookie login: log in through the open platform instead';
    return new Fault('auth', 'pan115.cookie_outdated', text);
  }
  if (statusCode === 400 || statusCode === 402) {
    const text = `115 did not take the announcement (${statusCode}), as it does after too many: it is tried again`;
    return new Fault('transient', 'pan115.request_refused', text);
  }
  return cookieRefused(statusCode, message);
}

/** For the servers of uploads: a refusal has its number in one of two places. */
export function throwRefusal(told: unknown, endpoint: string): void {
  const { statuscode, statusmsg, state, code, errno, message, error } = parsed(Status, told, endpoint);
  if (state === false) throw cookieRefused(code || errno || statuscode, message || error || statusmsg);
  if (!SIGN_CODES.includes(statuscode)) throw statusFault(statuscode, statusmsg);
}

/** Of a good answer, and of the three that ask for a signature. */
const SIGN_CODES = [0, 700, 701, 702];

/** `status` is false beside some refusals, so it is not looked at before. */
const Status = z.object({
  statuscode: looseInt.catch(0),
  statusmsg: looseText.catch(''),
  state: looseTruth.optional(),
  code: looseInt.optional().catch(0),
  errno: looseInt.optional().catch(0),
  message: looseText.optional().catch(''),
  error: looseText.optional().catch(''),
});
