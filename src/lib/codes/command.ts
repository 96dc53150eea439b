import type { CodePage } from "../codes.ts";

/** LEG7xxx: the command line; LEG9xxx: bugs. */
export const commandCodes = {
  LEG7001: {
    title: "wrong use of the command line",
    why: "The words or flags of the command are not ones that it takes.",
    fix: "Run the command with --help; it lists its flags with examples.",
    exit: 2,
  },
  LEG7002: {
    title: "not an object reference",
    why: "An object is named KIND/NAME, for example agent/assistant.",
    fix: "Write the kind, a slash and the name.",
    exit: 2,
  },
  LEG7003: {
    title: "no object of that name",
    why: "The manifests that were loaded do not hold an object of that kind and name.",
    fix: "Use a name that is listed, or load the right folder with -f.",
  },
  LEG7004: {
    title: "nothing by that name",
    why: "legion explain takes a kind, a field path or an error code, legion schema a kind.",
    fix: "Use one of the names that the message lists.",
    exit: 2,
  },
  LEG7005: {
    title: "the folder is not empty",
    why: "legion init writes into a new or empty folder, so that it overwrites nothing.",
    fix: "Name another folder.",
  },
  LEG7006: {
    title: "the output cannot be written",
    why: "Standard output refused what the command printed: the disk is full, or the file is closed or limited in size.",
    fix: "Make room, or send the output somewhere else, and run the command again.",
  },
  LEG7007: {
    title: "interrupted",
    why: "A signal came before the command had all of its input.",
    fix: "Run the command again; end input that you type with Ctrl-D.",
    exit: 130,
  },
  LEG7008: {
    title: "the Node version is too old",
    why: "Legion needs Node 24 or newer: it uses node:sqlite and runs TypeScript tools as they are.",
    fix: "Install Node 24, or start Legion by npx in a project that depends on it.",
  },
  LEG7009: {
    title: "nothing to load",
    why: "No path was given, and the working folder has none of the folders that are read by default.",
    fix: "Name a file or folder with manifests, or run legion init.",
  },
  LEG7010: {
    title: "the folder cannot be made",
    why: "Something else stands where the folder is to be, or the folder above it cannot be written to.",
    fix: "Name another folder, or give yourself the right to write there.",
  },
  LEG7040: {
    title: "not a label selector",
    why: "A selector is a list of conditions with commas between them: a=b, a!=b, a in (x,y), a notin (x), a, !a.",
    fix: "Correct it at the place that the message points at; put the whole in quotes for the shell.",
    example: { wrong: "-l 'team in core,web'", right: "-l 'team in (core,web)'" },
    exit: 2,
  },
  LEG7041: {
    title: "pattern without a file",
    why: "No file or folder matches the pattern, so there is nothing to load.",
    fix: "Correct the pattern; * stands for a part of a name, ** for folders.",
  },
  LEG7042: {
    title: "the URL cannot be read",
    why: "The server cannot be reached, does not answer with the manifests, answers too late or with too much, or sends the reader to another host.",
    fix: "Read the message; try the URL with another program, or download the file and name that.",
  },
  LEG7043: {
    title: "the URL is not pinned",
    why: "What another machine serves may change at any time. Its digest, written behind the URL, says which content was reviewed.",
    fix: "Read what the URL serves, and append #sha256= with the digest that the message tells.",
    example: {
      wrong: "-f https://example.com/agents.yaml",
      right: "-f https://example.com/agents.yaml#sha256=<64 hexadecimal digits>",
    },
  },
  LEG7044: {
    title: "the URL serves something else",
    why: "The content does not have the digest that stands behind the URL: it was changed since it was reviewed.",
    fix: "Read the new content, and pin its digest if it is right.",
  },
  LEG9001: {
    title: "internal error",
    why: "Something happened that Legion's code did not expect; this is a bug.",
    fix: "Report it with the steps that led there. Run again with LEGION_LOG=debug for the stack.",
  },
} as const satisfies Record<string, CodePage>;
