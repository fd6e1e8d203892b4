// What a container asks itself: exit code 0 when the home has answered a heartbeat within the last 90 s, as AGENT_ALIVE_FILE notes.
import { readFileSync } from 'node:fs';

try {
  const atMs = Number(readFileSync(process.env.AGENT_ALIVE_FILE ?? '', 'utf8'));
  process.exitCode = Date.now() - atMs < 90_000 ? 0 : 1;
} catch {
  process.exitCode = 1;
}
