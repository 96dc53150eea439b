import type { Sandbox, Snapshot } from "../sandbox/contract.ts";
import type { SandboxNeeds } from "./session.ts";

/** The sandbox of a conversation, with its variables. It is opened when it is first asked for. */
export interface HeldSandbox {
  /** The variables after the last evaluation that succeeded; undefined when there are none. */
  readonly snapshot: Snapshot | undefined;
  /** The sandbox for these needs, with the variables in it. */
  get(needs: SandboxNeeds): Promise<Sandbox>;
  /** Says which variables the sandbox holds now. */
  keep(snapshot: Snapshot): void;
  /** Other variables than those that it holds: it gets them when it is asked for. */
  replace(snapshot: Snapshot | undefined): void;
  close(): Promise<void>;
}

/** Holds one sandbox at a time. */
export function holdSandbox(kept: Snapshot | undefined): HeldSandbox {
  let snapshot = kept;
  let isStale = false;
  let held: { readonly key: string; readonly sandbox: Promise<Sandbox> } | undefined;

  function hold(key: string, sandbox: Promise<Sandbox>): Promise<Sandbox> {
    const mine = { key, sandbox };
    held = mine;
    // One that did not open is tried again; who waits for it hears of the error.
    sandbox.catch(() => {
      if (held === mine) held = undefined;
    });
    return sandbox;
  }

  async function open(last: Promise<Sandbox> | undefined, needs: SandboxNeeds): Promise<Sandbox> {
    const variables = snapshot;
    await closed(last);
    const sandbox = await (await needs.pool()).open(needs.limits, needs.surface);
    if (variables !== undefined) await sandbox.restore(variables);
    return sandbox;
  }

  return {
    get snapshot() {
      return snapshot;
    },
    // Nothing waits before the sandbox is held: `close` closes also one that is still being opened.
    get(needs) {
      const isOther = isStale || (needs.isFresh && snapshot !== undefined);
      if (needs.isFresh) snapshot = undefined;
      isStale = false;
      const key = JSON.stringify([needs.limits, needs.surface]);
      if (held?.key !== key) return hold(key, open(held?.sandbox, needs));
      return isOther ? hold(key, restored(held.sandbox, snapshot)) : held.sandbox;
    },
    keep(current) {
      snapshot = current;
    },
    replace(current) {
      snapshot = current;
      isStale = true;
    },
    async close() {
      const closing = held?.sandbox;
      held = undefined;
      await closed(closing);
    },
  };
}

async function restored(
  before: Promise<Sandbox>,
  variables: Snapshot | undefined,
): Promise<Sandbox> {
  const sandbox = await before;
  await sandbox.restore(variables);
  return sandbox;
}

async function closed(sandbox: Promise<Sandbox> | undefined): Promise<void> {
  // One that did not open needs no closing.
  const opened = await sandbox?.catch(() => undefined);
  await opened?.close();
}
