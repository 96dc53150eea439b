import type { CodePage } from "../codes.ts";

/** LEG270x: watchers that run. */
export const watcherCodes = {
  LEG2700: {
    title: "the trigger does not fit what is watched",
    why: "The trigger, or the recovery, has a mistake, or a name in it is not among what the source gives. An apply finds that; here the result schema of a Tool changed after it. The watcher goes on with what it had.",
    fix: "Run `legion validate` on the manifest: it shows the place. Put the trigger right, or the `returns` of the Tool.",
    example: { wrong: "trigger: when statsu >= 500", right: "trigger: when status >= 500" },
  },
  LEG2701: {
    title: "the condition could not be evaluated",
    why: "What was seen has another type than the condition needs: text where a number is compared, for example. The poll counts as one without data.",
    fix: "Look at the values with `legion explain trigger NAME`. Convert where the data is not sure: `number(body.count) > 3`.",
    example: { wrong: "when body.count > 3", right: "when number(body.count) > 3" },
  },
  LEG2702: {
    title: "the look did not end",
    why: "The source went on after its timeout and the time that it has to end. It is left behind; nothing new is looked at before it has ended, and the moments in between are counted as skipped.",
    fix: "Make what is watched answer sooner, raise spec.timeout, or raise spec.interval.",
  },
  LEG2703: {
    title: "the silence ends before it begins",
    why: "A silence holds back what a watcher tells until a moment. That moment is past, or is none.",
    fix: "Give a length such as `legion silence NAME 2h --reason TEXT`.",
    example: { wrong: "legion silence checkout 0s", right: "legion silence checkout 2h" },
  },
  LEG2704: {
    title: "too much waits to be told",
    why: "What a watcher tells could not be delivered for long, and its outbox is full. The newest is dropped, so that the first thing that went wrong is still told first.",
    fix: "Look at the events of the watcher: they say why nothing is delivered. Give the trigger a `cooldown` or `at most`.",
  },
  LEG2705: {
    title: "the agent did not take what a watcher told",
    why: "The agent has as many sessions as spec.maxConcurrentSessions allows, and its spec.overflow drops what comes then. The fire counts as not told, so its end is not told either.",
    fix: "Raise spec.maxConcurrentSessions of the agent, or set spec.overflow to coalesce or queue(n).",
  },
  LEG2706: {
    title: "nobody knows whether the tool of a watcher was called",
    why: "The process ended while the call was under way, and its function is not idempotent, so that it is not called a second time.",
    fix: "Look whether it was done. Set idempotent: true for a function that may be called again with the same idempotency key.",
  },
} as const satisfies Record<string, CodePage>;
