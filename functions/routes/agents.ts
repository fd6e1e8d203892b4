/** Agents that have been here, and who may come back. A home without a fleet has none of these routes. */
import { createRoute, z } from '@hono/zod-openapi';
import { Fault } from '#core/fault.ts';
import { AgentId, AgentList, AgentView } from '#core/wire/agent.ts';
import type { Api } from '../api.ts';
import { answers, secured } from '../openapi.ts';

/** The fleet as a person governs it. Of an agent that nobody knows the verbs throw Fault `rejected` `agent.unknown`. */
export interface FleetDesk {
  list(): Promise<readonly AgentView[]>;
  /** Its connection ends, and it is refused until it is restored. */
  revoke(id: AgentId): Promise<AgentView>;
  restore(id: AgentId): Promise<AgentView>;
  /** All that is known of it, a revocation too. Throws Fault `rejected` `agent.online` of one that was heard of lately. */
  forget(id: AgentId): Promise<void>;
}

const byId = z.object({ id: AgentId });

export function agentRoutes(app: Api, fleet: FleetDesk): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/agents',
      summary: 'All agents that ever came, with what they are doing',
      ...secured,
      responses: answers(200, AgentList),
    }),
    async (c) => c.json({ items: [...(await fleet.list())] }, 200),
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/agents/{id}/revoke',
      summary: 'End its connection, and refuse it until it is restored',
      ...secured,
      request: { params: byId },
      responses: answers(200, AgentView),
    }),
    async (c) => c.json(await fleet.revoke(c.req.valid('param').id), 200),
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/agents/{id}/restore',
      summary: 'Let a revoked agent come again',
      ...secured,
      request: { params: byId },
      responses: answers(200, AgentView),
    }),
    async (c) => c.json(await fleet.restore(c.req.valid('param').id), 200),
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/api/v1/agents/{id}',
      summary: 'Forget an agent that is away; one that was revoked may come again after it',
      ...secured,
      request: { params: byId },
      responses: answers(200, AgentView),
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const agent = (await fleet.list()).find((one) => one.id === id);
      if (agent === undefined) throw new Fault('rejected', 'agent.unknown', `there is no agent "${id}"`);
      await fleet.forget(id);
      return c.json(agent, 200);
    },
  );
}
