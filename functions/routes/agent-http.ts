/**
 * `/api/agent` and `/api/manage`: the fleet by HTTP, in the words of the managers that came before us. It is the same fleet: what is
 * said here goes into the registry that the gRPC line writes to, and tasks are transfers.
 */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { Fault } from '#core/fault.ts';
import { assign } from '#core/fleet/assign.ts';
import { agentOf } from '#core/fleet/begun.ts';
import type { AgentRegistry } from '#core/fleet/registry.ts';
import { HeadState, headKey } from '#core/state.ts';
import { cancel } from '#core/transfer/wishes.ts';
import type { AgentId, AgentView } from '#core/wire/agent.ts';
import {
  AgentHeartbeat,
  AssignTask,
  enveloped,
  ManagedAgents,
  RefusalData,
  RegisterAgent,
  RegisteredAgent,
  TaskNamed,
  TaskStatusReport,
} from '#core/wire/agent-http.ts';
import type { TransferId } from '#core/wire/ids.ts';
import type { Api, ApiDeps, ApiEnv } from '../api.ts';
import { bearerOf } from '../identity.ts';
import { body, secured } from '../openapi.ts';
import { onAgentError, onInvalidAgentCall, onTooLargeAgentCall } from './agent-errors.ts';

export interface AgentDoor {
  readonly registry: AgentRegistry;
  /** With the key that agents enrol with. Throws Fault `auth` `agent.wrong_key`, `throttled` `agent.too_many_tries`. */
  enrol(key: string, id: AgentId, address: string): Promise<{ readonly token: string }>;
  /** Whose token it is; null: nobody's, or not any more. */
  agentBy(token: string): Promise<AgentId | null>;
  /** Where the request comes from: an IP, without port. */
  addressOf(c: Context<ApiEnv>): string;
}

type OwnerOf = (c: Context<ApiEnv>) => string;

const BODY_MAX_BYTES = 16 * 1024;
const MIB = 1024 * 1024;

/** Mounted before the routes that need the owner's token: agents have their own. */
export function agentHttpRoutes(app: Api, deps: ApiDeps, door: AgentDoor): void {
  const group: Api = new OpenAPIHono<ApiEnv>({ defaultHook: onInvalidAgentCall });
  group.onError(onAgentError(deps.engine.log));
  for (const path of ['/api/agent/*', '/api/manage/*']) {
    group.use(path, bodyLimit({ maxSize: BODY_MAX_BYTES, onError: onTooLargeAgentCall }));
  }
  ownRoutes(group, deps, door);
  manageRoutes(group, deps, door);
  app.route('/', group);
}

/** What agents say. */
function ownRoutes(group: Api, { engine }: ApiDeps, { registry, enrol, agentBy, addressOf }: AgentDoor): void {
  async function agentIn(c: Context<ApiEnv>): Promise<AgentId> {
    const id = await agentBy(bearerOf(c) ?? '');
    if (id !== null) return id;
    throw new Fault('auth', 'agent.token_refused', 'the token is not valid, or no more: register again');
  }

  group.openapi(
    createRoute({
      method: 'post',
      path: '/api/agent/register',
      summary: "An agent shows the fleet's key and gets a token for itself, for an hour",
      ...secured,
      request: { body: body(RegisterAgent) },
      responses: envelopes(RegisteredAgent),
    }),
    async (c) => {
      const { agent_id: id, agent_name: name = id, ...said } = c.req.valid('json');
      const address = addressOf(c);
      const { token } = await enrol(bearerOf(c) ?? '', id, address);
      const { tags, max_concurrent_uploads: filesMax, bandwidth_mbps: bandwidthMbps } = said;
      await registry.registered({ id, name, filesMax, bandwidthMbps, tags }, address);
      engine.log.info('agent.registered', { agent: id });
      return c.json(success({ agent_id: id, token }), 200);
    },
  );

  group.openapi(
    createRoute({
      method: 'post',
      path: '/api/agent/heartbeat',
      summary: 'An agent says that it is there, each 30 s',
      ...secured,
      request: { body: body(AgentHeartbeat) },
      responses: envelopes(z.null()),
    }),
    async (c) => {
      const id = await agentIn(c);
      const { agent_id: named, memory_usage_mb: memoryMb } = c.req.valid('json');
      if (named !== id) throw new Fault('auth', 'agent.token_refused', 'the token is of another agent');
      await registry.reported(id, memoryMb === undefined ? {} : { memoryBytes: Math.round(memoryMb * MIB) });
      return c.json(success(null), 200);
    },
  );

  group.openapi(
    createRoute({
      method: 'post',
      path: '/api/agent/task-status',
      summary: 'An agent tells of a task of its own: a sign of life, since the home itself knows how far the task is',
      ...secured,
      request: { body: body(TaskStatusReport) },
      responses: envelopes(z.null()),
    }),
    async (c) => {
      const id = await agentIn(c);
      const { task_id: taskId } = c.req.valid('json');
      const head = await headOf(engine, taskId);
      const isThere = async () => (await registry.busy.look()).has(id, taskId);
      if (head === null || (agentOf(head) !== id && !(await isThere()))) throw unknownTask();
      await registry.reported(id, {});
      return c.json(success(null), 200);
    },
  );
}

/** What the owner of the home may. */
function manageRoutes(group: Api, { engine, authenticate }: ApiDeps, { registry }: AgentDoor): void {
  const ownerIn: OwnerOf = (c) => {
    const ownerId = authenticate(bearerOf(c) ?? '');
    if (ownerId !== null) return ownerId;
    c.header('www-authenticate', 'Bearer');
    throw new Fault('auth', 'auth.required', 'this needs a valid token');
  };
  const own = async (c: Context<ApiEnv>, id: TransferId): Promise<HeadState> => {
    const ownerId = ownerIn(c);
    const head = await headOf(engine, id);
    if (head === null || head.file.ownerId !== ownerId) throw unknownTask();
    return head;
  };

  group.openapi(
    createRoute({
      method: 'get',
      path: '/api/manage/agents',
      summary: 'All agents that ever came',
      ...secured,
      responses: envelopes(ManagedAgents),
    }),
    async (c) => {
      ownerIn(c);
      return c.json(success({ agents: (await registry.list()).map(managed) }), 200);
    },
  );

  group.openapi(
    createRoute({
      method: 'post',
      path: '/api/manage/assign-task',
      summary: 'Give a transfer that has not begun to one agent: part and task are its id',
      ...secured,
      request: { body: body(AssignTask) },
      responses: envelopes(TaskNamed),
    }),
    async (c) => {
      const { part_id: id, agent_id: agent } = c.req.valid('json');
      await assign({ ...engine, registry }, await own(c, id), agent);
      engine.log.info('task.assigned', { transferId: id, agent });
      return c.json(success({ task_id: id }), 200);
    },
  );

  group.openapi(
    createRoute({
      method: 'post',
      path: '/api/manage/cancel-task',
      summary: 'Cancel a transfer',
      ...secured,
      request: { body: body(TaskNamed) },
      responses: envelopes(z.null()),
    }),
    async (c) => {
      const { task_id: id } = c.req.valid('json');
      await own(c, id);
      await cancel(engine, id);
      return c.json({ code: 0, message: 'Task cancelled', data: null }, 200);
    },
  );
}

async function headOf({ table }: ApiDeps['engine'], id: TransferId): Promise<HeadState | null> {
  const row = await table.get(headKey(id));
  return row === null ? null : HeadState.parse(row.state);
}

/** Of others' tasks an agent hears no more than of those that are not. */
function unknownTask(): Fault {
  return new Fault('rejected', 'transfer.unknown', 'there is no such task');
}

function managed({ id, name, address, status, files, filesDone, filesFailed, memoryBytes, lastSeenAt }: AgentView) {
  const ended = filesDone + filesFailed;
  return {
    agent_id: id,
    agent_name: name,
    ip_address: address,
    grpc_address: null,
    status,
    current_tasks: files,
    total_tasks: ended + files,
    success_rate: ended === 0 ? null : Math.round((filesDone / ended) * 1_000) / 10,
    memory_usage_mb: memoryBytes === null ? null : Math.round(memoryBytes / MIB),
    last_heartbeat: lastSeenAt,
  };
}

function success<T>(data: T) {
  return { code: 0, message: 'success', data };
}

const envelopes = <T extends z.ZodType>(data: T) => ({
  200: { description: 'OK', content: { 'application/json': { schema: enveloped(data) } } },
  default: { description: 'A refusal', content: { 'application/json': { schema: enveloped(RefusalData) } } },
});
