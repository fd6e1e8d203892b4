// What a container asks itself, where there is no curl: exit code 0 when /healthz answers 200. The port is PORT, else the argument.
const port = process.env.PORT || process.argv[2];

try {
  const { status } = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(4_000) });
  process.exitCode = status === 200 ? 0 : 1;
} catch {
  process.exitCode = 1;
}
