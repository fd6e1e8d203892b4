import { expect, it } from 'vitest';
import { Fault, toFault } from '#core/fault.ts';
import { faultTrace, traceOf } from './trace.ts';

it('a fault is its code', () => {
  expect(traceOf(new Fault('bug', 'rig.broken', 'Holiday.mp4', { cause: new Error('more') }))).toEqual({
    reason: 'rig.broken',
  });
});

it('another error is its name, its system code and its place', () => {
  const error = Object.assign(new RangeError('Holiday.mp4'), { code: 'ENOSPC' });
  expect(traceOf(error)).toEqual({ reason: 'RangeError ENOSPC', where: expect.stringContaining('trace.test.ts') });
});

it.each(['Holiday.mp4', '\n    at Holiday.mp4', 'a\n    at Holiday.mp4\n    at more'])(
  'nothing of the message %j is told',
  (message) => {
    expect(JSON.stringify(traceOf(new Error(message)))).not.toContain('Holiday');
  },
);

it('what is no error at all is unknown', () => {
  for (const thrown of ['Holiday.mp4', null, undefined, { message: 'Holiday.mp4' }]) {
    expect(traceOf(thrown)).toEqual({ reason: 'unknown' });
  }
});

it('an error without a stack is fine', () => {
  const error = new Error('x');
  delete error.stack;
  expect(traceOf(error)).toEqual({ reason: 'Error' });
});

it('of a fault that nobody has named the log learns what was thrown and where, of another its code', () => {
  expect(faultTrace(toFault(new TypeError('Holiday.mp4')))).toEqual({
    kind: 'transient',
    code: 'unknown',
    reason: 'TypeError',
    where: expect.stringContaining('trace.test.ts'),
  });
  expect(faultTrace(new Fault('auth', 'rig.locked', 'Holiday.mp4', { cause: new Error('more') }))).toEqual({
    kind: 'auth',
    code: 'rig.locked',
  });
});
