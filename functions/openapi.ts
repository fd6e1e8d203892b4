/** What every route's description has in common. */
import type { z } from '@hono/zod-openapi';
import { ErrorBody } from '#core/wire/error.ts';

export const secured = { security: [{ token: [] }] };

export const body = <T extends z.ZodType>(schema: T) => ({
  required: true as const,
  content: { 'application/json': { schema } },
});

export const answers = <Status extends number, T extends z.ZodType>(status: Status, schema: T) =>
  ({
    [status]: { description: 'OK', content: { 'application/json': { schema } } },
    default: { description: 'An error with a code', content: { 'application/json': { schema: ErrorBody } } },
  }) as Record<Status, { description: string; content: { 'application/json': { schema: T } } }>;
