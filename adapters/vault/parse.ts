/** Settings and credentials as their provider's schemas see them, and what is wrong with them in words. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { ProviderKind } from '#core/ports/connection.ts';
import { DestinationId } from '#core/wire/ids.ts';
import { mustFit } from './accounts.ts';

const Settings = z.record(z.string(), z.unknown());

/** Answers are cut to this: they are shown to a person. */
const MESSAGE_MAX_CHARS = 400;

/** Throws Fault `rejected` `destination.provider_unknown`. */
export function kindOf(kinds: readonly ProviderKind[], provider: string): ProviderKind {
  const kind = kinds.find(({ id }) => id === provider);
  if (kind) return kind;
  const known = kinds.map(({ id }) => id).join(', ');
  throw new Fault(
    'rejected',
    'destination.provider_unknown',
    `there is no provider "${provider}"; there are: ${known}`,
  );
}

export function parseId(id: string): void {
  orInvalid('id', DestinationId.safeParse(id));
}

/** With the schema's defaults filled in. The schema must take its own output again. */
export function parseSettings(kind: ProviderKind, settings: unknown): Record<string, unknown> {
  return orInvalid('settings', Settings.safeParse(orInvalid('settings', kind.settings.safeParse(settings))));
}

export function parseCredentials(kind: ProviderKind, credentials: unknown): unknown {
  if (kind.credentials === null) throw invalid(`credentials: a ${kind.id} destination has none`);
  const parsed = orInvalid('credentials', kind.credentials.safeParse(credentials));
  mustFit(parsed);
  return parsed;
}

function orInvalid<T>(what: string, result: z.ZodSafeParseResult<T>): T {
  if (result.success) return result.data;
  throw invalid(result.error.issues.map((issue) => `${[what, ...issue.path].join('.')}: ${issue.message}`).join('; '));
}

/** Without the zod error as cause: it may quote what was given, and that may be a secret. */
function invalid(message: string): Fault {
  return new Fault('rejected', 'destination.invalid', message.slice(0, MESSAGE_MAX_CHARS));
}
