import type { CodePage } from "../codes.ts";

/** LEG207x and LEG208x: states of agents, conversations, dead letters. */
export const lifecycleCodes = {
  LEG2070: {
    title: "the agent cannot be moved to this state",
    why: "An agent is running, paused, stopped or terminated, and not every state can follow every other: terminated is for good, and a stopped agent has to run before it can be paused.",
    fix: "Choose one of the states that the message lists.",
    example: { wrong: "legion pause agent/stopped-one", right: "legion resume agent/stopped-one" },
  },
  LEG2071: {
    title: "the agent is stopped",
    why: "Somebody stopped the agent, or it had too many faults in a short time. It takes no messages until it is resumed; those that it has taken are kept.",
    fix: "Run `legion describe agent/NAME` for the reason, then `legion resume agent/NAME`.",
  },
  LEG2072: {
    title: "the agent is terminated",
    why: "The agent came to its end for good: somebody terminated it, its ttl was over, or a turn ended in a way that spec.terminateOn names. Its turns were cancelled and the messages that waited were not answered.",
    fix: "Send the message to another agent. To have it again, delete it and run `legion graveyard restore NAME`, or apply it under another name.",
  },
  LEG2073: {
    title: "the turn was interrupted by a person",
    why: "Somebody cancelled the turn, or all turns of the agent. The agent goes on with its next message.",
    fix: "Send the message again if it is still wanted.",
  },
  LEG2074: {
    title: "all agents were stopped",
    why: "Somebody pulled the kill switch: every turn was cancelled, and every agent is stopped.",
    fix: "When the cause is mended, resume the agents with `legion resume`, and send the message again.",
  },
  LEG2075: {
    title: "no such conversation",
    why: "The agent has had no turn in a conversation of this name, or the conversation was ended.",
    fix: "Run `legion conversations agent/NAME`: it lists those that the agent has.",
  },
  LEG2076: {
    title: "there is nothing to go on with",
    why: "A run can be gone on with when it ended without an answer. This one has answered, still runs, waits for its next delivery, or belongs to an agent that is not there.",
    fix: "Send the task again with `legion tell`.",
  },
  LEG2077: {
    title: "the message is a dead letter",
    why: "The message was delivered as often as spec.inbox.maxDeliveries allows and was never answered, or the process ended again and again while it was answered. It is kept.",
    fix: "Run `legion inbox dead` for the cause; when that is mended, `legion inbox redrive`.",
  },
  LEG2078: {
    title: "the conversation was ended",
    why: "Somebody ended the conversation that the message was for. Its turn was cancelled, and messages that waited for it got no answer.",
    fix: "Send the message again: it begins a new conversation.",
  },
  LEG2079: {
    title: "a newer trigger took the place of this one",
    why: "As many sessions of the agent as spec.maxConcurrentSessions allows were running, and spec.overflow is coalesce: of the triggers that wait only the newest is kept.",
    fix: "Nothing is to be done. To keep more of them, raise spec.maxConcurrentSessions or set spec.overflow to queue(n).",
  },
  LEG6075: {
    title: "no such grave",
    why: "No agent of that name or uid was deleted or terminated, or so many were since then that it is kept no longer.",
    fix: "List what was buried with legion graveyard list, and name it as namespace/name or by its uid.",
  },
  LEG6076: {
    title: "an agent of that name lives",
    why: "The agent that is to be restored would take the place of another one of the same name.",
    fix: "Delete the one that lives, or leave the grave alone.",
  },
} as const satisfies Record<string, CodePage>;
