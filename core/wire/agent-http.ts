/** `/api/agent/…` and `/api/manage/…`: agents and their tasks in the words of the fleet managers that came before us. */
import * as z from 'zod';
import { AgentId } from './agent.ts';
import { TransferId } from './ids.ts';

/** Answers and refusals have one shape: `code` is 0, or the HTTP status. */
export const enveloped = <T extends z.ZodType>(data: T) => z.object({ code: z.int(), message: z.string(), data });

/** Of a refusal; `error` is the code that the other routes have. */
export const RefusalData = z.object({ error: z.string(), requestId: z.string() });

export const RegisterAgent = z.object({
  agent_id: AgentId,
  agent_name: z.string().min(1).max(64).optional(),
  /** Not believed: the address is the one that it comes from. */
  ip_address: z.string().max(64).optional(),
  max_concurrent_uploads: z.int().min(1).max(64).default(2),
  bandwidth_mbps: z.int().min(1).max(100_000).default(100),
  tags: z
    .record(z.string().min(1).max(32), z.string().max(64))
    .refine((tags) => Object.keys(tags).length <= 16, 'at most 16')
    .default({}),
  /** Not used: agents are never dialled. */
  grpc_address: z.string().max(256).optional(),
});
export type RegisterAgent = z.infer<typeof RegisterAgent>;

/** The token is what the gRPC line wants too. */
export const RegisteredAgent = z.object({ agent_id: AgentId, token: z.string() });

/** What the home counts by itself is not read. */
export const AgentHeartbeat = z.object({
  agent_id: AgentId,
  status: z.enum(['online', 'busy']).optional(),
  current_tasks: z.int().min(0).optional(),
  available_slots: z.int().min(0).optional(),
  memory_usage_mb: z.number().min(0).max(1_000_000_000).optional(),
  tasks_completed: z.int().min(0).optional(),
});

export const TaskStatusReport = z.object({
  task_id: TransferId,
  status: z.enum(['pending', 'downloading', 'uploading', 'completed', 'failed', 'cancelled']),
  uploaded_bytes: z.int().min(0).optional(),
  total_bytes: z.int().min(0).optional(),
  upload_speed: z.number().min(0).optional(),
  error_message: z.string().max(2_000).nullish(),
});

export const ManagedAgent = z.object({
  agent_id: AgentId,
  agent_name: z.string(),
  ip_address: z.string(),
  /** Agents dial out: there is none. */
  grpc_address: z.null(),
  status: z.enum(['online', 'busy', 'offline', 'revoked']),
  current_tasks: z.int(),
  /** Those that have ended and those under way. */
  total_tasks: z.int(),
  /** In percent of those that have ended, with one decimal; null: none has. */
  success_rate: z.number().nullable(),
  memory_usage_mb: z.int().nullable(),
  last_heartbeat: z.iso.datetime(),
});
export const ManagedAgents = z.object({ agents: z.array(ManagedAgent) });

/** A part of a recording is a transfer here, and so is its task. */
export const AssignTask = z.object({ part_id: TransferId, agent_id: AgentId });
export const TaskNamed = z.object({ task_id: TransferId });
