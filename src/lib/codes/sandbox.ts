import type { CodePage } from "../codes.ts";

/** LEG3xxx: the sandbox that an agent's code runs in. */
export const sandboxCodes = {
  LEG3001: {
    title: "the code is not JavaScript",
    why: "The code could not be parsed, or declares a name that the sandbox needs itself. Nothing of it ran.",
    fix: "Correct the place that the code frame shows. TypeScript annotations may stay; enums, namespaces, imports and JSX may not.",
    example: {
      wrong: 'import fs from "node:fs"',
      right: 'const text = await tools.files.read({ path: "README.md" })',
    },
  },
  LEG3002: {
    title: "the code threw an error",
    why: "An error was thrown by the code or by a function that it called, and nothing caught it. The error of a tool that has a code of its own keeps that one. The variables are those from before the evaluation.",
    fix: "Correct the place that the code frame shows, or catch the error.",
  },
  LEG3003: {
    title: "the evaluation took too long",
    why: "The code ran for longer than spec.sandbox.timeout, or waits for a promise that nothing will settle. Waiting for a person, an approval or a sub-agent does not count.",
    fix: "Do less in one evaluation, end the loop, await what you start; or allow more time in spec.sandbox.timeout.",
    example: {
      wrong: "await new Promise(() => {})",
      right: 'await tools.files.list({ path: "." })',
    },
  },
  LEG3004: {
    title: "the sandbox is out of memory",
    why: "The code and its variables need more memory than spec.sandbox.memory allows.",
    fix: "Keep less at a time: filter early, drop what is not needed; or allow more in spec.sandbox.memory.",
  },
  LEG3005: {
    title: "too deep a recursion",
    why: "Functions called each other, or data or code was nested, more deeply than the stack of the sandbox allows (64 KiB).",
    fix: "Give the recursion an end, or use a loop with a list of what is still to do.",
  },
  LEG3006: {
    title: "the result is too large",
    why: "The value of the evaluation is larger than spec.sandbox.maxResultBytes.",
    fix: "Keep the data in a variable and return a part, a count or a summary of it.",
    example: { wrong: "rows", right: "({ total: rows.length, first: rows.slice(0, 5) })" },
  },
  LEG3007: {
    title: "the result cannot be written as JSON",
    why: "The value of the evaluation is or holds something that JSON cannot say: a function, a promise that was not awaited, an object that refers to itself.",
    fix: "Return plain data; await promises first.",
    example: { wrong: "[tools.files.read({ path })]", right: "[await tools.files.read({ path })]" },
  },
  LEG3008: {
    title: "the variables are too large to keep",
    why: "The variables at the top level are larger together than spec.sandbox.maxBindingsBytes. They are those from before the evaluation.",
    fix: "Put large data into a block { ... } or a function, and keep only what the next evaluation needs.",
  },
  LEG3009: {
    title: "too many tool calls",
    why: "One evaluation made more calls than spec.sandbox.maxToolCalls allows. Those up to the limit took place.",
    fix: "Call fewer tools in one evaluation, or ask for more with one call.",
  },
  LEG3010: {
    title: "the sandbox was killed",
    why: "The code did not stop at its deadline, or broke the engine, so the worker that ran it was ended. Calls that it made before took place.",
    fix: "Avoid work inside one built-in call over huge data, such as join on a list of a billion items. The variables are those from before the evaluation.",
  },
  LEG3011: {
    title: "the evaluation was aborted",
    why: "Somebody stopped the agent, or Legion is ending. Calls that the code made before took place.",
    fix: "Nothing is wrong with the code; run it again if it is still wanted.",
  },
  LEG3012: {
    title: "the sandbox did not start",
    why: "The worker or process that runs the code could not be started.",
    fix: "See the message. spec.sandbox.isolation: shared needs the least of the machine.",
  },
  LEG3013: {
    title: "the code did not follow its record",
    why: "An evaluation that was interrupted was begun again, with the answers, times and random numbers that are recorded, and it made another call than its record says, or ended before it made all of them. Something that the record does not hold was not the same. Calls without a recorded answer were not made again.",
    fix: "The message says which call was recorded and which was made. Check what the recorded calls have done, then have the rest done by a new evaluation. Variables that could not be kept are gone after a restart, and two variables that share one object have one each: keep such an object in one variable.",
    example: {
      wrong: "const first = {}; const second = first",
      right: "const both = { value: {} }",
    },
  },
} as const satisfies Record<string, CodePage>;
