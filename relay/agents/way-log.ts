/** Says in the log which way the bytes of an agent go, and aloud when it has lost the bucket. */
import type { Log } from '#core/ports/log.ts';
import type { AgentBytes, AgentId } from '#core/wire/agent.ts';

export function wayLog(log: Log): (agent: AgentId, bytes: AgentBytes, was: AgentBytes) => void {
  return (agent, { way, code }, was) => {
    const level = was.way === 'bucket' ? 'error' : 'info';
    log[level]('agent.bytes', { agent, way, ...(code === null ? {} : { code }) });
  };
}
