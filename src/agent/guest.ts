import type { Json } from "../lib/json.ts";
import type { GuestSurface, Host, HostReply } from "../sandbox/contract.ts";
import type { Toolbox, ToolCaller } from "../tools/contract.ts";
import { helpFor, searchTools } from "../tools/declarations.ts";
import { hostError } from "../tools/host-error.ts";
import type { Recall } from "./recall.ts";

/** What the guest's calls are answered with. */
export interface GuestNeeds {
  readonly toolbox: Toolbox;
  readonly recall: Recall;
  /** Who calls; each call brings the signal of its evaluation. */
  readonly caller: Omit<ToolCaller, "signal">;
}

type GuestFunction = (
  argument: Json | undefined,
  needs: GuestNeeds,
) => Promise<HostReply> | HostReply;

/** The functions that every agent's code has besides its tools. */
const functions: Readonly<Record<string, GuestFunction>> = {
  help: (name, { toolbox }) => helpFor(toolbox, name),
  search: (query, { toolbox }) => searchTools(toolbox, query),
  recall: (handle, { recall }) => recall.answer(handle),
};

/** The names that the code of an agent with these tools can call. */
export function guestSurface(toolbox: Toolbox): GuestSurface {
  const tools = toolbox.tools.map(({ as, functions: names }) => [as, names] as const);
  return { tools: Object.fromEntries(tools), functions: Object.keys(functions) };
}

/** Answers the guest's calls: its own functions here, tools through the toolbox. */
export function guestHost(needs: GuestNeeds): Host {
  return async (name, argument, { signal }) => {
    const own = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (own !== undefined) return own(argument, needs);
    const reply = await needs.toolbox.call(name, argument, { ...needs.caller, signal });
    return reply.ok ? reply : { ok: false, error: hostError(reply.error) };
  };
}
