import { EventEmitter, once } from "node:events";
import type { ModelReply } from "./model-reply.ts";
import { type ModelServer, type RecordedRequest, startModelServer } from "./model-server.ts";

/** A request whose answer has begun and goes on when the test says so. */
export interface HeldRequest {
  /** What the model is told: the system prompt, and the conversation after it. */
  readonly system: string;
  readonly conversation: readonly string[];
  readonly model: string;
  /** Lets the rest of the answer come. */
  release(): void;
}

/** A model server that begins every answer and keeps the rest of it until it is released. */
export interface HeldModel extends ModelServer {
  /** The request of that number, from 0, once half of its answer is out. */
  at(index: number): Promise<HeldRequest>;
  /** Holds nothing any more, neither what is held nor what comes. */
  releaseAll(): void;
}

/** What to answer to the last message of a conversation; `index` counts requests from 0. */
export type Choose = (last: string, index: number) => ModelReply;

/** Starts one; unless told otherwise the answer to a task is `answer to <task>`. */
export async function startHeldModel(reply: Choose = echo): Promise<HeldModel> {
  const held: ReturnType<typeof heldRequest>[] = [];
  const heard = new EventEmitter();
  let isFree = false;
  const server = await startModelServer((request) => {
    const next = heldRequest(request);
    const { released, onHeld } = next;
    if (isFree) next.release();
    held.push(next);
    heard.emit("request");
    const chosen = reply(next.conversation.at(-1) ?? "", held.length - 1);
    return { ...chosen, fault: { kind: "hold", until: released, onHeld } };
  });
  const model: Omit<HeldModel, keyof ModelServer> = {
    async at(index) {
      let found = held[index];
      while (found === undefined) {
        await once(heard, "request");
        found = held[index];
      }
      await found.begun;
      return found;
    },
    releaseAll() {
      isFree = true;
      for (const { release } of held) release();
    },
  };
  return Object.assign(server, model);
}

function echo(task: string): ModelReply {
  return { action: "return", result: `answer to ${task}` };
}

function heldRequest({ body }: RecordedRequest) {
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const messages = body.messages as readonly { readonly role: string; readonly content: string }[];
  const texts = (isSystem: boolean) =>
    messages.flatMap(({ role, content }) => ((role === "system") === isSystem ? [content] : []));
  return {
    system: texts(true).join("\n"),
    conversation: texts(false),
    model: String(body.model),
    release: () => released.resolve(),
    released: released.promise,
    begun: begun.promise,
    onHeld: () => begun.resolve(),
  };
}
