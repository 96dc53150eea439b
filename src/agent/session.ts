import type {
  GuestSurface,
  Sandbox,
  SandboxLimits,
  SandboxPool,
  Snapshot,
} from "../sandbox/contract.ts";
import { createRecall, type Recall } from "./recall.ts";

/** One entry of a conversation. The system prompt is made anew for each turn and is never among them. */
export interface Message {
  readonly type: "user" | "assistant" | "eval_result" | "error";
  /** ISO 8601, wall time. */
  readonly at: string;
  /** What the model reads, already cut to `maxMessageLength`. */
  readonly text: string;
}

/** What a conversation keeps between its turns. Its sandbox is opened when it is first asked for and stays open until `close`. */
export interface Session {
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** The variables after the last evaluation that succeeded; undefined when there are none. */
  readonly snapshot: Snapshot | undefined;
  /** The whole texts of messages that were cut. */
  readonly recall: Recall;
  append(message: Message): void;
  /** The sandbox for these limits and names, with the variables in it; another one when they have changed. */
  sandbox(needs: SandboxNeeds): Promise<Sandbox>;
  /** Says which variables the sandbox holds now. */
  keep(snapshot: Snapshot): void;
  /** Runs turns one after the other. */
  exclusive<T>(turn: () => Promise<T>): Promise<T>;
  /** Gives the sandbox back. The conversation and its variables stay: a turn that needs a sandbox opens another one. */
  close(): Promise<void>;
}

export interface SandboxNeeds {
  readonly pool: () => Promise<SandboxPool>;
  readonly limits: SandboxLimits;
  readonly surface: GuestSurface;
  /** Whether the variables that there are go first. */
  readonly isFresh: boolean;
}

/** A new conversation, or one that goes on from what was kept of it. */
export function createSession(
  kept: { readonly messages?: readonly Message[]; readonly snapshot?: Snapshot } = {},
): Session {
  const messages = [...(kept.messages ?? [])];
  const recall = createRecall();
  let snapshot = kept.snapshot;
  let held: { readonly key: string; readonly sandbox: Promise<Sandbox> } | undefined;
  let lastTurn: Promise<unknown> = Promise.resolve();

  function hold(key: string, sandbox: Promise<Sandbox>): Promise<Sandbox> {
    const mine = { key, sandbox };
    held = mine;
    // One that did not open is tried again; who waits for it hears of the error.
    sandbox.catch(() => {
      if (held === mine) held = undefined;
    });
    return sandbox;
  }

  async function open(before: Promise<Sandbox> | undefined, needs: SandboxNeeds): Promise<Sandbox> {
    const variables = snapshot;
    await closed(before);
    const sandbox = await (await needs.pool()).open(needs.limits, needs.surface);
    if (variables !== undefined) await sandbox.restore(variables);
    return sandbox;
  }

  return {
    messages,
    get snapshot() {
      return snapshot;
    },
    recall,
    append: (message) => void messages.push(message),
    // Nothing waits before the sandbox is held: `close` closes also one that is still being opened.
    sandbox(needs) {
      const hadVariables = snapshot !== undefined;
      if (needs.isFresh) snapshot = undefined;
      const key = JSON.stringify([needs.limits, needs.surface]);
      if (held?.key !== key) return hold(key, open(held?.sandbox, needs));
      return needs.isFresh && hadVariables ? hold(key, emptied(held.sandbox)) : held.sandbox;
    },
    keep: (current) => {
      snapshot = current;
    },
    exclusive(turn) {
      const result = lastTurn.then(turn);
      lastTurn = result.catch(() => {});
      return result;
    },
    async close() {
      const closing = held?.sandbox;
      held = undefined;
      await closed(closing);
    },
  };
}

async function emptied(before: Promise<Sandbox>): Promise<Sandbox> {
  const sandbox = await before;
  await sandbox.restore(undefined);
  return sandbox;
}

async function closed(sandbox: Promise<Sandbox> | undefined): Promise<void> {
  // One that did not open needs no closing.
  const opened = await sandbox?.catch(() => undefined);
  await opened?.close();
}
