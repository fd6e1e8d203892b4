import { expect } from 'vitest';
import { ErrorBody } from '#core/wire/error.ts';
import type { Answer } from './rig.ts';

/** The answer is our error body with this status and code, and names the request as its header does. Gives the message. */
export function expectError(answer: Answer, status: number, code: string): string {
  expect(answer, answer.text).toMatchObject({ status });
  const { error } = ErrorBody.strict().parse(answer.body);
  expect(error.code).toBe(code);
  expect(error.requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(answer.headers.get('x-request-id')).toBe(error.requestId);
  return error.message;
}
