/** What stands in a Lambda's process between its runtime's HTTP interface and the handler. `node bootstrap.mjs DIR FILE.EXPORT`. */
import { setTimeout as later } from 'node:timers';

const [directory, name] = process.argv.slice(2);
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;

// As if the process had been started some time later: how a test lets leases run out.
const aheadMs = Number(process.env.CLOCK_AHEAD_MS ?? 0);
const now = Date.now;
Date.now = () => now() + aheadMs;

const post = (path, body) => fetch(api + path, { method: 'POST', body: JSON.stringify(body ?? null) });
const told = (error) => ({ errorType: error?.name ?? 'Error', errorMessage: String(error?.message ?? error) });

let requestId = null;
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, async (error) => {
    await post(requestId === null ? '/init/error' : `/invocation/${requestId}/error`, told(error)).catch(
      () => undefined,
    );
    process.exit(129);
  });
}

let handler;
const startedAt = performance.now();
try {
  const [file, exported] = name.split('.');
  handler = (await import(`${directory}/${file}.mjs`))[exported];
  if (typeof handler !== 'function') throw new TypeError(`${name} is no function`);
} catch (error) {
  await post('/init/error', told(error));
  process.exit(1);
}
const importMs = performance.now() - startedAt;

for (;;) {
  const next = await fetch(`${api}/invocation/next`, { headers: { 'x-import-ms': String(importMs) } });
  requestId = next.headers.get('lambda-runtime-aws-request-id');
  const deadlineMs = Number(next.headers.get('lambda-runtime-deadline-ms'));
  const context = {
    awsRequestId: requestId,
    invokedFunctionArn: next.headers.get('lambda-runtime-invoked-function-arn'),
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - now()),
  };
  try {
    const answer = await handler(await next.json(), context);
    await post(`/invocation/${requestId}/response`, answer);
  } catch (error) {
    await post(`/invocation/${requestId}/error`, told(error));
  }
  // The real one, too, lets the event loop turn once before it asks for more.
  await new Promise((resolve) => later(resolve, 0));
}
