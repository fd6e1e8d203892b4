/** Where the calls of a destination's driver are run: in this process, or at agents where the home has them. */
import { Fault } from '#core/fault.ts';
import type { RemoteConnection } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { CredentialHandle, ProviderKind } from '#core/ports/connection.ts';
import type { Provider, PushProvider } from '#core/ports/provider.ts';
import type { Placement } from '#core/wire/agent.ts';
import { parseCredentials } from './parse.ts';

export type OnAgents = Extract<Placement, { on: 'agents' }>;

/** Of a driver connected here, one whose calls are run at agents. Asks nobody anything yet. */
export type Place = (local: PushProvider, connection: RemoteConnection, placement: OnAgents) => PushProvider;

/** What both a driver here and one at an agent are connected with. */
export type AnyConnection = Omit<RemoteConnection, 'provider'> & { readonly clock: Clock };

/** Throws Fault `rejected` `destination.no_agents`. */
export function connectAt(
  placement: Placement,
  kind: ProviderKind,
  connection: AnyConnection,
  place: Place | undefined,
): Provider {
  const local = kind.connect(connection);
  if (placement.on === 'here') return local;
  if (place === undefined) throw noAgents('this home has no agents: place the destination here');
  if (local.mode !== 'push') {
    throw noAgents(`a ${kind.id} destination fetches its bytes itself, from here: agents have no part in it`);
  }
  const { clock: _, ...remote } = connection;
  const credentials = checked(kind, remote.credentials);
  return place(local, { provider: kind.id, ...remote, credentials }, placement);
}

/** What an agent makes of a login is stored only if it is one. */
function checked(kind: ProviderKind, handle: CredentialHandle<unknown>): CredentialHandle<unknown> {
  return {
    read: () => handle.read(),
    rotate: (replace) => handle.rotate(async (current) => parseCredentials(kind, await replace(current))),
  };
}

function noAgents(message: string): Fault {
  return new Fault('rejected', 'destination.no_agents', message);
}
