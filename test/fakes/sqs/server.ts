/** An SQS-shaped server that is strict, runs on the test's time, and has bad habits by name. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import * as z from 'zod';
import type { Clock } from '#core/ports/clock.ts';
import { checkBatch, checkBodies, DeleteBatch, HideBatch, isAllowed, Receive, Refused, SendBatch } from './refuse.ts';
import { type Keys, signatureFault } from './signature.ts';
import { type Queue, type QueueOptions, store } from './store.ts';

/** Each is shown once per time it is asked for, at the next call of the action. */
export type Habit =
  | 'some entries fail'
  | 'some entries are not answered for'
  | 'an entry is refused'
  | 'done, but the reply is lost'
  | 'throttled'
  | 'unavailable'
  | 'the reply never comes'
  | 'bodies arrive changed'
  | 'delivered twice'
  | 'nothing at once, though asked to wait'
  | 'receipts have expired';

export type Action = 'SendMessageBatch' | 'ReceiveMessage' | 'DeleteMessageBatch' | 'ChangeMessageVisibilityBatch';

export interface FakeSqs extends AsyncDisposable {
  readonly url: string;
  queueUrl(name: string): string;
  queue(name: string): Queue;
  /** What was asked, in order. */
  readonly calls: readonly { readonly action: string; readonly input: unknown }[];
  show(action: Action, habit: Habit, times?: number): void;
  /** Polls that wait for a message. */
  parkedPolls(): number;
}

export interface FakeSqsOptions {
  readonly clock: Clock;
  readonly keys: Keys;
  readonly queues: readonly QueueOptions[];
}

type Reply = Record<string, unknown>;

export async function fakeSqs({ clock, keys, queues }: FakeSqsOptions): Promise<FakeSqs> {
  const kept = store(queues, () => clock.now());
  const calls: { action: string; input: unknown }[] = [];
  const habits = new Map<Action, Habit[]>();
  const closing = new AbortController();
  let parked = 0;

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => refuse(response, error));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await Array.fromAsync(request));
    if (request.method !== 'POST' || request.headers['content-type'] !== 'application/x-amz-json-1.0') {
      throw new Refused('UnsupportedOperation');
    }
    const fault = signatureFault(request.headers, request.url ?? '/', body, keys);
    if (fault !== null) throw new Refused(fault, 403);
    const action = Action.parse(String(request.headers['x-amz-target']).replace(/^AmazonSQS\./, ''));
    const input: unknown = JSON.parse(body.toString());
    calls.push({ action, input });
    const queue = kept.queue(new URL(Asked.parse(input).QueueUrl).pathname.split('/').at(-1) ?? '');
    if (queue === undefined) throw new Refused('QueueDoesNotExist');
    const habit = habits.get(action)?.shift() ?? null;
    if (habit === 'throttled') throw new Refused('ThrottlingException');
    if (habit === 'unavailable') throw new Refused('ServiceUnavailable', 503);
    if (habit === 'the reply never comes') return;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const reply = await actions[action](queue, input, habit, AbortSignal.any([gone.signal, closing.signal]));
    if (habit === 'done, but the reply is lost') request.socket.destroy();
    else send(response, 200, reply);
  }

  const actions: Record<
    Action,
    (queue: Queue, input: unknown, habit: Habit | null, stop: AbortSignal) => Promise<Reply> | Reply
  > = {
    SendMessageBatch: (queue, input, habit) => {
      const { Entries } = SendBatch.parse(input);
      checkBatch(Entries);
      checkBodies(Entries);
      return each(Entries, habit, ({ MessageBody, DelaySeconds }) => {
        if (!isAllowed(MessageBody)) throw new Refused('InvalidMessageContents');
        const { id } = queue.send(MessageBody, DelaySeconds);
        return {
          MessageId: id,
          MD5OfMessageBody: md5(habit === 'bodies arrive changed' ? `${MessageBody} ` : MessageBody),
        };
      });
    },
    ReceiveMessage: async (queue, input, habit, stop) => {
      const { MaxNumberOfMessages, WaitTimeSeconds, VisibilityTimeout, MessageSystemAttributeNames } =
        Receive.parse(input);
      const patienceMs = habit === 'nothing at once, though asked to wait' ? 0 : WaitTimeSeconds * 1000;
      await someReady(queue, clock.now() + patienceMs, stop);
      if (stop.aborted || habit === 'nothing at once, though asked to wait') return {};
      const taken = queue.take(MaxNumberOfMessages, VisibilityTimeout);
      if (habit === 'delivered twice') for (const { id } of taken) queue.showAgain(id);
      const Messages = taken.map(({ id, body, sentAtMs, receives, receipt }) => {
        const attributes = { ApproximateReceiveCount: String(receives), SentTimestamp: String(Math.trunc(sentAtMs)) };
        return {
          MessageId: id,
          ReceiptHandle: receipt,
          Body: body,
          MD5OfBody: md5(habit === 'bodies arrive changed' ? `${body} ` : body),
          Attributes: Object.fromEntries(
            Object.entries(attributes).filter(([name]) => MessageSystemAttributeNames.includes(name)),
          ),
        };
      });
      return Messages.length === 0 ? {} : { Messages };
    },
    DeleteMessageBatch: (queue, input, habit) => {
      const { Entries } = DeleteBatch.parse(input);
      checkBatch(Entries);
      return each(Entries, habit, ({ ReceiptHandle }) => {
        if (habit === 'receipts have expired') throw new Refused('ReceiptHandleIsInvalid');
        queue.remove(ReceiptHandle);
        return {};
      });
    },
    ChangeMessageVisibilityBatch: (queue, input, habit) => {
      const { Entries } = HideBatch.parse(input);
      checkBatch(Entries);
      return each(Entries, habit, ({ ReceiptHandle, VisibilityTimeout }) => {
        if (!queue.hide(ReceiptHandle, VisibilityTimeout)) throw new Refused('MessageNotInflight');
        return {};
      });
    },
  };

  async function someReady(queue: Queue, untilMs: number, stop: AbortSignal): Promise<void> {
    parked++;
    while (!stop.aborted && queue.readyCount() === 0 && clock.now() < untilMs) {
      const awake = new AbortController();
      const wakeMs = Math.min(untilMs, queue.nextAtMs() ?? untilMs);
      const slept = clock.sleep(wakeMs - clock.now(), AbortSignal.any([awake.signal, stop])).catch(() => undefined);
      await Promise.race([slept, kept.changed()]);
      awake.abort();
    }
    parked--;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return {
    url,
    queueUrl: (name) => `${url}/000000000000/${name}`,
    queue: (name) => {
      const queue = kept.queue(name);
      if (queue === undefined) throw new Error(`there is no queue ${name}`);
      return queue;
    },
    calls,
    show: (action, habit, times = 1) => {
      habits.set(action, [...(habits.get(action) ?? []), ...Array.from({ length: times }, () => habit)]);
    },
    parkedPolls: () => parked,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const Action = z.enum(['SendMessageBatch', 'ReceiveMessage', 'DeleteMessageBatch', 'ChangeMessageVisibilityBatch']);
const Asked = z.object({ QueueUrl: z.url() });

/** Entry by entry, of which every other one suffers from the habit. */
function each<Entry extends { readonly Id: string }>(
  entries: readonly Entry[],
  habit: Habit | null,
  act: (entry: Entry) => Reply,
): Reply {
  const Successful: Reply[] = [];
  const Failed: Reply[] = [];
  for (const [index, entry] of entries.entries()) {
    const { Id } = entry;
    if (habit === 'some entries are not answered for' && index % 2 === 0) continue;
    if (habit === 'some entries fail' && index % 2 === 0) {
      Failed.push({ Id, Code: 'InternalError', SenderFault: false, Message: 'try again' });
      continue;
    }
    try {
      if (habit === 'an entry is refused' && index === 0) throw new Refused('InvalidParameterValue');
      Successful.push({ Id, ...act(entry) });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      Failed.push({ Id, Code: error.code, SenderFault: true, Message: error.message });
    }
  }
  return { ...(Successful.length > 0 ? { Successful } : {}), ...(Failed.length > 0 ? { Failed } : {}) };
}

function refuse(response: ServerResponse, error: unknown): void {
  const { code, status } = error instanceof Refused ? error : new Refused('InvalidParameterValue');
  send(response, status, {
    __type: `com.amazonaws.sqs#${code}`,
    message: `User: arn:aws:iam::000000000000:user/somebody meets ${code}`,
  });
}

function send(response: ServerResponse, status: number, reply: Reply): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(reply));
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
