import type { CodePage } from "../codes.ts";

/** LEG4xxx. */
export const toolCodes = {
  LEG4001: {
    title: "no such tool",
    why: "The name is not one of the tools that the agent's manifest lists.",
    fix: "Use one of the names that the message lists, or add the tool to spec.tools of the agent.",
    example: {
      wrong: 'await tools.file.read({ path: "a.txt" })',
      right: 'await tools.files.read({ path: "a.txt" })',
    },
  },
  LEG4002: {
    title: "the tool has no such function",
    why: "The tool exists, but it has no function of that name, or the agent's manifest does not grant it.",
    fix: 'Use one of the functions that the message lists; help("<tool>") shows what they take.',
    example: {
      wrong: 'await tools.files.readFile({ path: "a.txt" })',
      right: 'await tools.files.read({ path: "a.txt" })',
    },
  },
  LEG4003: {
    title: "a tool takes one object",
    why: "Every function of a tool takes exactly one argument, an object with the parameters by name.",
    fix: "Put the parameters into one object.",
    example: {
      wrong: 'await tools.files.read("a.txt")',
      right: 'await tools.files.read({ path: "a.txt" })',
    },
  },
  LEG4004: {
    title: "the arguments cannot be used",
    why: "The arguments are larger than maxArgumentBytes of the tool, or nested too deeply, or hold something that JSON cannot say, or a field named __proto__.",
    fix: "Send less in one call, or raise spec.maxArgumentBytes of the Tool. Give a field named __proto__ another name.",
  },
  LEG4005: {
    title: "the arguments are wrong",
    why: "The arguments do not meet the schema of the function: one is missing, unknown, of the wrong type or out of range. The tool was not run.",
    fix: "Change the argument that the message names.",
    example: {
      wrong: 'await tools.files.read({ file: "a.txt" })',
      right: 'await tools.files.read({ path: "a.txt" })',
    },
  },
  LEG4006: {
    title: "the tool took too long",
    why: "The call was not done within spec.timeout of the Tool. Its work was asked to stop; it may have been done in part.",
    fix: "Ask for less in one call, or raise spec.timeout of the Tool.",
  },
  LEG4007: {
    title: "the call was stopped",
    why: "The code that made the call ended, or the run was interrupted, before the tool answered.",
    fix: "Await every call before the code ends.",
    example: {
      wrong: 'tools.kv.set({ key: "a", value: 1 });',
      right: 'await tools.kv.set({ key: "a", value: 1 });',
    },
  },
  LEG4008: {
    title: "the tool failed",
    why: "The code of the tool threw an error; the message is the tool's own.",
    fix: "Read the message: change the arguments, or mend the tool.",
  },
  LEG4009: {
    title: "the result is not JSON",
    why: "The tool returned something that JSON cannot say: a Map, a Set, a bigint, a function, an instance of a class, an object that contains itself, or a field named __proto__.",
    fix: "Return plain objects, lists, text, numbers, booleans and null from the tool.",
    example: { wrong: 'return new Map([["a", 1]]);', right: "return { a: 1 };" },
  },
  LEG4010: {
    title: "the result is too large",
    why: "The tool returned more than maxResultBytes.",
    fix: "Ask for less in one call (a limit, a part, a narrower query), or raise spec.maxResultBytes of the Tool.",
  },
  LEG4011: {
    title: "the result is not what the tool declares",
    why: "The result does not meet the `returns` schema of the function. The fault is the tool's, not the caller's.",
    fix: "Mend the tool, or correct `returns` in its manifest.",
  },
  LEG4012: {
    title: "the configuration of the tool is wrong",
    why: "spec.config of the Tool, with config of the agent's entry laid over it, is not what the tool takes.",
    fix: "Change the field that the message names.",
    example: { wrong: "config: { root: docs }", right: "config: { roots: [docs] }" },
  },
  LEG4013: {
    title: "two tools have the same name",
    why: "Two entries of spec.tools have the same name in the agent's code.",
    fix: "Give one of them another name with `as`.",
    example: {
      wrong: "tools: [notes, { name: more-notes, as: notes }]",
      right: "tools: [notes, { name: more-notes, as: moreNotes }]",
    },
  },
  LEG4014: {
    title: "the file of the tool cannot be used",
    why: "The file named by module or sourceFrom cannot be read, is larger than 1 MiB, or fails while it is loaded.",
    fix: "Correct the fault that the message tells.",
  },
  LEG4015: {
    title: "the tool's code lacks a function",
    why: "The manifest lists a function that the module does not export, or that is not a top-level function of the JavaScript source.",
    fix: "Add the function to the code, or correct its name in spec.functions.",
    example: {
      wrong: "function total(args) { ... }",
      right: "export function total(args) { ... }",
    },
  },
  LEG4016: {
    title: "the tool's JavaScript cannot be loaded",
    why: "The source of a tool of type js has a syntax error, or fails while its top level runs.",
    fix: "Correct the source at the line that the message names.",
  },
  LEG4017: {
    title: "tools call each other too deeply",
    why: "A tool of type js called a tool that called a tool, and so on, more levels down than are allowed; capabilities in a circle do that.",
    fix: "Take the circle out of spec.capabilities.",
  },
  LEG4018: {
    title: "too many calls at once",
    why: "A tool of type js runs one call after the other; too many were waiting.",
    fix: "Await calls as you go instead of starting all of them at once.",
  },
  LEG4019: {
    title: "the agent asks for more than the tool grants",
    why: "config of the agent's entry in spec.tools would widen what spec.config of the Tool grants: roots of the files tool outside the Tool's roots, a namespace of the kv tool that is neither the Tool's nor below it, or another handler of questions than the Tool's.",
    fix: "Ask for a part of what the Tool grants, widen the Tool itself, or list a Tool of its own for the other grant. A Tool that leaves the field out leaves it to the agents.",
    example: {
      wrong: "config: { roots: [docs] } in the Tool, config: { roots: [.] } in the agent",
      right: "config: { roots: [docs] } in the Tool, config: { roots: [docs/api] } in the agent",
    },
  },
  LEG4020: {
    title: "the path is outside the granted folders",
    why: "The path, once symbolic links are followed, is not inside one of the folders in config.roots of the tool.",
    fix: "Use a path inside one of the folders that the message lists, or add the folder to config.roots.",
    example: {
      wrong: 'await tools.files.read({ path: "../../etc/passwd" })',
      right: 'await tools.files.read({ path: "src/main.ts" })',
    },
  },
  LEG4021: {
    title: "the path is never readable by agents",
    why: "Legion's state folder, files that hold secrets of the manifests, git hooks and configuration, /proc, /sys and /dev, and files that hold credentials (such as .env, .netrc, .npmrc, private keys, and copies of them) are closed to the files tool, whatever its roots.",
    fix: "Use another file. A person can copy what is needed to a file of another name.",
  },
  LEG4022: {
    title: "no such file or folder",
    why: "Nothing exists at the path, or this user may not read it.",
    fix: "Look with list or glob what there is. Paths are relative to the working folder.",
  },
  LEG4023: {
    title: "not the right type of file",
    why: "read takes regular files, list and glob take folders. Sockets, pipes and devices are never opened.",
    fix: "Use read for files and list for folders.",
  },
  LEG4024: {
    title: "the file is too large to read at once",
    why: "One call reads at most 1 MiB.",
    fix: "Read it in parts with offset and limit, both in bytes.",
    example: {
      wrong: 'await tools.files.read({ path: "big.log" })',
      right: 'await tools.files.read({ path: "big.log", offset: 0, limit: 100000 })',
    },
  },
  LEG4025: {
    title: "the file is not text",
    why: "The file holds bytes that are not UTF-8.",
    fix: 'Pass encoding: "base64" to get the bytes.',
  },
  LEG4026: {
    title: "the search is too wide",
    why: "glob looked at as many files as one call may before it was done.",
    fix: "Start the pattern with a folder, or pass path.",
    example: {
      wrong: 'await tools.files.glob({ pattern: "**/*.ts" })',
      right: 'await tools.files.glob({ pattern: "src/**/*.ts" })',
    },
  },
  LEG4027: {
    title: "a watcher or a cron calls a function that needs a person",
    why: "The function is declared approval: true, or it asks people and waits for them. Approvals are for calls that an agent makes; for a watcher or a cron no person would be asked, so the call is not made.",
    fix: "Have the watcher or the cron tell an agent that may call the function, or name a function that needs nobody.",
  },
  LEG4030: {
    title: "unknown time zone",
    why: "The name is not one of the IANA time zone database.",
    fix: "Use a name such as Europe/Berlin, America/New_York or UTC.",
  },
} as const satisfies Record<string, CodePage>;
